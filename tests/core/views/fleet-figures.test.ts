import fc from 'fast-check';
import {
  createOrchestrator,
  fleetFigures,
  projectAttempts,
  runFigures,
  runSample,
  type RunSample,
  type RunView,
} from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import {
  createSequentialIds,
  createVirtualClock,
  outcomesArbitrary,
  planArbitrary,
  scriptedAgent,
  scriptOf,
} from 'planwright/testing';
import { builtInTopologies } from 'planwright/topologies';
import { describe, expect, it } from 'vitest';

import { latencyOf } from '../../../src/core/views/latency.js';
import { createRunProjection } from '../../../src/core/views/run-view.js';
import { decider, delegate, finish, supervised, wait } from '../../running/support/team.js';
import { ada, createWorld, eventsOf, ticket, tickets } from '../../running/support/world.js';
import { anyMaterialized, anyTeam } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

/** Plans, and how their runs stand after some of what happens to them. */
const anyView = fc
  .tuple(fc.oneof(anyMaterialized(), sagaRun, anyTeam()), fateArbitrary(), fc.integer({ min: 1, max: 200 }))
  .map(([run, fate, turns]) => {
    const projection = createRunProjection(run.plan);
    let view: RunView = projection.view();
    let left = turns;
    runToEnd(run, fate, {
      onTurn({ input, commands }) {
        for (const command of commands)
          if (command.type === 'publish')
            projection.apply({ ...command.event, seq: projection.seq + 1, at: input.at, runId: 'r1' });
        left -= 1;
        if (left === 0) view = projection.view();
      },
    });
    return { plan: run.plan, view: left > 0 ? projection.view() : view };
  });

const micro = (usd: number): number => Math.round(usd * 1_000_000);

describe('a latency', () => {
  it('HB-54 law: is by nearest rank, so that each percentile was really there, and as many do not pass it as it says', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 300 }), (durations) => {
        const { count, p50Ms, p95Ms, p99Ms, maxMs } = latencyOf(durations)!;
        expect(count).toBe(durations.length);
        expect([p50Ms, p95Ms, p99Ms, maxMs]).toEqual([p50Ms, p95Ms, p99Ms, maxMs].sort((a, b) => a - b));
        for (const [percent, at] of [
          [50, p50Ms],
          [95, p95Ms],
          [99, p99Ms],
        ] as const) {
          expect(durations).toContain(at);
          expect(durations.filter((one) => one <= at).length * 100).toBeGreaterThanOrEqual(percent * count);
          expect(durations.filter((one) => one < at).length * 100).toBeLessThan(percent * count);
        }
      }),
    );
    expect(latencyOf([])).toBeUndefined();
  });
});

describe('figures of a run', () => {
  it('HB-54 HB-60 law: work and overhead are all that there was, and the kinds of steps are all steps', () => {
    fc.assert(
      fc.property(anyView, ({ plan, view }) => {
        const { work, overhead, serialMs, latency } = runFigures(plan, view);
        expect(work.activeMs + overhead.activeMs).toBe(serialMs);
        expect(work.usage.tokens + overhead.usage.tokens).toBe(view.usage.tokens);
        expect(micro(work.usage.costUsd) + micro(overhead.usage.costUsd)).toBe(micro(view.usage.costUsd));
        const kinds = Object.values(latency.byKind).reduce((sum, { count }) => sum + count, 0);
        expect(kinds).toBe(latency.steps?.count ?? 0);
      }),
      { numRuns: 60 },
    );
  });

  it('HB-59 law: what was spent is known by agent, by step and by attempt, and each of them adds up to the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        planArbitrary({ topologies: builtInTopologies, maxTickets: 8 }),
        outcomesArbitrary(),
        async (plan, outcomes) => {
          const clock = createVirtualClock({ startAt: 0 });
          const agent = scriptedAgent(scriptOf(plan.steps, outcomes), { clock });
          const agents = Object.fromEntries(plan.roles.map((one) => [one.kind === 'existing' ? one.agentId : one.key, agent]));
          const world = createWorld({
            clock,
            agents,
            whenInDoubt: 'fail',
            workspace: { hire: async ({ role }) => ({ agentId: `new ${role}`, agent }) },
          });
          const { runId, revision, digest } = await clock.runUntil(world.orchestrator.proposePlan(plan));
          const run = await clock.runUntil(world.orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
          const ended = run.result();
          await clock.runUntil(Promise.race([ended, pausedFor(run)]));
          if (run.view().endedAt === undefined) await clock.runUntil(run.cancel());
          const { steps, usage, usageByAgent } = run.view();
          const attempts = projectAttempts(plan, await eventsOf(run));
          const tokens = (of: Iterable<{ readonly tokens: number }>) => [...of].reduce((sum, one) => sum + one.tokens, 0);
          expect(tokens(Object.values(usageByAgent))).toBe(usage.tokens);
          expect(tokens(steps.map((one) => one.usage))).toBe(usage.tokens);
          expect(tokens(attempts.map((one) => one.usage))).toBe(usage.tokens);
          for (const [agentId, of] of Object.entries(usageByAgent))
            expect(tokens(attempts.filter((one) => one.agentId === agentId).map((one) => one.usage))).toBe(of.tokens);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('HB-54 HB-60 tell a lead from its workers, queues from work, and what a task has cost', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const costing = (costUsd: number, delayMs: number) =>
      scriptedAgent({ default: { delayMs, usage: { costUsd, inputTokens: 10 } } }, { clock });
    const lead = decider(delegate(['coder'], ['coder', 'More.']), wait, finish());
    const agents = { lead: lead.agent, coder: costing(0.2, 100), clerk: costing(0.05, 10) };
    const world = createWorld({ clock, agents });
    const { plan, ...proposed } = await world.propose(
      supervised([{ key: 'coder', kind: 'existing', agentId: 'coder', concurrency: 1 }]),
    );
    const run = await world.approve({ plan, ...proposed });
    await world.end(run);
    const figures = runFigures(plan, run.view());
    expect(figures).toMatchObject({
      work: { steps: 2, activeMs: 200, usage: { costUsd: 0.4, tokens: 20 } },
      overhead: { activeMs: 10, usage: { costUsd: 0.05, tokens: 10 } },
      usageByAgent: { coder: { costUsd: 0.4 }, clerk: { costUsd: 0.05 } },
      latency: { byKind: { delegation: { count: 2, p50Ms: 100, p99Ms: 200 } }, tasks: { count: 1, p50Ms: 200 } },
      ...{ queuedMs: 100, retries: 0, costPerTaskUsd: 0.45, tokensPerTask: 30 },
    });
  });
});

/** Nobody is there to let a run go on whose budget is exhausted. */
const pausedFor = async (run: { events(): AsyncIterable<{ readonly type: string }> }): Promise<void> => {
  for await (const { type } of run.events()) if (type === 'run.paused' || type === 'step.in-doubt') return;
};

describe('figures of many runs', () => {
  const sample = anyView.map(({ plan, view }) => runSample(plan, view));

  it('HB-53 HB-54 law: do not depend on the order of the runs, and those of two fleets add up to those of both', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 6 }), fc.array(sample, { maxLength: 6 }), (one, other) => {
        const both = fleetFigures([...one, ...other]);
        expect(fleetFigures([...other, ...one].reverse())).toEqual({ ...both, byTopology: expect.anything() as unknown });
        const [first, second] = [fleetFigures(one), fleetFigures(other)];
        for (const name of ['runs', 'ended', 'completed', 'verified', 'recovered', 'tasks', 'queuedMs', 'retries'] as const)
          expect(first[name] + second[name]).toBe(both[name]);
        expect(first.usage.tokens + second.usage.tokens).toBe(both.usage.tokens);
        expect(both.completed).toBeLessThanOrEqual(both.ended);
        expect(both.verified).toBeLessThanOrEqual(both.completed);
        const kinds = Object.values(both.byTopology);
        expect(kinds.reduce((sum, { runs }) => sum + runs, 0)).toBe(both.runs);
        // What is kept of a run survives being stored.
        expect(fleetFigures(JSON.parse(JSON.stringify([...one, ...other])) as RunSample[])).toEqual(both);
      }),
      { numRuns: 30 },
    );
    expect(fleetFigures([])).toMatchObject({ runs: 0, completed: 0, byTopology: {} });
    expect(Object.values(fleetFigures([])).some((figure) => Number.isNaN(figure))).toBe(false);
  });

  it('HB-53 HB-54 count what has completed, how long it took, and what came out in a second', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({
      clock,
      script: { steps: { bad: { fail: 'no', delayMs: 500 } }, default: { delayMs: 1_000, usage: { costUsd: 0.1 } } },
    });
    const samples: RunSample[] = [];
    for (const keys of [['a'], ['a', 'b'], ['bad']]) {
      const proposed = await world.propose(tickets(keys, { topology: { kind: keys[0] === 'bad' ? 'single' : 'graph' } }));
      const run = await world.approve(proposed);
      await world.end(run);
      samples.push(runSample(proposed.plan, run.view()));
    }
    const { byTopology, ...totals } = fleetFigures(samples);
    expect(totals).toMatchObject({
      ...{ runs: 3, ended: 3, completed: 2, verified: 0, completionRate: 2 / 3, recovered: 0, tasks: 3 },
      wall: { count: 3, p50Ms: 2_000, p95Ms: 2_000, p99Ms: 2_000 },
      work: { steps: 4 },
      overhead: { steps: 2 },
      stepsPerSecond: 6 / 4.5,
      costPerTaskUsd: 0.5 / 3,
    });
    expect(Object.keys(byTopology).sort()).toEqual(['graph', 'single']);
    expect(totals).not.toHaveProperty('resumeSuccessRate');
  });

  it('HB-55 HB-56 count runs that were taken up, what was begun once more for it, and what is known to have happened twice', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const store = createMemoryStore();
    const worker = async ({ attempt }: { readonly attempt: number }) => {
      // The first attempt takes no notice that nobody waits for it any more.
      await clock.sleep(attempt === 1 ? 150 : 100);
      return { output: { attempt } };
    };
    const boot = (owner: string) =>
      createOrchestrator({ clock, store, owner, leaseMs: 1_000, ids: createSequentialIds(), agents: { worker } });
    const late = ticket('late', { timeoutMs: 100, retry: { attempts: 2, backoffMs: 80 } });
    const dying = boot('one');
    const { runId, revision, digest, plan } = await dying.propose(tickets([late, ticket('after', { dependsOn: ['late'] })]));
    const lost = await clock.runUntil(dying.approve(runId, { revision, digest, approvedBy: ada }));
    await clock.advanceAsync(300);
    expect(lost.view().steps).toMatchObject([{ status: 'succeeded', late: { attempt: 1 } }, { status: 'running' }, {}]);
    const second = createOrchestrator({ clock, store, owner: 'one', ids: createSequentialIds(), agents: { worker } });
    const [run] = await clock.runUntil(second.recover());
    await clock.runUntil(run!.result());
    const figures = fleetFigures([runSample(plan, run!.view())]);
    expect(figures).toMatchObject({
      ...{ recovered: 1, resumeSuccessRate: 1, retries: 1 },
      effects: { happened: 3, repeated: 1, duplicated: 1 },
      duplicateEffectRate: 1 / 3,
    });
  });
});
