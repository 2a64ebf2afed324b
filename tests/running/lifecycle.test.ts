import { type AgentFunction, isPlanwrightError, type RunEvent, type RunStatus, type Workspace } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

it('CC-31 a proposal waits, proposed, and no port but the store was called', async () => {
  const called: string[] = [];
  const note = (name: string) => async (): Promise<never> => {
    called.push(name);
    throw new Error(`${name} must not be called`);
  };
  const workspace: Workspace = {
    hire: note('hire'),
    createTeam: note('createTeam'),
    createProject: note('createProject'),
    release: note('release'),
    deliver: note('deliver'),
  };
  const { propose, orchestrator, worker, clock } = createWorld({ workspace });
  const { runId } = await propose(
    tickets(['a'], { roles: [{ key: 'worker', kind: 'hire', hire: { name: 'Worker' } }], synthesis: synthesis() }),
  );
  await clock.advanceAsync(3_600_000);
  expect((await orchestrator.run(runId)).view().status).toBe('proposed');
  expect(await orchestrator.list()).toMatchObject([{ runId, status: 'proposed' }]);
  expect(called).toEqual([]);
  expect(worker.calls).toEqual([]);
});

const synthesis = () => ({ role: 'worker', instructions: 'Sum up.', outputSchema: { type: 'object' } }) as const;

it('CC-32 a run is approved until everything it needs is set up', async () => {
  const seen: Record<string, RunStatus> = {};
  let statusNow = (): RunStatus => 'proposed';
  const look = (name: string) => (seen[name] = statusNow());
  const workspace: Workspace = {
    hire: async () => (look('hire'), { agentId: 'worker' }),
    createTeam: async () => (look('createTeam'), { teamId: 'team-1' }),
    createProject: async () => (look('createProject'), { projectId: 'project-1' }),
  };
  const agent: AgentFunction = async ({ stepId }) => (look(stepId), { output: {} });
  const { propose, orchestrator, approve, end } = createWorld({ workspace, agents: { worker: agent } });
  const proposed = await propose(tickets(['a'], { roles: [{ key: 'worker', kind: 'hire', hire: { name: 'W' } }] }));
  const handle = await orchestrator.run(proposed.runId);
  statusNow = () => handle.view().status;
  await end(await approve(proposed));
  expect(seen).toEqual({
    hire: 'approved',
    createTeam: 'approved',
    createProject: 'approved',
    a: 'executing',
    synthesis: 'synthesizing',
  });
});

it('CC-33 a run that was started is executing', async () => {
  const { start } = createWorld({ script: { default: { delayMs: 1_000 } } });
  expect((await start(tickets(['a']))).view().status).toBe('executing');
});

it('CC-34 the status flips when the last ticket has settled, before the synthesis starts', async () => {
  const { run } = createWorld({ script: { steps: { b: { fail: 'no' } } } });
  const { events } = await run(tickets(['a', 'b', 'c']));
  const place = (match: (event: RunEvent) => boolean) => events.findIndex(match);
  const flips = place(({ type }) => type === 'run.synthesizing');
  const lastSettled = events.findLastIndex((event) => 'stepId' in event && event.stepId !== 'synthesis');
  const starts = place((event) => event.type === 'step.started' && event.stepId === 'synthesis');
  expect(lastSettled).toBeLessThan(flips);
  expect(flips).toBeLessThan(starts);
});

it('CR-11 subscribers see approved, then executing', async () => {
  const { propose, orchestrator, approve, end } = createWorld();
  const proposed = await propose(tickets(['a']));
  const handle = await orchestrator.run(proposed.runId);
  const reading = eventsOf(handle);
  await end(await approve(proposed));
  const types = typesOf(await reading);
  expect(types.slice(0, 4)).toEqual(['run.proposed', 'run.approved', 'run.provisioned', 'run.started']);
});

it('CC-35 CR-17 the ticket gets the deliverable before the run counts as completed', async () => {
  const order: string[] = [];
  const workspace: Workspace = {
    deliver: async ({ parentTicket, deliverable }) => void order.push(`deliver ${parentTicket} ${JSON.stringify(deliverable)}`),
    updateTicket({ event }) {
      if (event.type.startsWith('run.')) order.push(event.type);
    },
  };
  const { run } = createWorld({ workspace, script: { steps: { synthesis: { output: { text: 'the end' } } } } });
  const { result } = await run(tickets(['a'], { context: { parentTicket: 'T-1' } }));
  expect(result).toMatchObject({ status: 'completed', deliverable: { text: 'the end' } });
  expect(order.slice(-3)).toEqual(['run.synthesizing', 'deliver T-1 {"text":"the end"}', 'run.completed']);
});

it('CC-35 a ticket that does not take the deliverable after three tries fails the run', async () => {
  let tries = 0;
  const workspace: Workspace = {
    deliver: async () => {
      tries += 1;
      throw new Error('the board is down');
    },
  };
  const { run } = createWorld({ workspace });
  expect((await run(tickets(['a']))).result).toMatchObject({
    status: 'failed',
    reason: 'delivery_failed',
    error: { code: 'DELIVERY_FAILED', message: 'the board is down' },
  });
  expect(tries).toBe(3);
});

it('CC-36 a step that fails the run ends it as failed, with a message', async () => {
  const { run } = createWorld({ script: { steps: { a: { fail: 'the disk is full' } } } });
  const { result, run: handle } = await run(tickets([ticket('a', { onFailure: 'fail-run' }), 'b']));
  expect(result).toMatchObject({ status: 'failed', reason: 'step_failed' });
  expect(result.error?.message).toBe('Step "a" failed: the disk is full');
  expect(handle.view().error).toEqual(result.error);
});

it('CC-37 a run whose tickets all failed fails, and nothing is synthesized', async () => {
  const { run, worker } = createWorld({ script: { default: { fail: 'no' } } });
  const { result, run: handle } = await run(tickets(['a', ticket('b', { dependsOn: ['a'] }), 'c']));
  expect(result).toMatchObject({ status: 'failed', reason: 'all_tickets_failed' });
  expect(result.gaps.map(({ key, status }) => [key, status])).toEqual([
    ['a', 'failed'],
    ['b', 'skipped'],
    ['c', 'failed'],
  ]);
  expect(worker.calls.map(({ request }) => request.stepId)).not.toContain('synthesis');
  expect(stepOf(handle, 'synthesis').attempts).toBe(0);
});

it('CR-19 every way to fail carries a message that names step and cause', async () => {
  const ways = [
    [{ steps: { a: { fail: 'the disk is full' } } }, tickets([ticket('a', { onFailure: 'fail-run' })])],
    [{ steps: { synthesis: { fail: 'too long' } } }, tickets(['a'])],
    [
      { default: { usage: { costUsd: 1 } } },
      tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })], { budget: { maxCostUsd: 1 } }),
    ],
    [{ default: { hang: true } }, tickets(['a'], { budget: { maxDurationMs: 1_000 } })],
    [{ default: { fail: 'no' } }, tickets(['a'])],
  ] as const;
  const endings = [];
  for (const [script, proposal] of ways) {
    const { result } = await createWorld({ script }).run(proposal);
    endings.push([result.status, result.reason, result.error?.message]);
  }
  expect(endings).toEqual([
    ['failed', 'step_failed', 'Step "a" failed: the disk is full'],
    ['failed', 'synthesis_failed', 'Step "synthesis" failed: too long'],
    ['failed', 'budget_exceeded', expect.stringMatching(/before step "b".*1 of 1 USD are spent/)],
    ['failed', 'deadline_exceeded', 'The run did not end within its 1000 ms (budget.maxDurationMs).'],
    [
      'failed',
      'all_tickets_failed',
      'Every ticket failed or was skipped, so there is nothing to make a deliverable of. The first was "a": no',
    ],
  ]);
});

it('CC-47 each ending is one typed event with its reason, for subscribers and for the ticket', async () => {
  const endings = ['run.completed', 'run.failed', 'run.cancelled'];
  const play = async (parts: Parameters<typeof tickets>[1], script: object, cancel = false) => {
    const told: RunEvent[] = [];
    const workspace: Workspace = { updateTicket: ({ event }) => void told.push(event) };
    const { start, end } = createWorld({ workspace, script });
    const run = await start(
      tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })], { context: { parentTicket: 'T-1' }, ...parts }),
    );
    if (cancel) void run.cancel({ reason: 'changed our mind' });
    await end(run);
    const events = await eventsOf(run);
    const last = events.filter(({ type }) => endings.includes(type));
    expect(told).toEqual(events);
    expect(last).toHaveLength(1);
    return last[0];
  };
  expect(await play({}, {})).toMatchObject({ type: 'run.completed' });
  expect(await play({}, { default: { fail: 'no' } })).toMatchObject({ type: 'run.failed', reason: 'all_tickets_failed' });
  expect(await play({ budget: { maxCostUsd: 1 } }, { default: { usage: { costUsd: 1 } } })).toMatchObject({
    type: 'run.failed',
    reason: 'budget_exceeded',
  });
  expect(await play({}, { default: { hang: true } }, true)).toMatchObject({ type: 'run.cancelled', reason: 'changed our mind' });
});

it('CX-15 the events of a life: proposed, revised, approved, started, completed, failed, cancelled, each with run and time', async () => {
  const { propose, orchestrator, approve, end, clock } = createWorld();
  const proposed = await propose(tickets(['a']));
  await clock.advanceAsync(1_000);
  const revised = await clock.runUntil(orchestrator.revise(proposed.runId, tickets(['a', 'b']), { baseRevision: 1 }));
  const run = await approve(revised);
  await end(run);
  const events = await eventsOf(run);
  const of = (type: string) => events.find((event) => event.type === type);
  expect(of('run.proposed')).toMatchObject({ revision: 1, at: 0, runId: proposed.runId });
  expect(of('run.revised')).toMatchObject({ revision: 2, at: 1_000, digest: revised.digest });
  expect(of('run.approved')).toMatchObject({ revision: 2, digest: revised.digest, approvedBy: ada });
  expect(of('run.started')).toMatchObject({ runId: proposed.runId, at: 1_000 });
  expect(of('run.completed')).toMatchObject({ runId: proposed.runId });
  expect(events.every(({ runId, at }) => runId === proposed.runId && at >= 0)).toBe(true);

  const failed = await createWorld({ script: { default: { fail: 'no' } } }).run(tickets(['a']));
  expect(failed.events.at(-1)).toMatchObject({
    type: 'run.failed',
    error: { message: expect.stringContaining('ticket') as string },
  });
  const other = await propose(tickets(['a']));
  const withdrawn = await orchestrator.run(other.runId);
  await clock.runUntil(withdrawn.cancel({ reason: 'not now' }));
  expect((await eventsOf(withdrawn)).at(-1)).toMatchObject({ type: 'run.cancelled', reason: 'not now', runId: other.runId });
});

it('CC-46 the record of a run ends although nobody awaits it, and says so once', async () => {
  const store = createMemoryStore();
  const told: string[] = [];
  const workspace: Workspace = { updateTicket: ({ event }) => void told.push(event.type) };
  const { propose, orchestrator, clock } = createWorld({ store, workspace, script: { default: { delayMs: 1_000 } } });
  const { runId, revision, digest } = await propose(tickets(['a'], { context: { parentTicket: 'T-1' } }));
  void orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  await clock.advanceAsync(10_000);
  expect((await store.load(runId))?.summary.status).toBe('completed');
  expect(told.filter((type) => type === 'run.completed')).toHaveLength(1);
});

it('CC-44 a run without a parent ticket is taken, and its record says that it has none', async () => {
  const { run, orchestrator } = createWorld();
  const without = await run(tickets(['a']));
  expect(without.run.view().parentTicket).toBeNull();
  const withOne = await run(tickets(['a'], { context: { parentTicket: 'T-9' } }));
  expect(withOne.run.view().parentTicket).toBe('T-9');
  expect((await orchestrator.list()).map(({ parentTicket }) => parentTicket)).toEqual([null, 'T-9']);
  expect((await orchestrator.list({ parentTicket: 'T-9' })).map(({ runId }) => runId)).toEqual([withOne.run.runId]);
});

it('refuses verbs that the state does not allow, with a typed error, and changes nothing', async () => {
  const { run, clock } = createWorld();
  const { run: over } = await run(tickets(['a']));
  const before = over.view();
  for (const verb of [
    () => over.pause(),
    () => over.resume(),
    () => over.cancel(),
    () => over.decide('a', { approve: true, by: 'ada' }),
    () => over.approveSteps(['a'], { approvedBy: ada }),
  ]) {
    const error = await rejectionOf(clock.runUntil<unknown>(verb()));
    expect(isPlanwrightError(error)).toBe(true);
    expect(error.code).toBe('ILLEGAL_INPUT');
  }
  expect(over.view()).toEqual(before);
});
