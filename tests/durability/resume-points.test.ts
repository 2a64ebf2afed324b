import { type JournalEntry, type OrchestrationProposal, type RunResult, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { ada, eventsOf, rejectionOf, ticket, tickets, typesOf } from '../running/support/world.js';
import {
  calling,
  committed,
  createRestartWorld,
  eventsNow,
  expectSameHistory,
  hooking,
  type Moment,
  nthMoment,
  type RestartWorld,
  type RestartWorldOptions,
} from './support/restart-world.js';

const chain = tickets(['a', ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] })]);

/** Every hook there is; agents come with their hires, and are lost with the process. */
const house = (): Workspace => ({
  hire: async ({ role }) => ({ agentId: `hired-${role}`, agent: async ({ stepId }) => ({ output: { by: role, of: stepId } }) }),
  release: async () => undefined,
  createTeam: async () => ({ teamId: 'team-1' }),
  createProject: async () => ({ projectId: 'project-1' }),
  deliver: async () => undefined,
  updateTicket: async () => undefined,
  postToChannel: () => undefined,
});

const housed = (): OrchestrationProposal =>
  tickets(['a', ticket('b', { dependsOn: ['a'], role: 'writer' }), ticket('c', { dependsOn: ['b'], role: 'editor' })], {
    context: { parentTicket: 'T-1', channel: 'c-1' },
    roles: [
      { key: 'worker', kind: 'existing', agentId: 'worker' },
      { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
      { key: 'editor', kind: 'hire', hire: { name: 'Editor' } },
    ],
  });

/** The same run without a restart. */
async function undisturbed(input: unknown, options: RestartWorldOptions = {}) {
  const world = createRestartWorld(options);
  const { runId, run } = await world.start(world.boot(), input);
  const result = await world.end(run);
  await world.clock.advanceAsync(120_000);
  return { ...world, runId, run, result, entries: await world.journal(runId) };
}

/** Starts a run in a process that dies at some moment, and gives what is left of it. */
async function killedAt(dieAt: (moment: Moment) => boolean, input: unknown, options: RestartWorldOptions = {}) {
  const world = createRestartWorld(options);
  const first = world.boot({ dieAt });
  const proposed = await world.propose(first, input);
  const { runId, revision, digest } = proposed;
  const approval = { revision, digest, approvedBy: ada };
  const run = await world.clock.runUntil(Promise.race([first.orchestrator.approve(runId, approval), first.died]));
  await world.death(first);
  return { world, first, runId, run, proposed, approval };
}

const count = (entries: readonly JournalEntry[], type: JournalEntry['type']): number =>
  entries.filter((entry) => entry.type === type).length;

/** What the end of a run must be like, whatever came between. */
const endOf = ({ status, deliverable, gaps, reason }: RunResult) => ({ status, deliverable, gaps, reason });

it('CC-21: a proposal outlives its process: it is there to read, to revise and to approve', async () => {
  const world = createRestartWorld();
  const first = world.boot();
  const proposed = await world.propose(first, chain);
  first.kill();

  const { orchestrator } = world.boot();
  const { runId, digest } = proposed;
  const history = await orchestrator.history(runId);
  expect(history.revisions.map(({ revision, proposal }) => [revision, proposal])).toEqual([[1, chain]]);
  expect(await world.clock.runUntil(orchestrator.recover())).toEqual([]);
  expect(world.calls).toEqual([]);

  const revised = await orchestrator.revise(runId, tickets(['a']), { baseRevision: 1, author: ada });
  expect(revised).toMatchObject({ runId, revision: 2 });
  const stale = orchestrator.approve(runId, { revision: 1, digest, approvedBy: ada });
  expect((await rejectionOf(stale)).code).toBe('APPROVAL_REFUSED');

  const third = world.boot().orchestrator;
  expect((await third.history(runId)).revisions.map(({ revision, author }) => [revision, author])).toEqual([
    [1, null],
    [2, ada],
  ]);
  const run = await world.clock.runUntil(third.approve(runId, { ...revised, approvedBy: ada }));
  expect((await world.end(run)).status).toBe('completed');
  expect(world.called()).toEqual(['a', 'synthesis']);
  expect(typesOf(await eventsOf(run)).slice(0, 3)).toEqual(['run.proposed', 'run.revised', 'run.approved']);
});

it('CC-39: a proposal that was left behind can be cancelled by another process', async () => {
  const world = createRestartWorld();
  const first = world.boot();
  const { runId } = await world.propose(first, chain);
  first.kill();
  const run = await world.boot().orchestrator.run(runId);
  expect(await world.clock.runUntil(run.cancel({ reason: 'no need' }))).toMatchObject({ status: 'cancelled', reason: 'no need' });
  expect((await world.boot().orchestrator.run(runId)).view().status).toBe('cancelled');
});

/** Where a process can die while a run is set up. */
const setUpMoments: readonly (readonly [string, (moment: Moment) => boolean])[] = (
  ['run.approved', 'role.hired', 'team.created', 'project.created', 'run.provisioned', 'run.start'] as const
).flatMap((type) =>
  [false, true].map((done) => [`${done ? 'after' : 'before'} ${type}`, committed(type, undefined, done)] as const),
);
const hookMoments = (['hire', 'createTeam', 'createProject'] as const).flatMap((hook) =>
  [false, true].map((done) => [`${done ? 'after' : 'before'} ${hook}()`, hooking(hook, done)] as const),
);
const secondHire = (() => {
  let hires = 0;
  const dieAt = (moment: Moment): boolean => hooking('hire', true)(moment) && (hires += 1) === 2;
  return ['after the second hire()', dieAt] as const;
})();

it.each([...setUpMoments, ...hookMoments, secondHire])(
  'CR-10, CC-30: killed %s, the set-up goes on at the next one, and nothing is set up twice',
  async (_name, dieAt) => {
    const reference = await undisturbed(housed(), { workspace: house() });
    const { world, runId, approval } = await killedAt(dieAt, housed(), { workspace: house() });
    // Whoever approves it again starts what was not started, and otherwise goes on with it.
    const { orchestrator } = world.boot();
    const run = await world.clock.runUntil(orchestrator.approve(runId, approval));
    expect(endOf(await world.end(run))).toEqual(endOf(reference.result));

    const entries = await world.journal(runId);
    for (const type of ['run.approved', 'role.hired', 'team.created', 'project.created', 'run.provisioned', 'run.start'] as const)
      expect([type, count(entries, type)]).toEqual([type, count(reference.entries, type)]);
    // Asked for again only under the key that it was asked for under before.
    const keysOf = (hook: string, { hooks }: Pick<RestartWorld, 'hooks'>) =>
      [...new Set(hooks.filter((one) => one.hook === hook).map(({ idempotencyKey }) => idempotencyKey))].sort();
    for (const hook of ['hire', 'createTeam', 'createProject', 'release', 'deliver'])
      expect(keysOf(hook, world)).toEqual(keysOf(hook, reference));
    expect(run.view()).toMatchObject({ teamId: 'team-1', projectId: 'project-1', hires: [] });
    // The agents that came with the hires were lost with the process; the house gave them back.
    expect(run.view().steps.find(({ id }) => id === 'b')).toMatchObject({ agentId: 'hired-writer', output: { by: 'writer' } });
  },
);

it('CC-27: hires of a run whose process died between two of them are taken over, and let go at its end', async () => {
  const { world, runId } = await killedAt(committed('role.hired'), housed(), { workspace: house() });
  expect(count(await world.journal(runId), 'role.hired')).toBe(1);
  const run = await world.recover(world.boot());
  await world.end(run);
  const released = world.hooks.filter(({ hook }) => hook === 'release').map(({ idempotencyKey }) => idempotencyKey);
  expect(released.sort()).toEqual([`${runId}:release:editor`, `${runId}:release:writer`]);
});

it('a house that gives another hire back for the same key is not believed', async () => {
  const { world, runId } = await killedAt(committed('role.hired'), housed(), { workspace: house() });
  const other: Workspace = { ...house(), hire: async () => ({ agentId: 'impostor', agent: async () => ({ output: {} }) }) };
  const wrong = world.boot({ workspace: other });
  const { failures } = await rejectionOf(world.clock.runUntil(wrong.orchestrator.recover()));
  expect(failures).toMatchObject([{ runId, error: { code: 'HIRE_NOT_POSSIBLE', role: 'editor' } }]);
  wrong.kill();
  // It has lost nothing by that.
  expect((await world.end(await world.recover(world.boot()))).status).toBe('completed');
});

it('HB-47, CC-22: killed mid-step, only that step runs again, under its key; all that were done stay done', async () => {
  const script = { steps: { b: { delayMs: 5_000 } } };
  const { world, run: before, proposed } = await killedAt(calling('b', { done: true }), chain, { script });
  const process = world.boot();
  await expectSameHistory(before!, await process.orchestrator.run(proposed.runId), proposed);
  const run = await world.recover(process);
  expect(await world.end(run)).toMatchObject({ status: 'completed', deliverable: {}, gaps: [] });
  expect(world.called(1)).toEqual(['a', 'b']);
  expect(world.called(2)).toEqual(['b', 'c', 'synthesis']);
  const [first, again] = world.calls.filter(({ request }) => request.stepId === 'b').map(({ request }) => request);
  expect(again).toEqual(first);
  await expectSameHistory(before!, run, proposed);
});

it('HB-11, HB-16, HB-31: from every single moment of a run on, a new process brings it to the same end', async () => {
  const input = tickets(
    [
      'a',
      ticket('b', { dependsOn: ['a'], retry: { attempts: 2, backoffMs: 1_000 } }),
      ticket('c', { dependsOn: ['a'], role: 'writer' }),
      ticket('d', { dependsOn: ['b', 'c'], effect: 'none' }),
    ],
    { context: { parentTicket: 'T-1' }, roles: housed().roles.slice(0, 2), research: { role: 'worker', instructions: 'Look.' } },
  );
  const options = { workspace: house(), script: { steps: { b: [{ fail: 'not yet' }, { delayMs: 100 }], a: { delayMs: 100 } } } };
  const reference = await undisturbed(input, options);
  for (let nth = 1; ; nth += 1) {
    const world = createRestartWorld(options);
    const first = world.boot({ dieAt: nthMoment(nth) });
    const proposing = first.orchestrator.propose(input);
    const proposed = await world.clock.runUntil(Promise.race([proposing, first.died]));
    if (!proposed) {
      // Nobody was told of it; whether it is there or not, nothing has begun.
      expect(await world.clock.runUntil(world.boot().orchestrator.recover())).toEqual([]);
      continue;
    }
    const { runId, revision, digest } = proposed;
    const approval = { revision, digest, approvedBy: ada };
    const before = await world.clock.runUntil(Promise.race([first.orchestrator.approve(runId, approval), first.died]));
    const ended = before && (await world.clock.runUntil(Promise.race([before.result(), first.died])));
    if (ended) {
      expect(nth).toBeGreaterThan(60);
      return;
    }

    const process = world.boot();
    if (before) await expectSameHistory(before, await process.orchestrator.run(runId), proposed);
    const durable = await world.journal(runId);
    const run = await world.clock.runUntil(process.orchestrator.approve(runId, approval));
    expect([nth, endOf(await world.end(run))]).toEqual([nth, endOf(reference.result)]);
    const done = durable.flatMap((entry) => (entry.type === 'step.succeeded' ? [entry.stepId] : []));
    expect(world.called(2).filter((stepId) => done.includes(stepId))).toEqual([]);
    if (before) await expectSameHistory(before, run, proposed);
    const entries = await world.journal(runId);
    for (const type of ['role.hired', 'team.created', 'project.created', 'run.delivered', 'role.released', 'run.landed'] as const)
      expect([nth, type, count(entries, type)]).toEqual([nth, type, count(reference.entries, type)]);
  }
});

it('HB-11: each of many processes does one step and dies, and the run is done all the same', async () => {
  const world = createRestartWorld();
  const first = world.boot({ dieAt: committed('step.succeeded', 'a') });
  const { runId } = await world.start(first, chain);
  await world.death(first);
  for (const stepId of ['b', 'c', 'synthesis']) {
    const process = world.boot({ dieAt: committed('step.succeeded', stepId) });
    void process.orchestrator.recover();
    await world.death(process);
  }
  const last = world.boot();
  expect((await world.clock.runUntil(last.orchestrator.recover())).map((one) => one.runId)).toEqual([]);
  const run = await last.orchestrator.run(runId);
  expect(await world.end(run)).toMatchObject({ status: 'completed' });
  expect(world.called()).toEqual(['a', 'b', 'c', 'synthesis']);
});

it('HB-32: killed in a pause between attempts, the next attempt comes when it is due, and is the second', async () => {
  const script = { steps: { b: [{ fail: 'not yet' }, {}] } };
  const input = tickets(['a', ticket('b', { dependsOn: ['a'], retry: { attempts: 2, backoffMs: 10_000 } })]);
  const { world } = await killedAt(committed('step.failed', 'b'), input, { script });
  await world.clock.advanceAsync(4_000);
  const run = await world.recover(world.boot());
  await world.clock.advanceAsync(5_000);
  expect(run.view().steps.find(({ id }) => id === 'b')).toMatchObject({ status: 'backing-off', retryAt: 10_000 });
  await world.end(run);
  const attempts = world.calls.filter(({ request }) => request.stepId === 'b');
  expect(attempts.map(({ request }) => request.attempt)).toEqual([1, 2]);
  expect(new Set(attempts.map(({ request }) => request.idempotencyKey)).size).toBe(2);
  expect(run.view().steps.find(({ id }) => id === 'b')).toMatchObject({ attempts: 2, endedAt: 10_000 });
});

it('FO-18: a paused run stays paused over a restart, and nothing starts', async () => {
  const { world, run } = await pausedAndKilled();
  await world.clock.advanceAsync(86_400_000);
  expect(run.view()).toMatchObject({ status: 'executing', paused: true });
  expect(world.called(2)).toEqual([]);
  expect((await rejectionOf(run.pause())).code).toBe('ILLEGAL_INPUT');
});

it('FO-19: resumed after a restart, exactly the work that is not settled goes on', async () => {
  const { world, run } = await pausedAndKilled();
  await world.clock.runUntil(run.resume());
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.called(2).sort()).toEqual(['b', 'c', 'd', 'synthesis']);
  expect(world.calls.every(({ request }) => request.attempt === 1)).toBe(true);
});

/** `a` is done, `b` was under way when the process died, `c` had not begun. */
async function pausedAndKilled() {
  const input = tickets([
    ticket('a'),
    ticket('b'),
    ticket('c', { dependsOn: ['a'] }),
    ticket('d', { dependsOn: ['b'], effect: 'once' }),
  ]);
  const world = createRestartWorld({ script: { steps: { a: { delayMs: 1_000 }, b: { delayMs: 60_000 } } } });
  const first = world.boot();
  const { run: before } = await world.start(first, input);
  await world.clock.advanceAsync(500);
  await world.clock.runUntil(before!.pause());
  await world.clock.advanceAsync(10_000);
  first.kill();
  expect(world.called(1).sort()).toEqual(['a', 'b']);
  return { world, run: await world.recover(world.boot()) };
}

it.each(['recover', 'run'] as const)('DD-28: a gate outlives its process, and is decided through %s()', async (how) => {
  const input = tickets([ticket('a', { gate: { kind: 'before', prompt: 'May I?' } }), 'b']);
  const world = createRestartWorld();
  const first = world.boot();
  const { runId } = await world.start(first, input);
  await world.clock.advanceAsync(60_000);
  first.kill();
  await world.clock.advanceAsync(86_400_000);
  const second = world.boot();
  const run = how === 'recover' ? await world.recover(second) : await second.orchestrator.run(runId);
  expect(run.view().steps.find(({ id }) => id === 'a')?.status).toBe('gated');
  await world.clock.runUntil(run.decide('a', { approve: true, by: 'ada' }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.called()).toEqual(['b', 'a', 'synthesis']);
});

it('a gate that was answered is not asked again, wherever the process died', async () => {
  const input = tickets([ticket('a', { gate: { kind: 'before', prompt: 'May I?' } })]);
  const world = createRestartWorld();
  const first = world.boot({ dieAt: committed('step.decided') });
  const { run: before } = await world.start(first, input);
  await world.clock.advanceAsync(1_000);
  before!.decide('a', { approve: true, by: 'ada' }).catch(() => undefined);
  await world.death(first);
  const run = await world.recover(world.boot());
  expect((await world.end(run)).status).toBe('completed');
  expect(typesOf(await eventsOf(run)).filter((type) => type === 'step.gated')).toHaveLength(1);
});

it.each([
  ['as soon as the stop is on record', 0],
  ['while its agents take their time to end', 3_000],
])('CC-39, CC-49: killed %s, a cancelled run ends cancelled, and starts nothing', async (_when, afterMs) => {
  const world = createRestartWorld({ script: { steps: { b: { delayMs: 8_000, ignoreAbort: true } } } });
  const first = world.boot(afterMs === 0 ? { dieAt: committed('run.cancel') } : {});
  const { runId, run: before } = await world.start(first, chain);
  await world.clock.advanceAsync(1_000);
  before!.cancel({ reason: 'enough' }).catch(() => undefined);
  await world.clock.advanceAsync(afterMs);
  first.kill();
  const second = world.boot();
  const run = await world.recover(second);
  expect(await world.end(run)).toMatchObject({ status: 'cancelled', reason: 'enough' });
  expect(run.view().steps.map(({ id, status }) => [id, status])).toEqual([
    ['a', 'succeeded'],
    ['b', 'cancelled'],
    ['c', 'cancelled'],
    ['synthesis', 'cancelled'],
  ]);
  expect(world.called(2)).toEqual([]);
  expect(count(await world.journal(runId), 'run.cancel')).toBe(1);
});

it('CC-39: an interrupted run is cancelled by whoever asks next, without having been recovered', async () => {
  const { world, runId } = await killedAt(calling('b', { done: true }), chain);
  const run = await world.boot().orchestrator.run(runId);
  expect(await world.clock.runUntil(run.cancel({ reason: 'enough' }))).toMatchObject({ status: 'cancelled', reason: 'enough' });
  expect(await rejectionOf(run.cancel())).toMatchObject({ code: 'ILLEGAL_INPUT' });
});

it.each([
  ['before the deliverable was handed over', hooking('deliver', false)],
  ['after it was handed over, before that was on record', hooking('deliver', true)],
  ['after that was on record', committed('run.delivered')],
])('CC-35, CR-17: killed %s, the deliverable lands under one key, and is on record once', async (_when, dieAt) => {
  const { world, runId } = await killedAt(dieAt, housed(), { workspace: house() });
  const run = await world.recover(world.boot());
  expect((await world.end(run)).status).toBe('completed');
  const delivered = world.hooks.filter(({ hook }) => hook === 'deliver');
  expect(delivered.length).toBeGreaterThan(0);
  expect(new Set(delivered.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set([`${runId}:deliver`]));
  const entries = await world.journal(runId);
  expect([count(entries, 'run.delivered'), count(entries, 'run.landed')]).toEqual([1, 1]);
});

it('CX-10: of a run approved in part, the rest waits over a restart, and is approved in the new process', async () => {
  const world = createRestartWorld({ script: { default: { delayMs: 1_000 } } });
  const first = world.boot();
  const input = tickets(['a', ticket('b', { dependsOn: ['a'] }), 'c', 'd']);
  const { runId, revision, digest } = await world.propose(first, input);
  const approval = { revision, digest, approvedBy: ada, steps: ['a', 'c'] };
  await world.clock.runUntil(first.orchestrator.approve(runId, approval));
  await world.clock.advanceAsync(500);
  first.kill();

  const second = world.boot();
  const run = await world.recover(second);
  await world.clock.advanceAsync(3_600_000);
  expect(world.called(2).sort()).toEqual(['a', 'c']);
  expect((await rejectionOf(run.approveSteps(['nowhere'], { approvedBy: ada }))).code).toBe('APPROVAL_REFUSED');
  await world.clock.runUntil(run.approveSteps(['b'], { approvedBy: ada }));
  await world.clock.advanceAsync(3_600_000);
  second.kill();

  // What was added is remembered, too; and the whole cannot be approved behind its back.
  const third = world.boot();
  const whole = third.orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  expect(await rejectionOf(world.clock.runUntil(whole))).toMatchObject({ issues: [{ code: 'approved-in-part' }] });
  const last = await world.recover(third);
  await world.clock.advanceAsync(3_600_000);
  expect(last.view().steps.find(({ id }) => id === 'd')?.status).toBe('gated');
  await world.clock.runUntil(last.approveSteps(['d'], { approvedBy: ada }));
  expect(await world.end(last)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.called(3)).toEqual(['d', 'synthesis']);
});

it('a fan-out that takes several entries goes on where its process died', async () => {
  const input = tickets(['root', ...Array.from({ length: 1_500 }, (_, nth) => ticket(`t${nth}`, { dependsOn: ['root'] }))]);
  let continued = 0;
  const dieAt = (moment: Moment): boolean => committed('run.continue')(moment) && (continued += 1) === 2;
  const { world } = await killedAt(dieAt, input);
  const run = await world.recover(world.boot());
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(new Set(world.called()).size).toBe(1_502);
});

it('events go on in one sequence over a restart, for readers with a cursor, and say that it was one', async () => {
  const { world, run: before, runId } = await killedAt(calling('b', { done: true }), chain);
  const seen = await eventsNow(before!);
  const run = await world.recover(world.boot());
  await world.end(run);
  const rest = await eventsOf(run, seen.length);
  expect([...seen, ...rest].map(({ seq }) => seq)).toEqual([...seen, ...rest].map((_, index) => index + 1));
  expect(rest.find(({ type }) => type === 'run.recovered')).toMatchObject({ runId, lost: ['b'] });
});
