import { type AgentFunction, createOrchestrator, type Orchestrator, type RunStore, StoreConflictError } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createVirtualClock, layeredProposal } from 'planwright/testing';
import { expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

it('closing lets attempts under way end, starts nothing more, and then refuses', async () => {
  const { start, clock, orchestrator, worker } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const run = await start(tickets(['a', ticket('b', { dependsOn: ['a'] })]));
  await clock.advanceAsync(500);
  await clock.runUntil(orchestrator.close());
  expect(clock.now()).toBe(1_000);
  expect(worker.calls.map(({ request, outcome }) => [request.stepId, outcome])).toEqual([['a', 'answered']]);
  expect(stepOf(run, 'a').status).toBe('succeeded');
  expect(await rejectionOf(run.result())).toMatchObject({ code: 'RUN_HALTED', runId: run.runId });
  for (const verb of [
    () => orchestrator.propose(tickets(['a'])),
    () => orchestrator.runOnce('worker', 'Go.'),
    () => orchestrator.approve(run.runId, { revision: 1, digest: '', approvedBy: ada }),
    () => orchestrator.revise(run.runId, tickets(['a']), { baseRevision: 1 }),
  ]) {
    expect((await rejectionOf(verb())).code).toBe('ORCHESTRATOR_CLOSED');
  }
  expect(clock.pendingTimers).toBe(0);
});

it('closing waits no longer than the grace time, and aborts what is left', async () => {
  const { start, clock, orchestrator, worker } = createWorld({ graceMs: 3_000, script: { default: { hang: true } } });
  const run = await start(tickets(['a', 'b']));
  await clock.runUntil(orchestrator.close());
  await clock.advanceAsync(0);
  expect(clock.now()).toBe(3_000);
  expect(worker.calls.map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted']);
  expect((await rejectionOf(run.result())).code).toBe('RUN_HALTED');
  await clock.runUntil(orchestrator.close());
});

it('a run whose last step ends while the orchestrator closes comes to its end', async () => {
  const delivered: unknown[] = [];
  const { start, clock, orchestrator } = createWorld({
    script: { default: { delayMs: 1_000 } },
    workspace: { deliver: async ({ deliverable }) => void delivered.push(deliverable) },
  });
  const run = await start(tickets(['a']));
  await clock.advanceAsync(1_500);
  await clock.runUntil(orchestrator.close());
  expect(await run.result()).toMatchObject({ status: 'completed' });
  expect(delivered).toEqual([{}]);
});

it('runs that wait (proposed, gated, hiring) are left where they are when the orchestrator closes', async () => {
  const store = createMemoryStore();
  let hired: ((agent: { agentId: string }) => void) | undefined;
  const { start, propose, clock, orchestrator, worker } = createWorld({
    store,
    graceMs: 100,
    workspace: { hire: () => new Promise((resolve) => (hired = resolve)) },
  });
  const gated = await start(tickets([ticket('a', { gate: { kind: 'before', prompt: 'May I?' } })]));
  const { runId: proposed } = await propose(tickets(['a']));
  const hiring = await propose(tickets(['a'], { roles: [{ key: 'worker', kind: 'hire', hire: { name: 'W' } }] }));
  const approving = rejectionOf(orchestrator.approve(hiring.runId, { ...hiring, approvedBy: ada }));
  await clock.advanceAsync(0);
  await clock.runUntil(orchestrator.close());
  hired!({ agentId: 'worker' });
  expect((await clock.runUntil(approving)).code).toBe('RUN_HALTED');
  await clock.advanceAsync(60_000);
  for (const [runId, status] of [
    [gated.runId, 'executing'],
    [proposed, 'proposed'],
    [hiring.runId, 'approved'],
  ] as const) {
    expect((await store.load(runId))?.summary.status).toBe(status);
    expect((await rejectionOf((await orchestrator.run(runId)).result())).code).toBe('RUN_HALTED');
  }
  expect(worker.calls).toEqual([]);
});

/** A memory store that fails from the `nth` commit on. */
function failingStore(nth: number, how: () => Promise<never>): RunStore {
  const inner = createMemoryStore();
  let commits = 0;
  return {
    ...inner,
    commit(commit) {
      commits += 1;
      return commits >= nth ? how() : inner.commit(commit);
    },
  };
}

const faults = {
  rejects: () => Promise.reject(new Error('the disk is full')),
  'throws synchronously': () => {
    throw new Error('the disk is full');
  },
  'rejects with a conflict': () => Promise.reject(new StoreConflictError('run-0001', 1, 2)),
};

/** How a run comes out, or why it doesn't, in one line. */
async function outcomeOf(orchestrator: Orchestrator, input: unknown): Promise<string> {
  let step = 'not proposed';
  try {
    const { runId, revision, digest } = await orchestrator.propose(input);
    const run = await orchestrator.run(runId);
    orchestrator.approve(runId, { revision, digest, approvedBy: ada }).catch(() => undefined);
    step = 'no result';
    return (await run.result()).status;
  } catch (error) {
    const { code, cause } = error as { readonly code?: string; readonly cause?: Error };
    return `${step}: ${code ?? ''} ${cause?.message ?? ''}`;
  }
}

it.each(Object.entries(faults))('a store whose commit %s, at any point, halts the run and says so', async (_, how) => {
  const halted: string[] = [];
  let nth = 1;
  for (; nth < 100; nth += 1) {
    const { orchestrator, clock, worker } = createWorld({ store: failingStore(nth, how), script: { default: { delayMs: 10 } } });
    const proposal = tickets(['a', ticket('b', { dependsOn: ['a'], effect: 'once' })]);
    const outcome = await clock.runUntil(outcomeOf(orchestrator, proposal));
    halted.push(outcome);
    const calls = worker.calls.length;
    await clock.advanceAsync(3_600_000);
    expect(worker.calls.length).toBe(calls);
    if (outcome === 'completed') break;
  }
  expect(nth).toBeGreaterThan(5);
  expect(halted[0]).toMatch(/^not proposed: /);
  expect(halted.slice(1, -1).every((outcome) => outcome.startsWith('no result: RUN_HALTED '))).toBe(true);
  expect(halted.at(-1)).toBe('completed');
});

it('a withdrawal that cannot be written halts the run', async () => {
  const { propose, orchestrator, clock } = createWorld({ store: failingStore(2, faults.rejects) });
  const run = await orchestrator.run((await propose(tickets(['a']))).runId);
  expect((await rejectionOf(clock.runUntil(run.cancel())))['message']).toContain('the disk is full');
  expect((await rejectionOf(run.result())).code).toBe('RUN_HALTED');
});

it('two hundred small runs at once in one process do not mix', async () => {
  const own: AgentFunction = async ({ runId, stepId, kind, input, instructions }) => {
    if (kind === 'ticket') expect(instructions).toContain(`run ${Number(runId.slice(-4)) - 1}`);
    for (const value of Object.values(input).flat()) expect(value).toMatchObject({ runId });
    return { output: { runId, stepId }, usage: { costUsd: 0.01 } };
  };
  const { orchestrator, clock } = createWorld({ agents: { own }, concurrency: 16 });
  const roles = [{ key: 'worker', kind: 'existing', agentId: 'own' }] as const;
  const results = await clock.runUntil(
    Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const task = (key: string, dependsOn: readonly string[] = []) =>
          ticket(key, { dependsOn, instructions: `Do ${key} of run ${n}.` });
        const { runId, revision, digest } = await orchestrator.propose(
          tickets([task('a'), task('b', ['a']), task('c', ['a'])], { roles }),
        );
        const run = await orchestrator.approve(runId, { revision, digest, approvedBy: ada });
        return { run, result: await run.result() };
      }),
    ),
  );
  for (const { run, result } of results) {
    expect(result).toMatchObject({ status: 'completed', gaps: [], deliverable: { runId: run.runId }, usage: { costUsd: 0.04 } });
    const events = await eventsOf(run);
    expect(events.every(({ runId, seq }, place) => runId === run.runId && seq === place + 1)).toBe(true);
  }
  expect(new Set(results.map(({ run }) => run.runId)).size).toBe(200);
});

it('50 MB of JSON text are refused quickly, with the size in the message', async () => {
  const { orchestrator } = createWorld();
  const text = JSON.stringify({ goal: 'x'.repeat(50 * 1024 * 1024) });
  const before = performance.now();
  const error = await rejectionOf(orchestrator.propose(text));
  expect(error.code).toBe('PROPOSAL_REJECTED');
  expect(error['issues']).toHaveLength(1);
  // Generous: what it shall not do is parse it.
  expect(performance.now() - before).toBeLessThan(2_000);
});

it('100,000 tickets are answered with an issue, or taken where the limits are raised', async () => {
  const proposal = layeredProposal({ tickets: 100_000, width: 1_000 });
  const { orchestrator } = createWorld();
  const error = await rejectionOf(orchestrator.propose(proposal));
  expect(error['issues']).toMatchObject([{ code: 'too-many-tickets', pointer: '/tickets' }]);
  const raised = createWorld({ limits: { maxTickets: 100_000 } });
  const { plan, bounds } = await raised.clock.runUntil(raised.orchestrator.propose(proposal));
  expect([plan.steps.length, bounds.steps]).toEqual([100_001, 100_001]);
}, 120_000);

it('3,000 steps run to their end', async () => {
  const clock = createVirtualClock();
  const orchestrator = createOrchestrator({ clock, agents: { worker: async () => ({ output: null }) } });
  const { runId, revision, digest } = await clock.runUntil(
    orchestrator.propose({
      ...layeredProposal({ tickets: 3_000 }),
      synthesis: { role: 'worker', instructions: 'Sum up.', outputSchema: {} },
    }),
  );
  const run = await clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
  expect(await clock.runUntil(run.result())).toMatchObject({ status: 'completed', gaps: [] });
  const types = typesOf(await eventsOf(run));
  expect(types.filter((type) => type === 'step.succeeded')).toHaveLength(3_001);
}, 120_000);
