import { type AgentFunction, definePlan, type Run, type RunStore } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { expect, it } from 'vitest';

import { createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf, type World } from './support/world.js';

it('a pause lets running steps end, holds the rest, also what was queued, and resume goes on with exactly that', async () => {
  const { start, clock, worker, end } = createWorld({ concurrency: 1, script: { default: { delayMs: 1_000 } } });
  const run = await start(tickets(['a', 'b', ticket('c', { dependsOn: ['a'] })]));
  await clock.advanceAsync(500);
  await clock.runUntil(run.pause());
  await clock.advanceAsync(3_600_000);
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a']);
  expect(stepOf(run, 'a').status).toBe('succeeded');
  expect(run.view()).toMatchObject({ status: 'executing', paused: true });
  await clock.runUntil(run.resume());
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(worker.calls.map(({ request }) => request.stepId).sort()).toEqual(['a', 'b', 'c', 'synthesis']);
  expect(typesOf(await eventsOf(run)).filter((type) => type === 'run.paused' || type === 'run.resumed')).toHaveLength(2);
});

it('a pause may come at any moment, and nothing is lost by it', async () => {
  for (let at = 0; at <= 2_400; at += 100) {
    const store = slowStore();
    const world = createWorld({ store, script: { default: { delayMs: 300 } } });
    store.clock = world.clock;
    const run = await world.start(
      tickets(['a', ticket('b', { dependsOn: ['a'], effect: 'once' })], { discussion: { instructions: 'Talk.' } }),
    );
    await world.clock.advanceAsync(at);
    const paused = await world.clock.runUntil(
      run.pause().then(
        () => true,
        () => false,
      ),
    );
    await world.clock.advanceAsync(10_000);
    expect(run.view().steps.filter(({ status }) => status === 'running')).toEqual([]);
    // A synthesis that was under way when the pause came has ended the run.
    if (paused && run.view().paused) await world.clock.runUntil(run.resume());
    expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
    expect(world.worker.calls).toHaveLength(4);
  }
});

/** A memory store whose commits take 100 ms, once it has a clock. */
function slowStore(): RunStore & { clock: World['clock'] | undefined } {
  const inner = createMemoryStore();
  const store = {
    ...inner,
    clock: undefined as World['clock'] | undefined,
    async commit(commit: Parameters<RunStore['commit']>[0]) {
      await store.clock?.sleep(100);
      return inner.commit(commit);
    },
  };
  return store;
}

it('pausing twice, or resuming what is not paused, is refused', async () => {
  const { start, clock } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const run = await start(tickets(['a']));
  expect((await rejectionOf(run.resume())).code).toBe('ILLEGAL_INPUT');
  await clock.runUntil(run.pause());
  expect((await rejectionOf(run.pause())).code).toBe('ILLEGAL_INPUT');
});

it('backing off goes on while paused, and the next attempt waits for the resume', async () => {
  const { start, clock, worker, end } = createWorld({ script: { steps: { a: [{ fail: 'no' }, {}] } } });
  const run = await start(tickets([ticket('a', { retry: { attempts: 2, backoffMs: 1_000 } })]));
  await clock.advanceAsync(500);
  await clock.runUntil(run.pause());
  await clock.advanceAsync(5_000);
  expect(worker.calls).toHaveLength(1);
  await clock.runUntil(run.resume());
  expect((await end(run)).status).toBe('completed');
  expect(worker.calls[1]?.startedAt).toBe(5_500);
});

const gated = () =>
  tickets([ticket('a', { gate: { kind: 'before', prompt: 'May I?' } }), ticket('b', { dependsOn: ['a'] }), 'c']);

async function atTheGate() {
  const world = createWorld();
  const run = await world.start(gated());
  await world.clock.advanceAsync(60_000);
  expect(stepOf(run, 'a').status).toBe('gated');
  expect(world.worker.calls.map(({ request }) => request.stepId)).toEqual(['c']);
  return { ...world, run };
}

it('a gate holds its step until a person lets it go', async () => {
  const { run, clock, end } = await atTheGate();
  await clock.runUntil(run.decide('a', { approve: true, by: 'ada', note: 'looks good' }));
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  const events = await eventsOf(run);
  expect(events.find(({ type }) => type === 'step.gated')).toMatchObject({ stepId: 'a', prompt: 'May I?' });
  expect(events.find(({ type }) => type === 'step.decided')).toMatchObject({
    stepId: 'a',
    decision: { approve: true, by: { kind: 'user', id: 'ada' }, note: 'looks good' },
  });
});

it('a gate that is refused fails its step, and says who refused and why', async () => {
  const { run, clock, end } = await atTheGate();
  await clock.runUntil(run.decide('a', { approve: false, by: 'ada', note: 'too early' }));
  const { status, gaps } = await end(run);
  expect(status).toBe('completed');
  expect(gaps.map(({ key, status: how }) => [key, how])).toEqual([
    ['a', 'failed'],
    ['b', 'skipped'],
  ]);
  expect(gaps[0]?.reason).toMatchObject({ code: 'GATE_REFUSED', message: 'user "ada" refused to let "a" start: too early' });
});

it('an agent cannot decide, a gate is decided once, and only a step that waits can be decided', async () => {
  const { run, clock } = await atTheGate();
  const byAgent = run.decide('a', { approve: true, by: { kind: 'agent', id: 'eager' } });
  expect((await rejectionOf(byAgent)).code).toBe('APPROVAL_REFUSED');
  expect((await rejectionOf(run.decide('b', { approve: true, by: 'ada' }))).code).toBe('ILLEGAL_INPUT');
  expect((await rejectionOf(run.decide('nothing', { approve: true, by: 'ada' }))).code).toBe('ILLEGAL_INPUT');
  expect(stepOf(run, 'a').status).toBe('gated');
  await clock.runUntil(run.decide('a', { approve: true, by: { kind: 'policy', id: 'office-hours' } }));
  expect((await rejectionOf(run.decide('a', { approve: false, by: 'ada' }))).code).toBe('ILLEGAL_INPUT');
});

it('an output that is stated for a gate is left out, even one that refers to itself', async () => {
  const { run, clock, end } = await atTheGate();
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  await clock.runUntil(run.decide('a', { approve: true, by: 'ada', output: cycle as never }));
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(stepOf(run, 'a').output).toEqual({ did: 'a' });
});

/** A step that must not run twice has timed out: it may have happened. */
async function inDoubt(agent: AgentFunction = () => new Promise(() => undefined), store: RunStore = createMemoryStore()) {
  const world = createWorld({ store, agents: { careless: agent } });
  const outputSchema = { type: 'object', required: ['sent'] };
  const run = await world.start(
    tickets(
      [
        ticket('a', { role: 'careless', effect: 'once', timeoutMs: 1_000, retry: { attempts: 3 }, outputSchema }),
        ticket('b', { dependsOn: ['a'] }),
        'c',
      ],
      {
        roles: ['worker', 'careless'].map((key) => ({ key, kind: 'existing', agentId: key }) as const),
      },
    ),
  );
  await world.clock.advanceAsync(2_000);
  expect(stepOf(run, 'a')).toMatchObject({ status: 'in-doubt', attempts: 1, error: { code: 'TIMED_OUT' } });
  return { ...world, run };
}

it('a once effect that timed out is not tried again, but parked for a person, who may say that it happened', async () => {
  const { run, clock, end, worker } = await inDoubt();
  await clock.advanceAsync(3_600_000);
  expect(run.view().status).toBe('executing');
  const unfit = run.decide('a', { approve: true, by: 'ada', output: { lost: true } });
  expect(await rejectionOf(unfit)).toMatchObject({
    code: 'APPROVAL_REFUSED',
    issues: [{ code: 'output-invalid', pointer: '/output' }],
  });
  expect((await rejectionOf(run.decide('a', { approve: true, by: 'ada' }))).code).toBe('APPROVAL_REFUSED');
  await clock.runUntil(run.decide('a', { approve: true, by: 'ada', output: { sent: 1 } }));
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(stepOf(run, 'a').output).toEqual({ sent: 1 });
  expect(worker.calls.find(({ request }) => request.stepId === 'b')?.request.input).toEqual({ a: { sent: 1 } });
});

it('or that it did not', async () => {
  const { run, clock, end } = await inDoubt();
  await clock.runUntil(run.decide('a', { approve: false, by: 'ada', note: 'the log is empty' }));
  const { gaps } = await end(run);
  expect(gaps.map(({ key, reason }) => [key, reason.code])).toEqual([
    ['a', 'DECLARED_FAILED'],
    ['b', 'DEPENDENCY_NOT_MET'],
  ]);
});

it('a result that comes late settles what is in doubt, and is charged', async () => {
  let answer: ((result: { output: { sent: number }; usage: { costUsd: number } }) => void) | undefined;
  const { run, clock, end, worker } = await inDoubt(() => new Promise((resolve) => (answer = resolve)));
  answer!({ output: { sent: 2 }, usage: { costUsd: 0.5 } });
  await clock.advanceAsync(0);
  expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', output: { sent: 2 } });
  const result = await end(run);
  expect(result).toMatchObject({ status: 'completed', gaps: [], usage: { costUsd: 0.5 } });
  expect(worker.calls.find(({ request }) => request.stepId === 'b')?.request.input).toEqual({ a: { sent: 2 } });
});

it('what must not run twice is on record before it runs', async () => {
  const inner = createMemoryStore();
  const seen: (readonly string[] | undefined)[] = [];
  const agent: AgentFunction = async ({ runId }) => {
    seen.push((await inner.load(runId))?.journal.map(({ type }) => type));
    return { output: {} };
  };
  const { run } = createWorld({ store: inner, agents: { worker: agent } });
  await run(tickets([ticket('a', { effect: 'once' })]));
  expect(seen[0]).toContain('step.started');
});

it('priorities come first where there is not room for all', async () => {
  const { run, worker } = createWorld({ concurrency: 1, script: { default: { delayMs: 10 } } });
  await run(
    tickets([
      ticket('low', { priority: 'low' }),
      ticket('normal'),
      ticket('high', { priority: 'high' }),
      ticket('high2', { priority: 'high' }),
    ]),
  );
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['high', 'high2', 'normal', 'low', 'synthesis']);
});

it('a plan by hand may end in a gate, and the first step that is let go is the only one', async () => {
  const plan = definePlan({
    goal: 'Ask first',
    roles: [{ key: 'worker', kind: 'existing', agentId: 'worker' }],
    steps: [{ id: 'a', kind: 'ticket', role: 'worker', instructions: 'Do it.', gate: { kind: 'before', prompt: 'Now?' } }],
  });
  if (!plan.ok) throw new Error('It should be sound.');
  const { orchestrator, clock, approve, end } = createWorld();
  const run: Run = await approve(await clock.runUntil(orchestrator.proposePlan(plan.value)));
  await clock.runUntil(run.decide('a', { approve: true, by: 'ada' }));
  expect(await end(run)).toMatchObject({ status: 'completed', deliverable: { did: 'a' } });
});
