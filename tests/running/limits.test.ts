import {
  type AgentContext,
  type AgentRequest,
  createOrchestrator,
  type OrchestrationProposal,
  type Role,
  ThrottledError,
} from 'planwright';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets } from './support/world.js';

interface Stay {
  readonly runId: string;
  readonly stepId: string;
  readonly startedAt: number;
  endedAt: number;
}

/** An agent that takes its time and notes when it was at work. */
function recorded(clock: ReturnType<typeof createVirtualClock>, durationMs: (request: AgentRequest) => number) {
  const stays: Stay[] = [];
  const agent = async (request: AgentRequest, { signal }: AgentContext) => {
    const { runId, stepId } = request;
    const stay: Stay = { runId, stepId, startedAt: clock.now(), endedAt: Infinity };
    stays.push(stay);
    await clock.sleep(durationMs(request), { signal });
    stay.endedAt = clock.now();
    return { output: { did: stepId } };
  };
  const mostAtOnce = (which: (stay: Stay) => boolean = () => true): number => {
    const chosen = stays.filter((stay) => which(stay) && stay.stepId !== 'synthesis');
    return Math.max(
      ...chosen.map(
        ({ startedAt }) => chosen.filter((other) => other.startedAt <= startedAt && other.endedAt > startedAt).length,
      ),
    );
  };
  const mostWithin = (intervalMs: number): number => {
    const starts = stays.filter(({ stepId }) => stepId !== 'synthesis').map(({ startedAt }) => startedAt);
    return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + intervalMs).length));
  };
  return { agent, stays, mostAtOnce, mostWithin };
}

const many = (count: number, uses: readonly string[], parts: Partial<OrchestrationProposal> = {}): OrchestrationProposal =>
  tickets(
    Array.from({ length: count }, (_, nth) => ticket(`t${nth}`, { resources: uses })),
    parts,
  );

describe('a resource', () => {
  it('HB-41 HB-58 is used by all runs of a process together at most so often at once', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, mostAtOnce } = recorded(clock, () => 10);
    const world = createWorld({ clock, agents: { worker: agent } });
    const proposal = many(8, ['tool'], { resources: { tool: { concurrency: 3 } } });
    const runs = [await world.start(proposal), await world.start(proposal)];
    for (const run of runs) expect((await world.end(run)).status).toBe('completed');
    expect(mostAtOnce()).toBe(3);
    // As fast as it may: 16 steps, 3 at once, 10 ms each, and two syntheses.
    expect(clock.now()).toBe(Math.ceil(16 / 3) * 10 + 10);
  });

  it('HB-41 HB-52 is started at most so often in any interval, and no slower than that', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, stays, mostWithin } = recorded(clock, () => 3);
    const world = createWorld({ clock, agents: { worker: agent } });
    await world.run(many(50, ['tool'], { resources: { tool: { limit: 10, intervalMs: 1_000 } } }));
    expect(mostWithin(1_000)).toBe(10);
    expect(Math.max(...stays.filter(({ stepId }) => stepId !== 'synthesis').map(({ startedAt }) => startedAt))).toBe(4_000);
  });

  it('is held to what the orchestrator allows, whatever a plan declares', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, mostAtOnce } = recorded(clock, () => 10);
    const world = createWorld({ clock, agents: { worker: agent }, resources: { tool: { concurrency: 2 } } });
    await world.run(many(6, ['tool'], { resources: { tool: { concurrency: 5 } } }));
    expect(mostAtOnce()).toBe(2);
  });

  it('HB-40 refuses a step that would wait behind too many, with the limit, as an attempt that can be made again', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent } = recorded(clock, () => 10);
    const world = createWorld({ clock, agents: { worker: agent } });
    const resources = { tool: { concurrency: 1, maxQueued: 1 } };
    const { run, result } = await world.run(many(3, ['tool'], { resources }));
    expect(result.gaps).toMatchObject([{ key: 't2', reason: { code: 'RESOURCE_REFUSED' } }]);
    expect(stepOf(run, 't2').error?.message).toContain('1 wait for the resource "tool" already (maxQueued)');
    const again = await createWorld({ clock, agents: { worker: agent } }).run({
      ...many(3, ['tool'], { resources }),
      tickets: many(3, ['tool']).tickets.map((one) => ({ ...one, retry: { attempts: 2, backoffMs: 50 } })),
    });
    expect(again.result.gaps).toEqual([]);
  });

  it('HB-40 refuses a step that has waited too long', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent } = recorded(clock, () => 100);
    const world = createWorld({ clock, agents: { worker: agent } });
    const { result, events } = await world.run(many(2, ['tool'], { resources: { tool: { concurrency: 1, maxWaitMs: 30 } } }));
    expect(result.gaps).toMatchObject([{ key: 't1', reason: { code: 'RESOURCE_REFUSED' } }]);
    expect(events.find((event) => event.type === 'step.failed')).toMatchObject({ stepId: 't1', at: 30 });
  });

  it('HB-41 takes calls inside of steps through the same limits, and a call of what the step holds takes no second place', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: number[] = [];
    const worker = async ({ stepId }: AgentRequest, context: AgentContext) => {
      if (stepId === 'synthesis') return { output: null };
      await context.call('tool', async () => {
        calls.push(clock.now());
        await clock.sleep(10);
      });
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { tool: { concurrency: 1 } } });
    await world.run(many(3, []));
    expect(calls).toEqual([0, 10, 20]);
    await world.run(many(2, ['tool']));
    expect(calls.slice(3)).toEqual([30, 40]);
  });

  it('HB-42 a call that is no longer wanted leaves the line', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    let called = 0;
    const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
      if (stepId !== 'synthesis') {
        await call('tool', async () => {
          called += 1;
          await clock.sleep(100);
        });
      }
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { tool: { concurrency: 1 } } });
    const { result } = await world.run(tickets([ticket('a'), ticket('b', { timeoutMs: 20 })]));
    expect(result.gaps).toMatchObject([{ key: 'b' }]);
    expect(called).toBe(1);
  });
});

describe('a provider that asks for a pause', () => {
  it('HB-41 HB-52 is left alone by everyone until then, and no step has failed', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: number[] = [];
    const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
      if (stepId === 'synthesis') return { output: null };
      await call('tool', async () => {
        calls.push(clock.now());
        if (calls.length === 1) throw new ThrottledError({ retryAfterMs: 5_000 });
        await clock.sleep(10);
      });
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { tool: { concurrency: 1 } } });
    const { run, result } = await world.run(many(3, []));
    expect(calls).toEqual([0, 5_000, 5_010, 5_020]);
    expect(result.gaps).toEqual([]);
    expect(run.view().steps.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
  });

  it('HB-43 is asked no more by a step whose time is over', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    let asked = 0;
    const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
      if (stepId === 'a')
        await call('tool', () => {
          asked += 1;
          throw new ThrottledError({ retryAfterMs: 100 });
        });
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { tool: {} } });
    const { result } = await world.run(tickets([ticket('a', { timeoutMs: 250 }), 'b']));
    expect(result.gaps).toMatchObject([{ key: 'a' }]);
    await clock.advanceAsync(10_000);
    expect(asked).toBe(3);
  });
});

describe('the concurrency of a role', () => {
  it('HB-42 holds in each run for itself', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, mostAtOnce } = recorded(clock, () => 10);
    const world = createWorld({ clock, agents: { worker: agent } });
    const roles: readonly Role[] = [{ key: 'worker', kind: 'existing', agentId: 'worker', concurrency: 2 }];
    const runs = [await world.start(many(5, [], { roles })), await world.start(many(5, [], { roles }))];
    for (const run of runs) await world.end(run);
    for (const { runId } of runs) expect(mostAtOnce((stay) => stay.runId === runId)).toBe(2);
    expect(mostAtOnce()).toBe(4);
  });
});

describe('the concurrency of a run', () => {
  it('FX-01 holds for all its attempts together, calls inside of them apart', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, mostAtOnce } = recorded(clock, () => 10);
    const calling = (request: AgentRequest, context: AgentContext) => context.call('tool', () => agent(request, context));
    const world = createWorld({ clock, agents: { worker: calling }, resources: { tool: {} } });
    const roles: readonly Role[] = ['worker', 'other'].map((key) => ({ key, kind: 'existing', agentId: 'worker' }));
    const work = Array.from({ length: 6 }, (_, nth) => ticket(`t${nth}`, { role: nth % 2 === 0 ? 'worker' : 'other' }));
    const proposal = tickets(work, { roles, budget: { maxConcurrency: 2 } });
    const runs = [await world.start(proposal), await world.start(proposal)];
    for (const run of runs) expect((await world.end(run)).status).toBe('completed');
    for (const { runId } of runs) expect(mostAtOnce((stay) => stay.runId === runId)).toBe(2);
    expect(mostAtOnce()).toBe(4);
  });

  it('FX-01 is at most what the orchestrator allows any run', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, mostAtOnce } = recorded(clock, () => 10);
    const world = createWorld({ clock, agents: { worker: agent }, runConcurrency: 3 });
    const { run } = await world.run(many(7, [], { budget: { maxConcurrency: 5 } }));
    expect(mostAtOnce(({ runId }) => runId === run.runId)).toBe(3);
    await world.run(many(7, []));
    expect(mostAtOnce()).toBe(3);
  });

  it('FX-01 refuses what is no number of attempts', async () => {
    const world = createWorld();
    const told = await rejectionOf(world.propose(many(1, [], { budget: { maxConcurrency: 0 } })));
    expect(told).toMatchObject({ code: 'PROPOSAL_REJECTED', issues: [{ pointer: '/budget/maxConcurrency' }] });
  });
});

it('HB-41 a run of 2,000 steps does not hold up one of 4', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const { agent } = recorded(clock, () => 10);
  const orchestrator = createOrchestrator({ clock, ids: createSequentialIds(), agents: { worker: agent }, concurrency: 10 });
  const start = async (count: number) => {
    const { runId, revision, digest } = await clock.runUntil(orchestrator.propose(many(count, [])));
    return clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
  };
  const big = await start(2_000);
  const small = await start(4);
  await clock.runUntil(small.result());
  expect(clock.now()).toBeLessThanOrEqual(60);
  await clock.runUntil(big.result());
  expect((await eventsOf(big)).at(-1)?.type).toBe('run.completed');
});
