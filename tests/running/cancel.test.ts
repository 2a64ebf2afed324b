import { type AgentFunction, type Run, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf, type World } from './support/world.js';

const hirePlan = () => tickets(['a'], { roles: [{ key: 'worker', kind: 'hire', hire: { name: 'W' } }] });

/** Every state that is not the end, and how to bring a run there. */
const states: readonly (readonly [string, () => Promise<{ readonly world: World; readonly run: Run }>])[] = [
  [
    'proposed',
    async () => {
      const world = createWorld();
      const { runId } = await world.propose(tickets(['a']));
      return { world, run: await world.orchestrator.run(runId) };
    },
  ],
  [
    'approved, while a hire is under way',
    () => approvedWith((clock) => ({ hire: () => clock.sleep(5_000).then(() => ({ agentId: 'worker' })) })),
  ],
  ['approved, while a hire never answers', () => approvedWith(() => ({ hire: () => new Promise<never>(() => undefined) }))],
  [
    'approved, while the team is being made',
    () =>
      approvedWith((clock) => ({
        hire: async () => ({ agentId: 'worker' }),
        createTeam: () => clock.sleep(5_000).then(() => ({ teamId: 't' })),
      })),
  ],
  ['executing', () => startedWith({ default: { delayMs: 60_000 } })],
  ['synthesizing', () => startedWith({ steps: { synthesis: { hang: true } } })],
  [
    'paused',
    async () => {
      const { world, run } = await startedWith({ default: { delayMs: 100 } });
      await world.clock.runUntil(run.pause());
      await world.clock.advanceAsync(1_000);
      expect(run.view().paused).toBe(true);
      return { world, run };
    },
  ],
  [
    'gated',
    async () => {
      const world = createWorld();
      const run = await world.start(tickets([ticket('a', { gate: { kind: 'before', prompt: 'May I?' } })]));
      await world.clock.advanceAsync(1_000);
      expect(stepOf(run, 'a').status).toBe('gated');
      return { world, run };
    },
  ],
  [
    'backing off',
    async () => {
      const world = createWorld({ script: { steps: { a: { fail: 'no' } } } });
      const run = await world.start(
        tickets([ticket('a', { retry: { attempts: 9, backoffMs: 3_600_000, maxBackoffMs: 3_600_000 } })]),
      );
      await world.clock.advanceAsync(1_000);
      expect(stepOf(run, 'a').status).toBe('backing-off');
      return { world, run };
    },
  ],
  [
    'in doubt',
    async () => {
      const world = createWorld({ script: { steps: { a: { hang: true, ignoreAbort: true } } } });
      const run = await world.start(tickets([ticket('a', { effect: 'once', timeoutMs: 100 })]));
      await world.clock.advanceAsync(1_000);
      expect(stepOf(run, 'a').status).toBe('in-doubt');
      return { world, run };
    },
  ],
  [
    'delivering',
    async () => {
      const world = createWorld({ workspace: { deliver: () => new Promise<never>(() => undefined) } });
      const run = await world.start(tickets(['a']));
      await world.clock.advanceAsync(1_000);
      return { world, run };
    },
  ],
];

async function approvedWith(make: (clock: World['clock']) => Workspace) {
  const workspace: Workspace = {};
  const world = createWorld({ workspace });
  Object.assign(workspace, make(world.clock));
  const { runId, revision, digest } = await world.propose(hirePlan());
  void world.orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  await world.clock.advanceAsync(10);
  const run = await world.orchestrator.run(runId);
  expect(run.view().status).toBe('approved');
  return { world, run };
}

async function startedWith(script: NonNullable<Parameters<typeof createWorld>[0]>['script'] & object) {
  const world = createWorld({ script });
  const run = await world.start(tickets(['a', ticket('b', { dependsOn: ['a'] })]));
  await world.clock.advanceAsync(10);
  return { world, run };
}

it.each(states)('CC-39 a run that is %s can be cancelled, and then is', async (_, bring) => {
  const { world, run } = await bring();
  const startedBefore = world.worker.calls.length;
  const result = await world.clock.runUntil(run.cancel({ reason: 'changed our mind' }));
  expect(result).toMatchObject({ status: 'cancelled', reason: 'changed our mind' });
  expect(run.view()).toMatchObject({ status: 'cancelled', reason: 'changed our mind', paused: false });
  expect(typesOf(await eventsOf(run)).at(-1)).toMatch(/^run\.(cancelled|released)$/);
  expect((await world.orchestrator.list({ status: ['cancelled'] })).map(({ runId }) => runId)).toEqual([run.runId]);
  await world.clock.advanceAsync(24 * 3_600_000);
  expect(world.worker.calls.length).toBe(startedBefore);
  expect(world.clock.pendingTimers).toBe(0);
  expect((await rejectionOf(run.cancel())).code).toBe('ILLEGAL_INPUT');
});

it('cancelling while hiring hires nobody else, and lets go whom it hired', async () => {
  const calls: string[] = [];
  const { world, run } = await (async () => {
    const workspace: Workspace = {};
    const world = createWorld({ workspace });
    Object.assign(workspace, {
      hire: async ({ role }: { role: string }) => {
        calls.push(`hire ${role}`);
        await world.clock.sleep(1_000);
        return { agentId: 'worker' };
      },
      release: async ({ role }: { role: string }) => void calls.push(`release ${role}`),
      createTeam: async () => (calls.push('createTeam'), { teamId: 't' }),
    } satisfies Workspace);
    const roles = ['r1', 'r2'].map((key) => ({ key, kind: 'hire', hire: { name: key } }) as const);
    const { runId, revision, digest } = await world.propose(
      tickets([ticket('a', { role: 'r1' })], { roles, synthesis: { role: 'r2', instructions: 'Sum up.', outputSchema: {} } }),
    );
    void world.orchestrator.approve(runId, { revision, digest, approvedBy: ada });
    await world.clock.advanceAsync(10);
    return { world, run: await world.orchestrator.run(runId) };
  })();
  await world.clock.runUntil(run.cancel());
  expect(calls).toEqual(['hire r1', 'release r1']);
});

it('CC-49 CR-18 FO-20 cancel fires every signal, starts nothing more, and resolves when the workers have settled', async () => {
  const settledAt: number[] = [];
  const reasons: unknown[] = [];
  const world = createWorld({ graceMs: 10_000, agents: { careful: async (_, { signal }) => careful(signal) } });
  const careful = async (signal: AbortSignal): ReturnType<AgentFunction> => {
    await world.clock.sleep(3_600_000, { signal }).catch((error: unknown) => reasons.push(error));
    // Puts its things away first.
    await world.clock.sleep(500);
    settledAt.push(world.clock.now());
    return { output: null };
  };
  const roles = [{ key: 'worker', kind: 'existing', agentId: 'careful' } as const];
  const run = await world.start(tickets(['a', 'b', ticket('c', { dependsOn: ['a'] })], { roles }));
  await world.clock.advanceAsync(1_000);
  const result = await world.clock.runUntil(run.cancel({ reason: 'stop' }));
  expect(result.status).toBe('cancelled');
  expect(reasons).toMatchObject([
    { code: 'ATTEMPT_ABORTED', stepId: 'a' },
    { code: 'ATTEMPT_ABORTED', stepId: 'b' },
  ]);
  expect(settledAt).toEqual([1_500, 1_500]);
  expect(world.clock.now()).toBe(1_500);
  expect(typesOf(await eventsOf(run)).filter((type) => type === 'step.started')).toHaveLength(2);
});

it('CC-49 cancel does not wait longer than the grace time for workers that take no notice', async () => {
  const world = createWorld({ graceMs: 2_000, script: { default: { hang: true, ignoreAbort: true } } });
  const run = await world.start(tickets(['a', 'b']));
  await world.clock.advanceAsync(1_000);
  expect((await world.clock.runUntil(run.cancel())).status).toBe('cancelled');
  expect(world.clock.now()).toBe(3_000);
  expect(run.view().steps.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
});

it('a once effect that is cancelled while its start is being written never begins', async () => {
  const { createMemoryStore } = await import('planwright/storage/memory');
  const store = createMemoryStore();
  const world = createWorld({ store: { ...store, commit: (commit) => world.clock.sleep(100).then(() => store.commit(commit)) } });
  const run = await world.start(tickets([ticket('a', { effect: 'once' })]));
  const cancelling = run.cancel();
  expect((await world.clock.runUntil(cancelling)).status).toBe('cancelled');
  expect(world.worker.calls).toEqual([]);
});

it('an attempt that takes no notice of its abort does not keep the place of others for ever', async () => {
  const world = createWorld({
    concurrency: 1,
    graceMs: 1_000,
    script: { steps: { a: { hang: true, ignoreAbort: true } } },
  });
  const { result } = await world.run(tickets([ticket('a', { timeoutMs: 5_000 }), 'b']));
  expect(result).toMatchObject({ status: 'completed', gaps: [{ key: 'a', reason: { code: 'TIMED_OUT' } }] });
  expect(world.clock.now()).toBe(6_000);
});
