import { AgentError, type AgentFunction, projectAttempts, ThrottledError } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { createWorld, stepOf, ticket, tickets } from './support/world.js';

type Clock = ReturnType<typeof createVirtualClock>;
const hanging = (): Promise<never> => new Promise(() => undefined);
const one = (parts: Parameters<typeof ticket>[1], rest: Parameters<typeof tickets>[1] = {}) =>
  tickets([ticket('a', parts)], rest);

/** Runs a ticket `a` with a limit of 1,000 ms, and gives how it ended, and when. */
async function ended(
  work: (clock: Clock) => AgentFunction,
  parts: Parameters<typeof ticket>[1] = {},
  rest: Parameters<typeof one>[1] = {},
) {
  const clock = createVirtualClock({ startAt: 0 });
  const agent = work(clock);
  const worker: AgentFunction = async (request, context) => (request.stepId === 'a' ? agent(request, context) : { output: {} });
  const world = createWorld({ clock, agents: { worker }, graceMs: 10 });
  const { run } = await world.run(one({ heartbeatTimeoutMs: 1_000, ...parts }, rest));
  return stepOf(run, 'a');
}

describe('an attempt that gives no sign of life', () => {
  it('HB-43 is given up, with when it last did and what it said then', async () => {
    const step = await ended((clock) => async (_, { heartbeat }) => {
      heartbeat({ page: 3 });
      await clock.sleep(700);
      heartbeat({ page: 4 });
      heartbeat();
      return hanging();
    });
    expect(step).toMatchObject({ status: 'failed', endedAt: 1_700 });
    expect(step.error).toEqual({
      code: 'HEARTBEAT_MISSED',
      message: 'Attempt 1 at "a" has given no sign of life for 1000 ms (heartbeatTimeoutMs).',
      ...{ stepId: 'a', attempt: 1, heartbeatTimeoutMs: 1_000, lastBeatAt: 700, details: { page: 4 } },
    });
  });

  it('is tried again as its retry says, and its signal fires', async () => {
    const signals: AbortSignal[] = [];
    const step = await ended(
      () =>
        async (_, { signal }) => {
          signals.push(signal);
          return signals.length < 3 ? hanging() : { output: 'at last' };
        },
      { retry: { attempts: 3, backoffMs: 500, factor: 1 } },
    );
    expect(step).toMatchObject({ status: 'succeeded', attempts: 3, endedAt: 3_000 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  });

  it('HB-46 is in doubt where it may happen once, and what its probe finds counts', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const agent: AgentFunction = async ({ stepId }) => (stepId === 'a' ? hanging() : { output: {} });
    const silent = createWorld({ clock, agents: { worker: agent } });
    const run = await silent.start(one({ effect: 'once', heartbeatTimeoutMs: 1_000 }));
    await clock.advanceAsync(1_000);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'in-doubt', error: { code: 'HEARTBEAT_MISSED' } });
    const probe = async () => ({ happened: true, output: 'found' }) as const;
    const telling = createWorld({ clock, agents: { worker: { run: agent, probe } } });
    const second = await telling.run(one({ effect: 'once', heartbeatTimeoutMs: 1_000 }));
    expect(stepOf(second.run, 'a')).toMatchObject({ status: 'succeeded', output: 'found' });
  });

  it('is counted among those whose time was up', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: { worker: async ({ stepId }) => (stepId === 'a' ? hanging() : { output: {} }) } });
    const proposed = await world.propose(one({ heartbeatTimeoutMs: 50 }));
    const run = await world.approve(proposed);
    await world.end(run);
    const events = [];
    for await (const event of run.events()) events.push(event);
    expect(projectAttempts(proposed.plan, events)[0]).toMatchObject({ outcome: 'timed-out', activeMs: 50 });
  });

  it('has the limit of its role where the ticket has none, and none where neither says so', async () => {
    const roles = [{ key: 'worker', kind: 'existing', agentId: 'worker', heartbeatTimeoutMs: 40 }] as const;
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: { worker: async ({ stepId }) => (stepId === 'a' ? hanging() : { output: {} }) } });
    const { run } = await world.run(one({}, { roles }));
    expect(stepOf(run, 'a').error).toMatchObject({ code: 'HEARTBEAT_MISSED', heartbeatTimeoutMs: 40 });
    const free = await world.start(one({}));
    await clock.advanceAsync(86_399_999);
    expect(stepOf(free, 'a').status).toBe('running');
    await clock.advanceAsync(1);
    expect(stepOf(free, 'a').error).toMatchObject({ code: 'TIMED_OUT' });
  });

  it('is given up at undoing a step too', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const efforts: number[] = [];
    const worker: AgentFunction = async ({ stepId, kind }) => {
      if (stepId === 'b') throw new AgentError('No.');
      if (kind !== 'compensation') return { output: {} };
      efforts.push(clock.now());
      return efforts.length === 1 ? hanging() : { output: null };
    };
    const undoable = ticket('a', { heartbeatTimeoutMs: 100, compensation: { role: 'worker', instructions: 'Undo it.' } });
    const { run } = await createWorld({ clock, agents: { worker } }).run(
      tickets([undoable, ticket('b', { dependsOn: ['a'], onFailure: 'fail-run' })]),
    );
    expect(efforts).toEqual([0, 1_100]);
    expect(stepOf(run, 'a').status).toBe('compensated');
  });

  it('is watched anew by a process that takes the run up', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const options = { clock, store: createMemoryStore(), agents: { worker: hanging }, graceMs: 0 };
    const first = createWorld(options);
    await first.start(one({ heartbeatTimeoutMs: 1_000 }));
    await clock.advanceAsync(900);
    await clock.runUntil(first.orchestrator.close());
    const [run] = await clock.runUntil(createWorld(options).orchestrator.recover());
    await clock.advanceAsync(999);
    expect(stepOf(run!, 'a').status).toBe('running');
    await clock.advanceAsync(1);
    expect(stepOf(run!, 'a')).toMatchObject({ status: 'failed', error: { code: 'HEARTBEAT_MISSED', lastBeatAt: 900 } });
  });
});

describe('an attempt that gives signs of life', () => {
  const hours = 10 * 3_600_000;

  it.each<[string, Parameters<typeof ended>[0]]>([
    [
      'heartbeat',
      (clock) =>
        async (_, { heartbeat }) => {
          while (clock.now() < hours) {
            heartbeat();
            await clock.sleep(999);
          }
          return { output: 'done' };
        },
    ],
    [
      'progress',
      (clock) =>
        async (_, { progress }) => {
          while (clock.now() < hours) {
            progress('On it.');
            await clock.sleep(999);
          }
          return { output: 'done' };
        },
    ],
    [
      'once',
      (clock) =>
        async (_, { once }) => {
          for (let nth = 0; nth < 20; nth += 1) await once(`part ${nth}`, () => clock.sleep(999).then(() => nth));
          return { output: 'done' };
        },
    ],
    [
      'tool',
      (clock) =>
        async (_, { tool }) => {
          for (let nth = 0; nth < 20; nth += 1) await tool('search', () => clock.sleep(999));
          return { output: 'done' };
        },
    ],
    [
      'call',
      (clock) =>
        async (_, { call }) => {
          for (let nth = 0; nth < 20; nth += 1) await call('api', () => clock.sleep(999));
          return { output: 'done' };
        },
    ],
  ])('HB-43 by %s may run long', async (_, work) => {
    const roles = [{ key: 'worker', kind: 'existing', agentId: 'worker', tools: ['search'] }] as const;
    expect(await ended(work, {}, { roles, resources: { api: {} } })).toMatchObject({ status: 'succeeded', output: 'done' });
  });

  it('is cut off by its timeout all the same', async () => {
    const step = await ended(
      (clock) =>
        async (_, { heartbeat, signal }) => {
          for (;;) {
            heartbeat();
            await clock.sleep(100, { signal });
          }
        },
      { timeoutMs: 5_000 },
    );
    expect(step).toMatchObject({ status: 'failed', endedAt: 5_000, error: { code: 'TIMED_OUT' } });
  });

  it('cannot give any while a call waits for its turn, or for a pause that a provider asked for', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    let asked = 0;
    const worker: AgentFunction = async ({ stepId }, { call }) => {
      if (stepId === 'b') await call('api', () => clock.sleep(50_000));
      if (stepId === 'a')
        await call('api', async () => {
          asked += 1;
          if (asked === 1) throw new ThrottledError({ retryAfterMs: 30_000 });
          await clock.sleep(900);
        });
      return { output: {} };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { api: { concurrency: 1 } } });
    const { run } = await world.run(tickets([ticket('b', { priority: 'high' }), ticket('a', { heartbeatTimeoutMs: 1_000 })]));
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', endedAt: 80_900 });
  });

  it('is silent in a call that hangs once it was made', async () => {
    const step = await ended(
      () =>
        async (_, { call }) =>
          call('api', hanging),
      {},
      { resources: { api: {} } },
    );
    expect(step).toMatchObject({ status: 'failed', endedAt: 1_000, error: { code: 'HEARTBEAT_MISSED' } });
  });

  it.each<[string, () => unknown, unknown]>([
    ['that are long, as the beginning of a text', () => 'x'.repeat(5_000), `"${'x'.repeat(999)}`],
    ['that are no JSON', () => ({ when: () => 1 }), 'What it said with it is not JSON.'],
    [
      'that go round in a circle',
      () => {
        const it: Record<string, unknown> = {};
        it['it'] = it;
        return it;
      },
      'What it said with it is not JSON.',
    ],
    [
      'that throw',
      () => ({
        get page() {
          throw new Error('Hands off.');
        },
      }),
      'What it said with it is not JSON.',
    ],
    ['that are nothing', () => null, null],
  ])('keeps details %s', async (_, details, kept) => {
    const step = await ended(() => async (_request, { heartbeat }) => {
      heartbeat(details() as never);
      return hanging();
    });
    expect(step.error).toMatchObject({ code: 'HEARTBEAT_MISSED', details: kept });
  });

  it('costs next to nothing: a million beats are no input, no event and no timer', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const worker: AgentFunction = async ({ stepId }, { heartbeat }) => {
      if (stepId !== 'a') return { output: {} };
      const timers = clock.pendingTimers;
      for (let beat = 0; beat < 1_000_000; beat += 1) heartbeat({ beat });
      expect(clock.pendingTimers).toBe(timers);
      return { output: {} };
    };
    const { events } = await createWorld({ clock, agents: { worker } }).run(one({ heartbeatTimeoutMs: 1_000 }));
    expect(events.length).toBeLessThan(20);
  });
});
