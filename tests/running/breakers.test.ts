import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  AgentError,
  type AgentFunction,
  createOrchestrator,
  type ExistingRole,
  type OrchestrationProposal,
  type RunEvent,
  type RunStore,
  ThrottledError,
  type Ticket,
} from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { createMemoryStore } from 'planwright/storage/memory';
import { createSqliteStore } from 'planwright/storage/sqlite';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets } from './support/world.js';

const breaker = { failures: 3, openMs: 10_000 };
const shaky: ExistingRole = { key: 'shaky', kind: 'existing', agentId: 'shaky', breaker };
const worker: ExistingRole = { key: 'worker', kind: 'existing', agentId: 'worker' };

const proposal = (
  given: readonly Ticket[],
  { roles = [shaky, worker], ...parts }: Partial<OrchestrationProposal> = {},
): OrchestrationProposal => tickets(given, { roles, ...parts });
const task = (key: string, parts: Partial<Ticket> = {}): Ticket => ticket(key, { role: 'shaky', ...parts });

/** An agent that fails while it is told to, and notes when it was called. */
function shakyAgent(clock: ReturnType<typeof createVirtualClock>, { isDown = true, error = new Error('down') } = {}) {
  const calls: number[] = [];
  const state = { isDown, error };
  const agent: AgentFunction = async () => {
    calls.push(clock.now());
    await clock.sleep(10);
    if (state.isDown) throw state.error;
    return { output: 'done' };
  };
  return { agent, calls, state };
}

const changesIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'breaker.changed' ? [[event.state, event.failures, event.until ?? null]] : []));

function brokenWorld(options: Parameters<typeof shakyAgent>[1] = {}) {
  const clock = createVirtualClock({ startAt: 0 });
  const broken = shakyAgent(clock, options);
  const world = createWorld({ clock, agents: { shaky: broken.agent } });
  return { ...world, ...broken, clock };
}

describe('HB-44 the breaker of an agent', () => {
  it('opens after the declared failures, fails fast, probes once and closes again', async () => {
    const { clock, run, calls, state } = brokenWorld();
    const one = await run(proposal([1, 2, 3].map((nth) => task(`t${nth}`))));
    expect(calls).toHaveLength(3);
    expect(changesIn(one.events)).toEqual([['open', 3, 10_010]]);
    expect(one.run.view().breakers).toEqual([
      { key: { kind: 'agent', name: 'shaky' }, state: 'open', failures: 3, until: 10_010 },
    ]);
    const two = await run(proposal([task('t')]));
    expect(calls).toHaveLength(3);
    expect(stepOf(two.run, 't').error).toMatchObject({ code: 'CIRCUIT_OPEN', openUntil: 10_010, failures: 3 });
    expect(changesIn(two.events)).toEqual([['open', 3, 10_010]]);
    clock.advance(10_010 - clock.now());
    state.isDown = false;
    const three = await run(proposal([1, 2, 3, 4].map((nth) => task(`t${nth}`))));
    // One probe: who comes while it is under way is turned away.
    expect(calls).toHaveLength(4);
    expect(changesIn(three.events).map(([name]) => name)).toEqual(['half-open', 'closed']);
    const four = await run(proposal([1, 2, 3, 4].map((nth) => task(`t${nth}`))));
    expect(four.result.status).toBe('completed');
    expect(calls).toHaveLength(8);
  });

  it('is not tried again before it lets a probe through, and opens for longer where that fails', async () => {
    const { run, calls } = brokenWorld();
    const retry = { attempts: 6, backoffMs: 1 };
    const { run: made, events } = await run(proposal([task('t', { retry })]));
    // Attempts 1 to 3 fail, the fourth is the probe at 10 s, the fifth another at 30 s.
    const [first = 0] = changesIn(events).map(([, , until]) => until as number);
    expect(calls.slice(3)).toEqual([first, first + 10 + 20_000, first + 20 + 20_000 + 40_000]);
    expect(stepOf(made, 't').attempts).toBe(6);
    expect(
      events
        .filter(({ type }) => type === 'step.backing-off')
        .every((event) => event.type !== 'step.backing-off' || event.error.message === 'down'),
    ).toBe(true);
  });

  it('holds an attempt back that is to wait for it, with nothing in its hands', async () => {
    const { clock, start, end, calls, state } = brokenWorld();
    const waiting: ExistingRole = { ...shaky, breaker: { ...breaker, whenOpen: 'wait' } };
    const parts = { roles: [waiting, worker], resources: { desk: { concurrency: 1 } } };
    const one = await start(
      proposal(
        [1, 2, 3].map((nth) => task(`t${nth}`)),
        parts,
      ),
    );
    await end(one);
    state.isDown = false;
    const two = await start(
      proposal([task('late', { timeoutMs: 20, resources: ['desk'] }), ticket('other', { resources: ['desk'] })], parts),
    );
    const result = await end(two);
    expect(result.status).toBe('completed');
    expect(calls.at(-1)).toBe(10_010);
    expect(stepOf(two, 'other').endedAt).toBeLessThan(100);
    expect(stepOf(two, 'late')).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(clock.now()).toBeLessThan(10_100);
  });

  it('lets what waits go one after the other until the probe has succeeded, and a run that is cancelled go at once', async () => {
    const { clock, start, end, calls, state } = brokenWorld();
    const parts = { roles: [{ ...shaky, breaker: { ...breaker, whenOpen: 'wait' as const } }, worker] };
    await end(
      await start(
        proposal(
          [1, 2, 3].map((nth) => task(`t${nth}`)),
          parts,
        ),
      ),
    );
    state.isDown = false;
    const two = await start(
      proposal(
        [1, 2, 3].map((nth) => task(`t${nth}`)),
        parts,
      ),
    );
    const cancelled = await start(proposal([task('t')], parts));
    await clock.runUntil(cancelled.cancel({ reason: 'enough' }));
    expect((await end(cancelled)).status).toBe('cancelled');
    expect(clock.now()).toBeLessThan(1_000);
    expect((await end(two)).status).toBe('completed');
    expect(calls.slice(3)).toEqual([10_010, 10_020, 10_020]);
  });

  it('counts what is thrown, what is no answer and what takes too long', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const hangs: AgentFunction = () => new Promise(() => undefined);
    const mute = (() => Promise.resolve({})) as unknown as AgentFunction;
    const wrong: AgentFunction = async () => ({ output: 'text' });
    for (const agent of [hangs, mute, wrong]) {
      const world = createWorld({ clock, agents: { shaky: agent } });
      const { run, events } = await world.run(
        proposal(
          [1, 2, 3, 4].map((nth) =>
            task(`t${nth}`, { timeoutMs: 50, outputSchema: { type: 'object' }, ...(nth > 1 && { dependsOn: [] }) }),
          ),
        ),
      );
      expect(changesIn(events)[0]?.slice(0, 2)).toEqual(['open', 3]);
      await world.clock.runUntil(world.orchestrator.close());
      expect(run.view().status).toBe('failed');
    }
  });

  it('does not count an answer that one would rather not have, a pause that a provider asks for, or what was cut off', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const rejects: AgentFunction = async () => ({ output: 'no', outcome: 'rejected' });
    const unsure: AgentFunction = async () => ({ output: 'how?', outcome: 'needs-context' });
    const throttled: AgentFunction = async () => Promise.reject(new ThrottledError({ retryAfterMs: 5 }));
    for (const agent of [rejects, unsure, throttled]) {
      const world = createWorld({ clock, agents: { shaky: agent } });
      const { events } = await world.run(proposal([1, 2, 3, 4, 5].map((nth) => task(`t${nth}`))));
      expect(changesIn(events)).toEqual([]);
    }
    const hangs = createWorld({ clock, agents: { shaky: () => new Promise(() => undefined) } });
    const run = await hangs.start(proposal([1, 2, 3, 4, 5].map((nth) => task(`t${nth}`))));
    await clock.runUntil(run.cancel({ reason: 'enough' }));
    await hangs.end(run);
    expect(hangs.orchestrator.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
  });

  it('frees its probe where that came to nothing', async () => {
    const { clock, run, start, end, calls, state, orchestrator } = brokenWorld();
    await run(proposal([1, 2, 3].map((nth) => task(`t${nth}`))));
    clock.advance(20_000);
    const cut = await start(proposal([task('t')]));
    await clock.runUntil(cut.cancel({ reason: 'enough' }));
    await end(cut);
    expect(orchestrator.breakers()).toMatchObject([{ state: 'half-open' }]);
    state.isDown = false;
    expect((await run(proposal([task('t')]))).result.status).toBe('completed');
    expect(calls).toHaveLength(5);
    expect(orchestrator.breakers()).toMatchObject([{ state: 'closed' }]);
  });

  it('is the orchestrator’s where that names the agent, and the default where nobody does', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const strict = shakyAgent(clock);
    const loose = shakyAgent(clock);
    const world = createWorld({
      clock,
      agents: { shaky: strict.agent, worker: loose.agent },
      breakers: { agents: { shaky: { failures: 1 } }, default: { failures: 2 } },
    });
    await world.run(
      proposal(
        [1, 2, 3].map((nth) => task(`t${nth}`, { priority: 'low' })),
        { roles: [{ ...shaky, concurrency: 1 }, worker] },
      ),
    );
    expect(strict.calls).toHaveLength(1);
    await world.run(
      tickets(
        [1, 2, 3].map((nth) => ticket(`t${nth}`)),
        { roles: [{ ...worker, concurrency: 1 }] },
      ),
    );
    expect(loose.calls).toHaveLength(2);
  });

  it('never holds up what undoes something', async () => {
    const { run, calls } = brokenWorld();
    const undone = ticket('made', { compensation: { role: 'shaky', instructions: 'Undo.' }, effect: 'idempotent' });
    const failing = [1, 2, 3].map((nth) =>
      task(`t${nth}`, { dependsOn: ['made'], onFailure: nth === 3 ? 'fail-run' : 'continue' }),
    );
    const one = await run(proposal([undone, ...failing], { roles: [{ ...shaky, concurrency: 1 }, worker] }));
    expect(one.result.status).toBe('failed');
    expect(calls.length).toBeGreaterThan(3);
  });
});

describe('HB-44 the breaker of a resource', () => {
  const resources = { search: { breaker: { failures: 2, openMs: 5_000 } } };
  function searching(fail: (nth: number) => Error | undefined) {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: number[] = [];
    const agent: AgentFunction = async (_request, context) => {
      const found = await context.call('search', async () => {
        calls.push(clock.now());
        const error = fail(calls.length);
        if (error) throw error;
        await clock.sleep(1);
        return 'found';
      });
      return { output: { found } };
    };
    return { calls, world: createWorld({ clock, agents: { worker: agent } }) };
  }

  it('opens when calls of it fail, and then refuses them at once', async () => {
    const { calls, world } = searching((nth) => (nth <= 2 ? new Error('503') : undefined));
    const retry = { attempts: 4, backoffMs: 1 };
    const run = await world.start(tickets([ticket('a', { retry })], { resources }));
    await world.end(run);
    expect(calls[2]).toBeGreaterThanOrEqual(5_000);
    expect(run.view().status).toBe('completed');
    expect(changesIn(await eventsOf(run)).map(([state]) => state)).toEqual(['open', 'half-open', 'closed']);
  });

  it('refuses at once what waits for its turn when it opens, and takes no turn for that', async () => {
    const { calls, world } = searching((nth) => (nth <= 2 ? new Error('503') : undefined));
    const slow = { search: { ...resources.search, limit: 1, intervalMs: 1_000 } };
    const retry = { attempts: 2, backoffMs: 1 };
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const { events } = await world.run(
      tickets(
        keys.map((key) => ticket(key, { retry })),
        { resources: slow },
      ),
    );
    const refused = events.flatMap((event) =>
      event.type === 'step.backing-off' && event.error.code === 'CIRCUIT_OPEN' ? [[event.stepId, event.at, event.retryAt]] : [],
    );
    // It opens with the second call. Three have yet to call, and the first, which tries again.
    expect(refused.slice(0, 3)).toEqual(['c', 'd', 'e'].map((stepId) => [stepId, 1_000, 6_000]));
    expect(calls.slice(0, 4)).toEqual([0, 1_000, 6_000, 7_000]);
  });

  it('tells the agent by an error of its own, with what to do', async () => {
    const { calls, world } = searching(() => new Error('503'));
    const { run } = await world.run(
      tickets([ticket('a'), ticket('b', { dependsOn: [] }), ticket('c')], { resources, roles: [{ ...worker, concurrency: 1 }] }),
    );
    expect(calls).toHaveLength(2);
    expect(stepOf(run, 'c').error).toMatchObject({
      code: 'CIRCUIT_OPEN',
      key: { kind: 'resource', name: 'search' },
      failures: 2,
    });
    expect(stepOf(run, 'c').error?.message).toContain('resetBreaker');
  });

  it('lets calls wait where that is what was declared, and no pause of a provider opens it', async () => {
    const declared = { search: { breaker: { failures: 2, openMs: 5_000, whenOpen: 'wait' as const } } };
    const waiting = searching((nth) => (nth <= 2 ? new Error('503') : undefined));
    const { run } = await waiting.world.run(
      tickets(['a', 'b', 'c', 'd'], { resources: declared, roles: [{ ...worker, concurrency: 1 }] }),
    );
    expect(waiting.calls[2]).toBe(5_000);
    expect(run.view().steps.filter(({ status }) => status === 'failed')).toHaveLength(2);
    const throttled = searching((nth) => (nth <= 6 ? new ThrottledError({ retryAfterMs: 10 }) : undefined));
    const { result, events } = await throttled.world.run(tickets(['a'], { resources }));
    expect(result.status).toBe('completed');
    expect(changesIn(events)).toEqual([]);
  });
});

/** A store on a disk, for which time waits. */
const held = (store: RunStore, clock: ReturnType<typeof createVirtualClock>): RunStore => {
  const notes = store.notes!;
  return {
    commit: (commit) => clock.hold(store.commit(commit)),
    load: (runId) => clock.hold(store.load(runId)),
    journal: (runId, range) => clock.hold(store.journal(runId, range)),
    list: (filter) => clock.hold(store.list(filter)),
    claim: (request) => clock.hold(store.claim(request)),
    renew: (lease) => clock.hold(store.renew(lease)),
    release: (hold) => clock.hold(store.release(hold)),
    notes: {
      read: (name) => clock.hold(notes.read(name)),
      write: (name, value) => clock.hold(notes.write(name, value)),
    },
    close: () => store.close(),
  };
};

describe('HB-44 a restart in the open state', () => {
  const stores: readonly (readonly [string, () => () => RunStore])[] = [
    [
      'file',
      () => {
        const directory = mkdtempSync(join(tmpdir(), 'planwright-breaker-'));
        return () => createFileStore({ directory });
      },
    ],
    [
      'sqlite',
      () => {
        const path = join(mkdtempSync(join(tmpdir(), 'planwright-breaker-')), 'runs.db');
        return () => createSqliteStore({ path });
      },
    ],
  ];

  it.each(stores)('stays open until the same time with a %s store, then probes once', async (_, place) => {
    const open = place();
    const clock = createVirtualClock({ startAt: 0 });
    const broken = shakyAgent(clock);
    const ids = createSequentialIds();
    const life = async (use: (world: ReturnType<typeof createWorld>) => Promise<void>, isClosed = true): Promise<void> => {
      const store = held(open(), clock);
      const world = createWorld({ clock, ids, store, agents: { shaky: broken.agent }, leaseMs: 1_000 });
      await use(world);
      if (isClosed) await clock.runUntil(world.orchestrator.close());
      await store.close();
    };
    let waitingId = '';
    await life(async (world) => {
      await world.run(proposal([1, 2, 3].map((nth) => task(`t${nth}`))));
      const run = await world.start(proposal([task('t', { retry: { attempts: 2, backoffMs: 1 } })]));
      waitingId = run.runId;
      await clock.runUntil(clock.sleep(5));
    }, false);
    expect(broken.calls).toHaveLength(3);
    clock.advance(2_000);
    await life(async (world) => {
      const { run } = await world.run(proposal([task('t')]));
      expect(stepOf(run, 't').error).toMatchObject({ code: 'CIRCUIT_OPEN', openUntil: 10_010 });
      expect(world.orchestrator.breakers()).toMatchObject([{ state: 'open', until: 10_010, failures: 3 }]);
    });
    expect(broken.calls).toHaveLength(3);
    broken.state.isDown = false;
    await life(async (world) => {
      const [run] = await clock.runUntil(world.orchestrator.recover());
      expect(run?.runId).toBe(waitingId);
      expect((await world.end(run!)).status).toBe('completed');
      expect(broken.calls.slice(3)).toEqual([10_010]);
      expect(world.orchestrator.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
    });
  });

  it('closes with the process where the store keeps no notes, and a store that fails to keep them stops no run', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const broken = shakyAgent(clock);
    const { notes: _, ...without } = createMemoryStore();
    const failing: RunStore = {
      ...createMemoryStore(),
      notes: { read: () => Promise.reject(new Error('no')), write: () => Promise.reject(new Error('no')) },
    };
    for (const store of [without, failing]) {
      for (let life = 0; life < 2; life += 1) {
        broken.calls.length = 0;
        const orchestrator = createOrchestrator({ clock, store, agents: { shaky: broken.agent, worker: broken.agent } });
        const given = proposal(
          [1, 2, 3, 4].map((nth) => task(`t${nth}`)),
          { roles: [{ ...shaky, concurrency: 1 }, worker] },
        );
        const { runId, revision, digest } = await clock.runUntil(orchestrator.propose(given));
        const run = await clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
        await clock.runUntil(run.result());
        expect(broken.calls.length).toBe(3);
        expect(stepOf(run, 't4').error?.code).toBe('CIRCUIT_OPEN');
      }
    }
  });

  it('is closed by hand for good, and it is on record by whom', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const broken = shakyAgent(clock);
    const store = createMemoryStore();
    const key = { kind: 'agent', name: 'shaky' } as const;
    const make = () => createWorld({ clock, store, ids: createSequentialIds(), agents: { shaky: broken.agent } });
    const one = make();
    await one.run(proposal([1, 2, 3].map((nth) => task(`t${nth}`))));
    await clock.runUntil(one.orchestrator.resetBreaker(key, { by: ada }));
    expect(one.orchestrator.breakers()).toEqual([{ key, state: 'closed', failures: 0, reset: { by: ada, at: clock.now() } }]);
    const two = createOrchestrator({ clock, store, agents: { shaky: broken.agent } });
    const { runId } = await clock.runUntil(two.runOnce('shaky', 'Do it.'));
    expect(runId).toBeDefined();
    expect(broken.calls).toHaveLength(4);
  });
});

describe('HB-71 a plain function with none of these', () => {
  it('is held to the timeout, the breaker and the budget of the plan', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: string[] = [];
    const agents: Record<string, AgentFunction> = {
      slow: async () => (calls.push('slow'), new Promise(() => undefined)),
      failing: async () => (calls.push('failing'), Promise.reject(new AgentError('no', { reason: 'broken' }))),
      dear: async () => (calls.push('dear'), { output: 'done', usage: { costUsd: 0.6 } }),
    };
    const world = createWorld({ clock, agents });
    const roles: readonly ExistingRole[] = [
      { key: 'slow', kind: 'existing', agentId: 'slow', timeoutMs: 1_000 },
      { key: 'failing', kind: 'existing', agentId: 'failing', breaker: { failures: 2, openMs: 60_000 }, concurrency: 1 },
      { key: 'dear', kind: 'existing', agentId: 'dear', budget: { maxCostUsd: 1 }, concurrency: 1 },
      worker,
    ];
    const given = ['slow', 'failing', 'dear'].flatMap((role) => [1, 2, 3].map((nth) => ticket(`${role}${nth}`, { role })));
    const { run } = await world.run(
      tickets([...given, ticket('more', { role: 'dear', dependsOn: ['dear1', 'dear2', 'dear3'] }), ticket('fine')], { roles }),
    );
    const codes = (role: string) => [1, 2, 3].map((nth) => stepOf(run, `${role}${nth}`).error?.code);
    expect(codes('slow')).toEqual(['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT']);
    expect(codes('failing')).toEqual(['broken', 'broken', 'CIRCUIT_OPEN']);
    expect(calls.filter((call) => call === 'failing')).toHaveLength(2);
    expect(stepOf(run, 'more').error?.code).toBe('BUDGET_EXCEEDED');
    expect(calls.filter((call) => call === 'dear')).toHaveLength(3);
    expect(stepOf(run, 'fine').status).toBe('succeeded');
  });

  it('refuses a reset when it is closed', async () => {
    const world = createWorld();
    await world.clock.runUntil(world.orchestrator.close());
    const refused = world.orchestrator.resetBreaker({ kind: 'agent', name: 'worker' }, { by: ada });
    expect((await rejectionOf(refused)).code).toBe('ORCHESTRATOR_CLOSED');
  });
});
