import { createOrchestrator, type Approval, type Proposed, type Run, type RunStore, type Workspace } from 'planwright';
import { createVirtualClock } from 'planwright/testing';
import { expect, it } from 'vitest';

import { ada, eventsOf, rejectionOf, ticket, tickets } from '../running/support/world.js';
import { committed, createRestartWorld, type RestartWorld, type RestartWorldOptions } from './support/restart-world.js';

const leaseMs = 30_000;
const chain = tickets(['a', ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] })]);

const approvalOf = ({ revision, digest }: Proposed): Approval => ({ revision, digest, approvedBy: ada });

const journalTypes = async (world: RestartWorld, runId: string): Promise<string[]> =>
  (await world.journal(runId)).map(({ type }) => type);

/** Two processes under names of their own, and a proposal that both can see. */
async function twoProcesses({ oneMs = 0, twoMs = 0, ...options }: RestartWorldOptions & { oneMs?: number; twoMs?: number } = {}) {
  const world = createRestartWorld({ leaseMs, ...options });
  const one = world.boot({ owner: 'one', storeMs: oneMs });
  const two = world.boot({ owner: 'two', storeMs: twoMs });
  const proposed = await world.propose(one, chain);
  return { world, one, two, proposed, runId: proposed.runId, approval: approvalOf(proposed) };
}

/** Lets both go on to the run's end, and holds them to the same word on it. */
async function sameEnd(world: RestartWorld, runs: readonly Run[]): Promise<void> {
  const results = await world.clock.runUntil(Promise.all(runs.map((run) => run.result())));
  await world.clock.advanceAsync(2_000);
  for (const result of results) expect(result).toEqual(results[0]);
  const views = runs.map((run) => run.view());
  for (const view of views) expect(view).toEqual(views[0]);
  const events = await Promise.all(runs.map((run) => eventsOf(run)));
  for (const list of events) expect(list).toEqual(events[0]);
}

const latencies = [0, 1, 2, 3, 5, 40].flatMap((oneMs) => [0, 1, 2, 3, 5, 40].map((twoMs) => [oneMs, twoMs] as const));

it('CX-09, CX-18: of two approvals in two processes at once, one starts the run, and both get it', async () => {
  for (const [oneMs, twoMs] of latencies) {
    const { world, one, two, runId, approval } = await twoProcesses({ oneMs, twoMs, script: { default: { delayMs: 700 } } });
    const approving = [one, two].map(({ orchestrator }) => orchestrator.approve(runId, approval));
    const runs = await world.clock.runUntil(Promise.all(approving));
    await sameEnd(world, runs);
    expect(world.called()).toEqual(['a', 'b', 'c', 'synthesis']);
    expect(new Set(world.calls.map(({ process }) => process)).size).toBe(1);
    expect((await journalTypes(world, runId)).filter((type) => type === 'run.approved')).toHaveLength(1);
  }
});

it('CX-09: to approve again in another process gives the same run; a stale approval is refused there too', async () => {
  const { world, one, two, proposed, runId, approval } = await twoProcesses({ script: { default: { delayMs: 700 } } });
  const first = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  const again = await world.clock.runUntil(two.orchestrator.approve(runId, approval));
  const stale = two.orchestrator.approve(runId, { ...approval, digest: proposed.digest.replaceAll(/[0-9]/g, '0') });
  expect(await rejectionOf(world.clock.runUntil(stale))).toMatchObject({
    code: 'APPROVAL_REFUSED',
    issues: [{ code: 'stale-digest' }],
  });
  await sameEnd(world, [first, again]);
  const late = await world.clock.runUntil(two.orchestrator.approve(runId, approval));
  await sameEnd(world, [first, late]);
  expect(world.called(2)).toEqual([]);
});

it('CC-43, CX-11: what is approved is what was shown, also when another process revises it meanwhile', async () => {
  for (const [oneMs, twoMs] of latencies) {
    const { world, one, two, runId, approval } = await twoProcesses({ oneMs, twoMs });
    // Both know the first revision.
    await world.clock.runUntil(two.orchestrator.run(runId));
    const settled = Promise.allSettled([
      one.orchestrator.approve(runId, approval),
      two.orchestrator.revise(runId, tickets(['z']), { baseRevision: 1, author: ada }),
    ]);
    const [approving, revising] = await world.clock.runUntil(settled);
    await world.clock.advanceAsync(1_000);
    const entries = await world.journal(runId);
    const approved = entries.find(({ type }) => type === 'run.approved');
    if (approving.status === 'fulfilled') {
      expect(approved).toMatchObject({ revision: 1, digest: approval.digest });
      expect(world.called()).toEqual(['a', 'b', 'c', 'synthesis']);
      // By then it is another plan for a run under way, which only the process that drives it takes.
      expect(revising.status).toBe('rejected');
      const { code } = (revising as PromiseRejectedResult).reason as { readonly code: string };
      expect(['PROPOSAL_REJECTED', 'RUN_ELSEWHERE']).toContain(code);
    } else {
      expect(approving.reason).toMatchObject({ code: 'APPROVAL_REFUSED' });
      expect(approved).toBeUndefined();
      // It is still there to be approved as it is now, by anyone.
      expect(revising).toMatchObject({ status: 'fulfilled', value: { revision: 2 } });
      const seen = await world.clock.runUntil(world.boot({ owner: 'three' }).orchestrator.history(runId));
      expect(seen.revisions).toHaveLength(2);
      const { value } = revising as PromiseFulfilledResult<Proposed>;
      const run = await world.clock.runUntil(two.orchestrator.approve(runId, approvalOf(value)));
      expect((await world.end(run)).status).toBe('completed');
      expect(world.called()).toEqual(['z', 'synthesis']);
    }
  }
});

it('CX-11: of two revisions in two processes at once, one is taken, and the other hears that the plan has moved on', async () => {
  for (const [oneMs, twoMs] of latencies) {
    const { world, one, two, runId } = await twoProcesses({ oneMs, twoMs });
    await world.clock.runUntil(two.orchestrator.run(runId));
    const revising = [one, two].map(({ orchestrator }, nth) =>
      orchestrator.revise(runId, tickets([`t${nth}`]), { baseRevision: 1, author: ada }),
    );
    const settled = await world.clock.runUntil(Promise.allSettled(revising));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'PROPOSAL_REJECTED', issues: [{ code: 'stale-revision' }] } }]);
    const seen = await world.clock.runUntil(Promise.all([one, two].map(({ orchestrator }) => orchestrator.history(runId))));
    expect(seen[0]!.revisions).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  }
});

it('an approval is refused as stale when another process revises the run just before it is claimed, and leaves it to others', async () => {
  const { world, two, runId, approval } = await twoProcesses();
  let isRevised = false;
  const meddle: (inner: RunStore) => RunStore = (inner) => ({
    ...inner,
    async claim(request) {
      if (!isRevised) {
        isRevised = true;
        await two.orchestrator.revise(runId, tickets(['z']), { baseRevision: 1, author: ada });
      }
      return inner.claim(request);
    },
  });
  const three = world.boot({ owner: 'three', wrapStore: meddle });
  const approving = three.orchestrator.approve(runId, approval);
  expect(await rejectionOf(world.clock.runUntil(approving))).toMatchObject({
    code: 'APPROVAL_REFUSED',
    issues: [{ code: 'stale-revision' }, { code: 'stale-digest' }],
  });
  expect(await journalTypes(world, runId)).toEqual(['run.proposed', 'run.revised']);
  // Nobody holds it, and nobody is cut off from it.
  const { revisions } = await two.orchestrator.history(runId);
  expect(revisions).toHaveLength(2);
  const revised = await two.orchestrator.revise(runId, tickets(['y']), { baseRevision: 2, author: ada });
  const run = await world.clock.runUntil(two.orchestrator.approve(runId, approvalOf(revised)));
  expect((await world.end(run)).status).toBe('completed');
  expect(world.called()).toEqual(['y', 'synthesis']);
});

it('an approval is not lost when another process dies with the run in its hands', async () => {
  const world = createRestartWorld({ leaseMs });
  const one = world.boot({ owner: 'one', dieAt: committed('run.approved', undefined, false) });
  const proposed = await world.propose(one, chain);
  const { runId } = proposed;
  void one.orchestrator.approve(runId, approvalOf(proposed));
  await world.death(one);
  const run = await world.clock.runUntil(world.boot({ owner: 'two' }).orchestrator.approve(runId, approvalOf(proposed)));
  expect((await world.end(run)).status).toBe('completed');
  expect(world.called(2)).toEqual(['a', 'b', 'c', 'synthesis']);
});

it('HB-62, CX-18: of two processes that recover at once, one takes up each run, and no step starts twice', async () => {
  for (const [oneMs, twoMs] of [
    [0, 0],
    [1, 1],
    [3, 2],
    [40, 5],
  ]) {
    const world = createRestartWorld({ leaseMs, script: { default: { delayMs: 700 } } });
    const dead = world.boot({ owner: 'zero' });
    const runIds: string[] = [];
    for (let nth = 0; nth < 12; nth += 1) runIds.push((await world.start(dead, tickets([`a${nth}`, `b${nth}`]))).runId);
    await world.clock.advanceAsync(300);
    dead.kill();
    await world.clock.advanceAsync(leaseMs);
    const one = world.boot({ owner: 'one', storeMs: oneMs! });
    const two = world.boot({ owner: 'two', storeMs: twoMs! });
    const taken = await world.clock.runUntil(Promise.all([one, two].map(({ orchestrator }) => orchestrator.recover())));
    const takenIds = taken.map((runs) => runs.map(({ runId }) => runId));
    expect(takenIds.flat().sort()).toEqual(runIds);
    for (const run of taken.flat()) expect((await world.end(run)).status).toBe('completed');
    const later = world.calls.filter(({ process }) => process > 1);
    expect(later).toHaveLength(12 * 3);
    expect(new Set(later.map(({ request }) => request.idempotencyKey)).size).toBe(12 * 3);
  }
});

it('CX-18: in one process, too, a run is taken up once, however many ask for it at once and in whatever way', async () => {
  for (const storeMs of [0, 1, 3]) {
    for (let delayMs = 0; delayMs <= 12; delayMs += 1) {
      const world = createRestartWorld({ script: { default: { delayMs: 700 } } });
      const dead = world.boot();
      const proposed = await world.propose(dead, chain);
      const { runId } = proposed;
      await world.clock.runUntil(dead.orchestrator.approve(runId, approvalOf(proposed)));
      await world.clock.advanceAsync(1_000);
      dead.kill();
      const { orchestrator } = world.boot({ storeMs });
      const run = await world.clock.runUntil(orchestrator.run(runId));
      const waiting = <T>(turns: number, verb: () => Promise<T>) => world.clock.sleep(turns * delayMs).then(verb);
      const asked = [
        waiting(0, () => orchestrator.recover()),
        waiting(1, () => run.pause().then(() => run.resume())),
        waiting(2, () => orchestrator.approve(runId, approvalOf(proposed))),
        waiting(3, () => orchestrator.recover()),
      ];
      await world.clock.runUntil(Promise.all(asked));
      expect(await world.end(run)).toMatchObject({ status: 'completed' });
      expect(world.called(2)).toEqual(['b', 'c', 'synthesis']);
      expect((await journalTypes(world, runId)).filter((type) => type === 'run.recovered')).toHaveLength(1);
    }
  }
});

it('what was claimed before the store failed to list more is taken up all the same', async () => {
  const world = createRestartWorld({ script: { default: { delayMs: 700 } } });
  const dead = world.boot();
  for (let nth = 0; nth < 150; nth += 1) await world.start(dead, tickets(['a']));
  dead.kill();
  let lists = 0;
  const failing = (inner: RunStore): RunStore => ({
    ...inner,
    list: (filter) => ((lists += 1) === 2 ? Promise.reject(new Error('The connection was lost.')) : inner.list(filter)),
  });
  const { orchestrator } = world.boot({ wrapStore: failing });
  expect(await rejectionOf(world.clock.runUntil(orchestrator.recover()))).toMatchObject({ message: 'The connection was lost.' });
  const taken = await world.clock.runUntil(orchestrator.recover());
  expect(taken).toHaveLength(150);
  for (const run of taken) expect((await world.end(run)).status).toBe('completed');
  expect(world.called(2)).toHaveLength(300);
});

it('HB-62: single-agent runs split among two processes on one store, and none starts twice', async () => {
  const world = createRestartWorld({ leaseMs, script: { default: { delayMs: 100 } } });
  const processes = [world.boot({ owner: 'one' }), world.boot({ owner: 'two' })];
  const running = Array.from({ length: 40 }, (_, nth) =>
    processes[nth % 2]!.orchestrator.runOnce('worker', { instructions: `Task ${nth}` }),
  );
  const runs = await world.clock.runUntil(Promise.all(running));
  expect(runs.map(({ status }) => status)).toEqual(Array.from(runs, () => 'completed'));
  expect([1, 2].map((process) => world.called(process).length)).toEqual([20, 20]);
  expect(new Set(world.calls.map(({ request }) => request.runId)).size).toBe(40);
});

it('CX-09: what is asked of a run that another process drives is refused, and says who drives it', async () => {
  const { world, one, two, runId, approval } = await twoProcesses({ script: { default: { delayMs: 5_000 } } });
  const driven = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  await world.clock.advanceAsync(1_000);
  const other = await two.orchestrator.run(runId);
  const verbs: (() => Promise<unknown>)[] = [
    () => other.pause(),
    () => other.resume(),
    () => other.cancel(),
    () => other.decide('a', { approve: true, by: 'ada' }),
    () => other.approveSteps(['a'], { approvedBy: ada }),
  ];
  for (const verb of verbs) {
    const refused = await rejectionOf(world.clock.runUntil(verb()));
    expect(refused).toMatchObject({ code: 'RUN_ELSEWHERE', runId, owner: expect.stringMatching(/^one@/) as string });
  }
  expect((await world.clock.runUntil(two.orchestrator.recover())).length).toBe(0);
  await sameEnd(world, [driven, other]);
  expect(await rejectionOf(other.pause())).toMatchObject({ code: 'ILLEGAL_INPUT' });
});

/** A run at work in `one`, which is then cut off from the store; `two` has called recover() once and looks after what is left behind. */
async function cutOff(options: RestartWorldOptions = {}) {
  const { world, one, two, runId, approval } = await twoProcesses({ script: { default: { delayMs: 20_000 } }, ...options });
  const before = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  expect(await world.clock.runUntil(two.orchestrator.recover())).toEqual([]);
  await world.clock.advanceAsync(25_000);
  one.cut();
  return { world, one, two, runId, before, cutAt: world.clock.now() };
}

it('HB-37: a run is taken over within a third more than its lease, by a process that once called recover()', async () => {
  const { world, two, runId, cutAt } = await cutOff();
  const run = await two.orchestrator.run(runId);
  const events = run.events();
  await world.clock.advanceAsync((leaseMs * 4) / 3);
  const recovered = [];
  for await (const event of events) {
    if (event.type === 'run.recovered') recovered.push(event.at);
    if (recovered.length > 0) break;
  }
  expect(recovered[0]).toBeLessThanOrEqual(cutAt + (leaseMs * 4) / 3);
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  // What the first had done is not done again; what it was at is asked for under the same key.
  expect(world.called(2)).toEqual(['b', 'c', 'synthesis']);
  const keys = world.calls.filter(({ request }) => request.stepId === 'b').map(({ request }) => request.idempotencyKey);
  expect(keys).toEqual([keys[0], keys[0]]);
});

it('HB-37: as long as a process renews its lease, its runs stay its own, whatever they take', async () => {
  const { world, one, two, runId, approval } = await twoProcesses({ script: { default: { delayMs: 3_600_000 } } });
  const run = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  await world.clock.runUntil(two.orchestrator.recover());
  expect((await world.end(run)).status).toBe('completed');
  expect(world.called(2)).toEqual([]);
});

it('CX-18: what a process writes that has lost its lease is refused, its run is halted and says why', async () => {
  const { world, one, two, runId, before } = await cutOff();
  // By now `b` has succeeded in the first, which could not write it, and `two` is at it.
  await world.clock.advanceAsync((leaseMs * 4) / 3);
  const halted = rejectionOf(before.result());
  one.heal();
  await world.clock.advanceAsync(1_000);
  expect(await halted).toMatchObject({ code: 'RUN_HALTED', runId, cause: { code: 'STORE_CONFLICT' } });
  expect(await rejectionOf(before.pause())).toMatchObject({ code: 'RUN_HALTED' });
  const run = await two.orchestrator.run(runId);
  expect((await world.end(run)).status).toBe('completed');
  expect(world.called(1)).toEqual(['a', 'b']);
  const entries = await world.journal(runId);
  expect(entries.filter((entry) => entry.type === 'step.succeeded').map(({ stepId }) => stepId)).toEqual([
    'a',
    'b',
    'c',
    'synthesis',
  ]);
  // The first has not gone blind: asked again, it follows.
  const seen = await world.clock.runUntil(one.orchestrator.run(runId));
  await sameEnd(world, [run, seen]);
});

it('a process that was cut off for less than its lease goes on as if nothing had been', async () => {
  const { world, one, before } = await cutOff();
  await world.clock.advanceAsync(leaseMs / 2);
  one.heal();
  expect((await world.end(before)).status).toBe('completed');
  expect(world.called(2)).toEqual([]);
});

it('CX-09: a run whose lease ran out, and that nobody has taken, is still its own: no clock decides, only the fence', async () => {
  const { world, one, two, runId, approval } = await twoProcesses({ script: { default: { delayMs: 20_000 } } });
  const run = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  one.cut();
  await world.clock.advanceAsync(leaseMs * 10);
  one.heal();
  expect((await world.end(run)).status).toBe('completed');
  expect(await world.clock.runUntil(two.orchestrator.recover())).toEqual([]);
});

it('HB-37: a process that closes gives its runs up at once', async () => {
  const { world, one, two, runId, approval } = await twoProcesses({ graceMs: 1_000, script: { default: { delayMs: 20_000 } } });
  const before = await world.clock.runUntil(one.orchestrator.approve(runId, approval));
  await world.clock.advanceAsync(25_000);
  const halted = rejectionOf(before.result());
  await world.clock.runUntil(one.orchestrator.close());
  expect(await halted).toMatchObject({ code: 'RUN_HALTED', cause: { code: 'ORCHESTRATOR_CLOSED' } });
  const [run] = await world.clock.runUntil(two.orchestrator.recover());
  expect((await world.end(run)).status).toBe('completed');
  // It had not died of what it was at.
  const entries = await world.journal(runId);
  expect(entries.find(({ type }) => type === 'run.recovered')).toMatchObject({ lost: [] });
});

it('the same process under the same name takes its own runs back without waiting for a lease', async () => {
  const world = createRestartWorld({ leaseMs: 3_600_000, script: { default: { delayMs: 1_000 } } });
  const first = world.boot({ owner: 'app' });
  const { run: before } = await world.start(first, chain);
  await world.clock.advanceAsync(1_500);
  first.kill();
  expect(before?.view().status).toBe('executing');
  const at = world.clock.now();
  const run = await world.recover(world.boot({ owner: 'app' }));
  expect(world.clock.now()).toBe(at);
  expect((await world.end(run)).status).toBe('completed');
});

it('a house that hangs for one run holds up the recovery of no other', async () => {
  const hangs: Workspace = {
    hire: ({ runId, role }) =>
      runId === 'run-0001'
        ? new Promise(() => undefined)
        : Promise.resolve({ agentId: role, agent: async () => ({ output: {} }) }),
  };
  const calm: Workspace = { hire: async ({ role }) => ({ agentId: role, agent: async () => new Promise(() => undefined) }) };
  const world = createRestartWorld();
  const first = world.boot({ workspace: calm });
  const roles = [
    { key: 'worker', kind: 'existing', agentId: 'worker' },
    { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
  ] as const;
  for (let nth = 0; nth < 3; nth += 1) await world.start(first, tickets([ticket('a', { role: 'writer' })], { roles }));
  await world.clock.advanceAsync(1_000);
  first.kill();
  const second = world.boot({ workspace: hangs });
  const recovering = second.orchestrator.recover({ onFailure: () => undefined });
  await world.clock.advanceAsync(1_000);
  const others = await Promise.all(['run-0002', 'run-0003'].map((runId) => second.orchestrator.run(runId)));
  for (const run of others) expect(run.view().status).toBe('completed');
  expect((await world.clock.runUntil(recovering)).map(({ runId }) => runId)).toEqual(['run-0002', 'run-0003']);
});

it('HB-37: a house that hangs for one run keeps no process from taking over the runs of another', async () => {
  const roles = [
    { key: 'worker', kind: 'existing', agentId: 'worker' },
    { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
  ] as const;
  const calm: Workspace = { hire: async ({ role }) => ({ agentId: role, agent: async () => new Promise(() => undefined) }) };
  const hangs: Workspace = { hire: () => new Promise(() => undefined) };
  const world = createRestartWorld({ leaseMs, workspaceTimeoutMs: 3_600_000, script: { default: { delayMs: 600_000 } } });
  const one = world.boot({ owner: 'one', workspace: calm });
  await world.start(one, tickets([ticket('a', { role: 'writer' })], { roles }));
  const two = world.boot({ owner: 'two' });
  const { runId } = await world.start(two, chain);
  one.kill();
  const three = world.boot({ owner: 'three', workspace: hangs });
  await world.clock.advanceAsync(leaseMs);
  const recovering = three.orchestrator.recover();
  await world.clock.advanceAsync(leaseMs);
  two.kill();
  await world.clock.advanceAsync((leaseMs * 4) / 3);
  expect(world.called(3)).toEqual(['a']);
  expect((await three.orchestrator.run(runId)).view().status).toBe('executing');
  // Which of them waits for the hire is told in the end.
  expect(await rejectionOf(world.clock.runUntil(recovering))).toMatchObject({
    failures: [{ error: { code: 'HIRE_NOT_POSSIBLE' } }],
  });
});

it('HB-32: a store that nobody else can have needs no signs of life: sixty days pass in a few timers', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const sixtyDaysMs = 60 * 86_400_000;
  const agents = { worker: async () => ({ output: {} }) };
  const orchestrator = createOrchestrator({ clock, agents });
  const gate = { kind: 'before', prompt: 'May I?', expiresAfterMs: sixtyDaysMs } as const;
  const proposed = await clock.runUntil(orchestrator.propose(tickets([ticket('a', { gate })])));
  const run = await clock.runUntil(orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada }));
  expect(await clock.runUntil(run.result(), { maxTimers: 100 })).toMatchObject({ status: 'failed' });
  expect(clock.now()).toBeGreaterThanOrEqual(sixtyDaysMs);
});

it.each(['recovers', 'approves', 'is asked to pause'] as const)(
  'CX-09: a process that is closed while it %s holds nothing afterwards, and does nothing more',
  async (what) => {
    for (let turn = 0; turn <= 40; turn += 1) {
      const [closeMs, graceMs] = [turn % 21, turn > 20 ? 0 : 50];
      const world = createRestartWorld({ leaseMs, graceMs, script: { default: { delayMs: 5_000 } } });
      const zero = world.boot({ owner: 'zero' });
      const proposed = await world.propose(zero, chain);
      const { runId } = proposed;
      if (what !== 'approves') await world.clock.runUntil(zero.orchestrator.approve(runId, approvalOf(proposed)));
      await world.clock.advanceAsync(1_000);
      zero.kill();
      await world.clock.advanceAsync(leaseMs);
      const one = world.boot({ owner: 'one', storeMs: 3 });
      const begun = {
        recovers: () => one.orchestrator.recover(),
        approves: () => one.orchestrator.approve(runId, approvalOf(proposed)),
        'is asked to pause': async () => (await one.orchestrator.run(runId)).pause(),
      }[what]();
      begun.catch(() => undefined);
      await world.clock.advanceAsync(closeMs);
      await world.clock.runUntil(one.orchestrator.close());
      await world.clock.advanceAsync(leaseMs * 2);
      const calls = world.called(2).length;
      // Whoever comes next finds it free, also one on another machine, who cannot tell whether the first is still there.
      const claimed = await world.store.claim({ runId, owner: 'another', at: world.clock.now(), leaseMs: 1 });
      expect([turn, claimed.kind]).toEqual([turn, 'claimed']);
      await world.clock.advanceAsync(2);
      const two = world.boot({ owner: 'two' });
      const run = await world.clock.runUntil(two.orchestrator.approve(runId, approvalOf(proposed)));
      if (run.view().paused) await world.clock.runUntil(run.resume());
      expect([closeMs, (await world.clock.runUntil(run.result(), { limitMs: 3_600_000 })).status]).toEqual([
        closeMs,
        'completed',
      ]);
      expect([turn, world.called(2).length]).toEqual([turn, calls]);
      expect(new Set(world.called())).toEqual(new Set(['a', 'b', 'c', 'synthesis']));
    }
  },
);
