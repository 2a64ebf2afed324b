import { type Approval, ok, type Proposed, type RecoveryError, type RunStore, type Topology, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { ada, rejectionOf, stepOf, ticket, tickets } from '../running/support/world.js';
import { createRestartWorld, type RestartWorldOptions } from './support/restart-world.js';

const approvalOf = ({ revision, digest }: Proposed): Approval => ({ revision, digest, approvedBy: ada });

/** A topology of somebody's own: all tickets side by side or, in another release of it, one behind the other. */
function ownTopology(shape: 'side by side' | 'in a row', version?: string) {
  const asked = { times: 0 };
  const topology: Topology = {
    kind: 'own',
    description: 'For this test.',
    ...(version !== undefined && { version }),
    options: { safeParse: () => ({ success: true, data: {} }) },
    arrange(proposal) {
      asked.times += 1;
      const { tickets: given } = proposal;
      return ok(
        given.map(({ key }, index) => ({
          id: key,
          kind: 'ticket' as const,
          dependsOn: shape === 'in a row' && index > 0 ? [given[index - 1]!.key] : [],
        })),
      );
    },
  };
  return { topology, asked };
}

const own = tickets(['a', 'b', 'c'], { topology: { kind: 'own' } });
const common = tickets(['x']);

/** One run of one's own topology and two others, all of which have lost their process in the middle of their first steps. */
async function deployed(before: Topology, options: RestartWorldOptions = {}) {
  const world = createRestartWorld({ script: { default: { delayMs: 1_000 } }, ...options });
  const first = world.boot({ topologies: [before] });
  const ids: string[] = [];
  const proposed = await world.propose(first, own);
  const others = [await world.propose(first, common), await world.propose(first, common)];
  for (const one of [others[0]!, proposed, others[1]!]) {
    await world.clock.runUntil(first.orchestrator.approve(one.runId, approvalOf(one)));
    ids.push(one.runId);
  }
  await world.clock.advanceAsync(500);
  first.kill();
  return { world, proposed, runId: proposed.runId, others: others.map(({ runId }) => runId) };
}

it('CX-18: a run whose plan would be another now is refused, naming both digests; the others go on', async () => {
  const { world, proposed, runId, others } = await deployed(ownTopology('side by side').topology);
  const second = world.boot({ topologies: [ownTopology('in a row').topology] });
  const elsewhere = await world.propose(world.boot({ owner: 'new', topologies: [ownTopology('in a row').topology] }), own);
  const refused = await rejectionOf(world.clock.runUntil(second.orchestrator.recover()));
  expect(refused).toMatchObject({
    code: 'RECOVERY_INCOMPLETE',
    failures: [
      {
        runId,
        error: { code: 'DIGEST_MISMATCH', what: 'plan', storedDigest: proposed.digest, foundDigest: elsewhere.digest },
      },
    ],
  });
  expect((refused as unknown as Error).message).toContain(runId);
  const { runs } = refused as unknown as RecoveryError;
  expect(runs.map((run) => run.runId).sort()).toEqual([...others].sort());
  for (const run of runs) expect(await world.clock.runUntil(run.result())).toMatchObject({ status: 'completed' });
  // Whoever asks for the one hears the same, and it has lost nothing: the version that it was started with goes on with it.
  expect(await rejectionOf(world.clock.runUntil(second.orchestrator.run(runId)))).toMatchObject({ code: 'DIGEST_MISMATCH' });
  const before = world.boot({ owner: 'old', topologies: [ownTopology('side by side').topology] });
  const run = await world.recover(before);
  expect(run.runId).toBe(runId);
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
});

it('what could not be taken up is told to onFailure instead, where it is given', async () => {
  const { world, runId, others } = await deployed(ownTopology('side by side').topology);
  const second = world.boot({ topologies: [ownTopology('in a row').topology] });
  const failures: { readonly runId: string; readonly error: unknown }[] = [];
  const runs = await world.clock.runUntil(second.orchestrator.recover({ onFailure: (failure) => failures.push(failure) }));
  expect(runs.map((run) => run.runId).sort()).toEqual([...others].sort());
  expect(failures).toMatchObject([{ runId, error: { code: 'DIGEST_MISMATCH' } }]);
});

it('CC-43: a migration lets it go on, with the plan that was approved, not with the new one', async () => {
  const { world, proposed, runId } = await deployed(ownTopology('side by side').topology);
  const told: unknown[] = [];
  const changed = { topologies: [ownTopology('in a row').topology] };
  const refusing = world.boot({ ...changed, migrate: (mismatch) => (told.push(mismatch), false) });
  expect(await rejectionOf(world.clock.runUntil(refusing.orchestrator.recover()))).toMatchObject({ failures: [{ runId }] });
  expect(told[0]).toMatchObject({ runId, what: 'plan', storedDigest: proposed.digest });
  refusing.kill();
  const agreeing = world.boot({ ...changed, migrate: () => true });
  await world.clock.runUntil(agreeing.orchestrator.recover());
  const run = await agreeing.orchestrator.run(runId);
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(run.view().digest).toBe(proposed.digest);
  const starts = ['a', 'b', 'c'].map((stepId) => stepOf(run, stepId).startedAt);
  expect(starts).toEqual([starts[0], starts[0], starts[0]]);
});

it('a migration that fails takes no other run along', async () => {
  const { world, runId, others } = await deployed(ownTopology('side by side').topology);
  const fails = () => {
    throw new TypeError('mismatch.what is not a function');
  };
  const second = world.boot({ topologies: [ownTopology('in a row').topology], migrate: fails });
  const refused = await rejectionOf(world.clock.runUntil(second.orchestrator.recover()));
  expect(refused).toMatchObject({ failures: [{ runId, error: { name: 'TypeError' } }] });
  for (const other of others) expect((await world.end(await second.orchestrator.run(other))).status).toBe('completed');
});

it('a topology of the same version is not asked again; of another, it is, and the same plan will do', async () => {
  const { world, runId } = await deployed(ownTopology('side by side', '1.0.0').topology);
  const same = ownTopology('in a row', '1.0.0');
  const second = world.boot({ topologies: [same.topology] });
  await world.clock.runUntil(second.orchestrator.recover());
  expect(same.asked.times).toBe(0);
  second.kill();
  const other = ownTopology('in a row', '2.0.0');
  const third = world.boot({ topologies: [other.topology] });
  expect(await rejectionOf(world.clock.runUntil(third.orchestrator.recover()))).toMatchObject({ failures: [{ runId }] });
  expect(other.asked.times).toBeGreaterThan(0);
  third.kill();
  const newer = ownTopology('side by side', '1.1.0');
  const fourth = world.boot({ topologies: [newer.topology] });
  await world.clock.runUntil(fourth.orchestrator.recover());
  expect(newer.asked.times).toBeGreaterThan(0);
  expect((await world.end(await fourth.orchestrator.run(runId))).status).toBe('completed');
});

it('a topology that is no longer there, or refuses the proposal now, does not stand in the way of what it once arranged', async () => {
  const { world, runId } = await deployed(ownTopology('side by side').topology);
  const second = world.boot({ topologies: [] });
  await world.clock.runUntil(second.orchestrator.recover());
  expect((await world.end(await second.orchestrator.run(runId))).status).toBe('completed');
});

it('CC-25: a run that is over can be looked at by whatever version', async () => {
  const { world, runId } = await deployed(ownTopology('side by side').topology);
  const second = world.boot({ topologies: [ownTopology('side by side').topology] });
  await world.clock.runUntil(second.orchestrator.recover());
  const ended = await second.orchestrator.run(runId);
  await world.end(ended);
  const third = world.boot({ topologies: [ownTopology('in a row').topology] });
  const seen = await third.orchestrator.run(runId);
  expect(seen.view()).toEqual(ended.view());
  expect(await seen.result()).toEqual(await ended.result());
});

/** A store whose run was set up by another version of planwright, which made other machines of the same plan. */
const ofOtherMachines = (inner: RunStore): RunStore => ({
  ...inner,
  async load(runId) {
    const stored = await inner.load(runId);
    const asOther = (entry: (typeof journal)[number]) =>
      entry.type === 'run.provisioned' ? { ...entry, digest: 'other' } : entry;
    const journal = stored?.journal ?? [];
    return stored && { ...stored, journal: journal.map(asOther) };
  },
});

it('machines that come out otherwise are refused, and a migration of them is asked for once: it is on record', async () => {
  const world = createRestartWorld({ script: { default: { delayMs: 1_000 } } });
  const first = world.boot();
  const { runId } = await world.start(first, common);
  await world.clock.advanceAsync(500);
  first.kill();
  const wrapStore = ofOtherMachines;
  const refusing = world.boot({ wrapStore });
  expect(await rejectionOf(world.clock.runUntil(refusing.orchestrator.recover()))).toMatchObject({
    failures: [{ runId, error: { code: 'DIGEST_MISMATCH', what: 'machines', storedDigest: 'other' } }],
  });
  refusing.kill();
  let asked = 0;
  const migrating = world.boot({ wrapStore, migrate: ({ what }) => what === 'machines' && (asked += 1) > 0 });
  await world.recover(migrating);
  await world.clock.advanceAsync(100);
  migrating.kill();
  expect(asked).toBeGreaterThan(0);
  expect((await world.journal(runId)).filter(({ type }) => type === 'run.migrated')).toMatchObject([{ from: 'other' }]);
  // Whoever comes next goes on with what was agreed upon.
  const next = world.boot({ wrapStore });
  const run = await world.recover(next);
  expect((await world.end(run)).status).toBe('completed');
  expect((await world.journal(runId)).filter(({ type }) => type === 'run.migrated')).toHaveLength(1);
});

const roles = [
  { key: 'worker', kind: 'existing', agentId: 'worker' },
  { key: 'expert', kind: 'existing', agentId: 'expert' },
] as const;
const answer = async () => ({ output: null });

it('HB-62: a process without the agents of a run leaves it to one that has them', async () => {
  const input = tickets(['a', ticket('b', { dependsOn: ['a'], role: 'expert' })], { roles });
  const world = createRestartWorld({ script: { default: { delayMs: 1_000 } }, agents: () => ({ expert: answer }) });
  const first = world.boot();
  const { runId } = await world.start(first, input);
  const { runId: other } = await world.start(first, common);
  await world.clock.advanceAsync(500);
  first.kill();
  const without = world.boot({ owner: 'without', agents: () => ({}) });
  await world.clock.advanceAsync(30_000);
  const refused = await rejectionOf(world.clock.runUntil(without.orchestrator.recover()));
  expect(refused).toMatchObject({ failures: [{ runId, error: { code: 'AGENT_NOT_FOUND', agentId: 'expert', role: 'expert' } }] });
  expect((await world.end(await without.orchestrator.run(other))).status).toBe('completed');
  // It can be looked at there all the same, and whoever asks for more hears why not.
  const seen = await without.orchestrator.run(runId);
  expect(seen.view().status).toBe('executing');
  expect(await rejectionOf(world.clock.runUntil(seen.pause()))).toMatchObject({ code: 'AGENT_NOT_FOUND' });
  const run = await world.recover(world.boot({ owner: 'with' }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
});

it('an approved run that has not been set up waits for a process with its agents, too', async () => {
  const input = tickets(['a', ticket('b', { role: 'expert' })], { roles });
  const world = createRestartWorld({
    agents: () => ({ expert: answer }),
    workspace: { createTeam: () => new Promise(() => undefined) },
  });
  const first = world.boot();
  const { runId } = await world.propose(first, input).then(async (proposed) => {
    void first.orchestrator.approve(proposed.runId, approvalOf(proposed));
    await world.clock.advanceAsync(100);
    return proposed;
  });
  first.kill();
  const team: Workspace = { createTeam: async () => ({ teamId: 'team-1' }) };
  const without = world.boot({ agents: () => ({}), workspace: team });
  const refused = await rejectionOf(world.clock.runUntil(without.orchestrator.recover()));
  expect(refused).toMatchObject({ failures: [{ runId, error: { code: 'AGENT_NOT_FOUND', agentId: 'expert' } }] });
  without.kill();
  const run = await world.recover(world.boot({ workspace: team }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
});

it('who was hired and cannot be had again keeps a run from going on, not from being done later', async () => {
  const hire: Workspace = { hire: async ({ role }) => ({ agentId: `hired-${role}`, agent: answer }) };
  const hiring = tickets(['a', ticket('b', { dependsOn: ['a'], role: 'writer' })], {
    roles: [roles[0], { key: 'writer', kind: 'hire', hire: { name: 'Writer' } }],
  });
  const world = createRestartWorld({ script: { default: { delayMs: 1_000 } } });
  const first = world.boot({ workspace: hire });
  const { runId } = await world.start(first, hiring);
  await world.clock.advanceAsync(500);
  first.kill();
  const homeless = world.boot();
  const refused = await rejectionOf(world.clock.runUntil(homeless.orchestrator.recover()));
  expect(refused).toMatchObject({ failures: [{ runId, error: { code: 'AGENT_NOT_FOUND', agentId: 'hired-writer' } }] });
  homeless.kill();
  const run = await world.recover(world.boot({ workspace: hire }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
});
