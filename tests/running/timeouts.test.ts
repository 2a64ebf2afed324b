import { type AgentFunction, AgentError, type OrchestrationProposal } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, stepOf, ticket, tickets } from './support/world.js';

type Clock = ReturnType<typeof createVirtualClock>;

/** Attempts at the ticket `a` take so long, one after another, and then fail, unless they are aborted first. */
function failingAfter(clock: Clock, ...durations: readonly number[]) {
  const calls: number[] = [];
  const agent: AgentFunction = async ({ stepId }, { signal }) => {
    if (stepId !== 'a') return { output: {} };
    const durationMs = durations[calls.length];
    calls.push(clock.now());
    if (durationMs === undefined) return { output: 'done' };
    await clock.sleep(durationMs, { signal });
    throw new AgentError(`Nothing after ${durationMs} ms.`);
  };
  return { agent, calls };
}

const one = (parts: Parameters<typeof ticket>[1], rest: Partial<OrchestrationProposal> = {}): OrchestrationProposal =>
  tickets([ticket('a', parts)], rest);
const retry = { attempts: 9, backoffMs: 100, factor: 1 };

describe('the time of all attempts at a step', () => {
  it('HB-43 is over for an attempt under way, and no other follows', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = failingAfter(clock, 200, 200, 86_000_000);
    const { run, events } = await createWorld({ clock, agents: { worker: agent } }).run(one({ retry, totalTimeoutMs: 1_000 }));
    expect(calls).toEqual([0, 300, 600]);
    expect(events.find(({ type }) => type === 'step.failed')).toMatchObject({ at: 1_000 });
    const { status, error } = stepOf(run, 'a');
    expect([status, error]).toEqual([
      'failed',
      {
        code: 'TIMED_OUT',
        message: 'Step "a" had 1000 ms for all its attempts (totalTimeoutMs), and has not ended within them.',
        ...{ stepId: 'a', attempt: 3, limit: 'totalTimeoutMs' },
      },
    ]);
  });

  it('HB-43 lets no attempt follow that could not begin in it, and keeps what the last came to', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = failingAfter(clock, 200, 200, 200);
    const { run, events } = await createWorld({ clock, agents: { worker: agent } }).run(one({ retry, totalTimeoutMs: 600 }));
    expect(calls).toEqual([0, 300]);
    expect(events.find(({ type }) => type === 'step.failed')).toMatchObject({ at: 500 });
    expect(stepOf(run, 'a').error).toMatchObject({
      ...{ code: 'TIMED_OUT', limit: 'totalTimeoutMs', attempt: 2 },
      cause: { code: 'failed', message: 'Nothing after 200 ms.' },
    });
  });

  it('HB-43 does not lengthen that of an attempt, which is over first where it is shorter', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = failingAfter(clock, 86_000_000, 86_000_000, 86_000_000);
    const { run } = await createWorld({ clock, agents: { worker: agent } }).run(
      one({ retry, timeoutMs: 300, totalTimeoutMs: 750 }),
    );
    expect(calls).toEqual([0, 400]);
    expect(stepOf(run, 'a').error).toMatchObject({ limit: 'totalTimeoutMs', cause: { code: 'TIMED_OUT', limit: 'timeoutMs' } });
  });

  it('a provider that asks for a longer pause is not waited for', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: number[] = [];
    const worker: AgentFunction = async ({ stepId }) => {
      if (stepId !== 'a') return { output: {} };
      calls.push(clock.now());
      throw new AgentError('Slow down.', { class: 'throttled', retryAfterMs: 600 });
    };
    const { run } = await createWorld({ clock, agents: { worker } }).run(one({ totalTimeoutMs: 1_000 }));
    expect(calls).toEqual([0, 600]);
    expect(clock.now()).toBe(600);
    expect(stepOf(run, 'a').error).toMatchObject({ code: 'TIMED_OUT', limit: 'totalTimeoutMs', cause: { code: 'failed' } });
  });

  it('HB-43 begins with the first attempt: what a step waits for before that does not count', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const hour = 3_600_000;
    const worker: AgentFunction = async ({ stepId }) => {
      await clock.sleep(stepId === 'a' ? hour : stepId === 'b' ? 900 : 0);
      return { output: {} };
    };
    const { run } = await createWorld({ clock, agents: { worker } }).run(
      tickets(
        [ticket('a', { resources: ['tool'] }), ticket('b', { resources: ['tool'], timeoutMs: 1_000, totalTimeoutMs: 1_000 })],
        {
          resources: { tool: { concurrency: 1 } },
        },
      ),
    );
    expect(stepOf(run, 'b')).toMatchObject({ status: 'succeeded', startedAt: hour, endedAt: hour + 900 });
  });

  it('HB-43 goes on while another attempt waits for its turn: the step leaves the line when it is over', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: string[] = [];
    const worker: AgentFunction = async ({ stepId }) => {
      calls.push(`${stepId} ${clock.now()}`);
      if (stepId === 'a') throw new AgentError('No.');
      await clock.sleep(stepId === 'b' ? 5_000 : 0);
      return { output: {} };
    };
    const uses = { resources: ['tool'] };
    const { events, run } = await createWorld({ clock, agents: { worker } }).run(
      tickets([ticket('a', { ...uses, retry, totalTimeoutMs: 1_000, priority: 'high' }), ticket('b', uses)], {
        resources: { tool: { concurrency: 1 } },
      }),
    );
    expect(calls).toEqual(['a 0', 'b 0', 'synthesis 5000']);
    expect(events.find(({ type }) => type === 'step.failed')).toMatchObject({ at: 1_000, error: { limit: 'totalTimeoutMs' } });
    expect(stepOf(run, 'b').status).toBe('succeeded');
  });

  it('stands still while a person is asked', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = failingAfter(clock, 200);
    const policies = [{ key: 'ask', verdict: 'require-approval', on: { type: 'retry' }, reason: 'Look first.' }] as const;
    const world = createWorld({ clock, agents: { worker: agent } });
    const run = await world.start(one({ retry, totalTimeoutMs: 1_000 }, { policies }));
    await clock.advanceAsync(86_400_000);
    expect(stepOf(run, 'a').status).toBe('gated');
    await clock.runUntil(run.decide('a', { approve: true, by: ada }));
    expect((await world.end(run)).status).toBe('completed');
    expect(calls).toEqual([0, 86_400_000]);
  });

  it('HB-46 leaves one in doubt that may happen once', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent } = failingAfter(clock, 86_000_000);
    const world = createWorld({ clock, agents: { worker: agent } });
    const run = await world.start(one({ effect: 'once', totalTimeoutMs: 1_000 }));
    await clock.advanceAsync(1_000);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'in-doubt', error: { code: 'TIMED_OUT', limit: 'totalTimeoutMs' } });
  });

  it.each<[string, 'fire' | 'extend', number]>([
    ['goes on without a process', 'fire', 1_000],
    ['stands still without a process, where deadlines do', 'extend', 1_500],
  ])('HB-32 HB-43 %s', async (_, missedTimers, endsAt) => {
    const clock = createVirtualClock({ startAt: 0 });
    const store = createMemoryStore();
    const hanging: AgentFunction = () => new Promise(() => undefined);
    const options = { clock, store, agents: { worker: hanging }, graceMs: 0, missedTimers } as const;
    const first = createWorld(options);
    const run = await first.start(one({ totalTimeoutMs: 1_000, retry }));
    await clock.advanceAsync(100);
    await clock.runUntil(first.orchestrator.close());
    clock.advance(500);
    const second = createWorld(options);
    const [again] = await clock.runUntil(second.orchestrator.recover());
    await clock.advanceAsync(endsAt - 601);
    expect(stepOf(again!, 'a').status).toBe('running');
    await clock.advanceAsync(1);
    expect(stepOf(again!, 'a')).toMatchObject({ status: 'failed', endedAt: endsAt, error: { limit: 'totalTimeoutMs' } });
    expect(again!.runId).toBe(run.runId);
  });
});

it('HB-43 each attempt, all attempts and the run have limits of their own', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const { agent, calls } = failingAfter(clock, 86_000_000, 86_000_000, 86_000_000, 86_000_000);
  const { result } = await createWorld({ clock, agents: { worker: agent }, graceMs: 0 }).run(
    one({ retry, timeoutMs: 100, totalTimeoutMs: 5_000 }, { budget: { maxDurationMs: 450 } }),
  );
  expect(calls).toEqual([0, 200, 400]);
  expect(result).toMatchObject({ status: 'failed', reason: 'deadline_exceeded' });
});
