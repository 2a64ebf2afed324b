import { type OrchestrationProposal, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { eventsOf, ticket, tickets } from '../running/support/world.js';
import { committed, createRestartWorld, hooking, type Moment, nthMoment, type RestartWorld } from './support/restart-world.js';

const roles = [
  { key: 'worker', kind: 'existing', agentId: 'worker' },
  { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
  { key: 'editor', kind: 'hire', hire: { name: 'Editor' } },
] as const;
const context = { parentTicket: 'T-1' };
const hired: OrchestrationProposal = tickets(
  [ticket('a', { role: 'writer' }), ticket('b', { role: 'editor', dependsOn: ['a'] })],
  { roles, context },
);

const house = (changes: Workspace = {}): Workspace => ({
  hire: async ({ role }) => ({ agentId: `hired-${role}`, agent: async () => ({ output: {} }) }),
  release: async () => undefined,
  deliver: async () => undefined,
  updateTicket: async () => undefined,
  ...changes,
});

const isEnd = (type: string | undefined) => type === 'run.completed' || type === 'run.failed' || type === 'run.cancelled';
/** What the parent ticket has heard of ends: the event's type, and its key. */
const endsTold = ({ hooks }: RestartWorld): string[] =>
  hooks.flatMap(({ hook, event, idempotencyKey }) =>
    hook === 'updateTicket' && event && isEnd(event.type) ? [`${event.type} ${idempotencyKey}`] : [],
  );
const released = ({ hooks }: RestartWorld): string[] =>
  hooks.flatMap(({ hook, idempotencyKey }) => (hook === 'release' ? [idempotencyKey] : []));

async function recordOf(world: RestartWorld, runId: string) {
  const entries = await world.journal(runId);
  const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
  return { landed: count('run.landed'), released: count('role.released'), delivered: count('run.delivered') };
}

const tellingEnd =
  (done: boolean) =>
  (moment: Moment): boolean =>
    moment.on === 'hook' && moment.hook === 'updateTicket' && moment.done === done && isEnd(moment.event?.type);

const stops: readonly (readonly [string, (moment: Moment) => boolean])[] = [
  ['when a hire is being released', hooking('release', false)],
  ['when a hire was released, before that was on record', hooking('release', true)],
  ['when one of two hires is on record as released', committed('role.released')],
  ['when the parent ticket is being told', tellingEnd(false)],
  ['when the parent ticket was told, before that was on record', tellingEnd(true)],
  ['before it is on record that everyone knows', committed('run.landed', undefined, false)],
  ['when it is on record that everyone knows', committed('run.landed')],
];
const endings = ['completed', 'failed', 'cancelled'] as const;
const cases = endings.flatMap((status) => stops.map(([when, dieAt]) => [status, when, dieAt] as const));

/** Brings a run to one of its ends in a process that dies on the way, and a further one that does too. */
async function lostOnLanding(status: (typeof endings)[number], dieAt: readonly ((moment: Moment) => boolean)[]) {
  const world = createRestartWorld({ workspace: house() });
  const script = status === 'failed' ? { steps: { synthesis: { fail: 'no' } } } : { steps: { synthesis: { delayMs: 1_000 } } };
  const [first, ...others] = dieAt.map((at) => () => world.boot({ dieAt: at, script }));
  const process = first!();
  const { runId, run } = await world.start(process, hired);
  if (status === 'cancelled') {
    await world.clock.advanceAsync(500);
    run!.cancel({ reason: 'enough' }).catch(() => undefined);
  }
  await world.death(process);
  for (const boot of others) {
    const next = boot();
    void next.orchestrator.recover();
    await world.death(next);
  }
  return { world, runId };
}

/** A last process, in which the run lands for good. */
async function expectLanded(world: RestartWorld, runId: string, status: (typeof endings)[number]): Promise<void> {
  const last = world.boot();
  await world.clock.runUntil(last.orchestrator.recover());
  const run = await last.orchestrator.run(runId);
  expect((await world.end(run)).status).toBe(status);
  expect(await recordOf(world, runId)).toEqual({ landed: 1, released: 2, delivered: status === 'completed' ? 1 : 0 });
  expect(new Set(released(world))).toEqual(new Set([`${runId}:release:editor`, `${runId}:release:writer`]));
  expect(new Set(endsTold(world))).toEqual(new Set([endsTold(world)[0]]));
  expect(endsTold(world)[0]).toMatch(new RegExp(`^run\\.${status} `));
  expect(run.view()).toMatchObject({ status, hires: [] });
  // And nobody hears of it again.
  const told = world.hooks.length;
  expect(await world.clock.runUntil(world.boot().orchestrator.recover())).toEqual([]);
  await world.clock.advanceAsync(3_600_000);
  expect(world.hooks).toHaveLength(told);
}

it.each(cases)(
  'CC-46, CC-27: a %s run, killed %s: all hear of it under one key, and it is on record once',
  async (status, _when, dieAt) => {
    const { world, runId } = await lostOnLanding(status, [dieAt]);
    await expectLanded(world, runId, status);
  },
);

it('CC-46: it lands once, also when the second process dies of it too, at any of its moments', async () => {
  for (let nth = 1; nth <= 12; nth += 1) {
    const { world, runId } = await lostOnLanding('completed', [hooking('release', true), nthMoment(nth)]);
    await expectLanded(world, runId, 'completed');
  }
});

it('CC-46: a run lands that nobody waits for', async () => {
  const world = createRestartWorld({ workspace: house(), script: { default: { delayMs: 60_000 } } });
  const { runId } = await world.start(world.boot(), hired);
  await world.clock.advanceAsync(3_600_000);
  expect(await recordOf(world, runId)).toEqual({ landed: 1, released: 2, delivered: 1 });
  expect(endsTold(world)).toHaveLength(1);
});

it('CC-46: a house that will not hear of the end does not keep the run from ending, and is told by the next process', async () => {
  const deaf = house({ updateTicket: async ({ event }) => (isEnd(event.type) ? Promise.reject(new Error('busy')) : undefined) });
  const world = createRestartWorld();
  const first = world.boot({ workspace: deaf });
  const { runId, run } = await world.start(first, hired);
  expect((await world.end(run)).status).toBe('completed');
  expect(endsTold(world)).toHaveLength(3);
  expect(await recordOf(world, runId)).toMatchObject({ landed: 0, released: 2 });
  await world.clock.runUntil(first.orchestrator.close());
  const second = world.boot({ workspace: house() });
  await world.recover(second);
  await world.clock.advanceAsync(1_000);
  expect(endsTold(world)).toHaveLength(4);
  expect(await recordOf(world, runId)).toMatchObject({ landed: 1 });
  expect(new Set(endsTold(world)).size).toBe(1);
});

it('CC-46: hooks that never answer hold the result up for a bounded time only, and are called again after a restart', async () => {
  const hangs = house({ updateTicket: () => new Promise(() => undefined), release: () => new Promise(() => undefined) });
  const world = createRestartWorld({ graceMs: 1_000 });
  const first = world.boot({ workspace: hangs });
  const { runId, run } = await world.start(first, hired);
  expect((await world.clock.runUntil(run!.result(), { limitMs: 60_000 })).status).toBe('completed');
  first.kill();
  const second = world.boot({ workspace: house() });
  await world.clock.runUntil(second.orchestrator.recover());
  await world.clock.advanceAsync(1_000);
  expect(await recordOf(world, runId)).toMatchObject({ landed: 1, released: 2 });
});

it('CC-47: what the ticket hears of the end is the event that everyone else sees', async () => {
  const { world, runId } = await lostOnLanding('failed', [tellingEnd(true)]);
  const last = world.boot();
  await world.clock.runUntil(last.orchestrator.recover());
  const run = await last.orchestrator.run(runId);
  await world.end(run);
  const told = world.hooks.filter(({ hook, event }) => hook === 'updateTicket' && isEnd(event?.type)).map(({ event }) => event);
  const event = (await eventsOf(run)).find(({ type }) => isEnd(type));
  expect(event).toMatchObject({ type: 'run.failed', reason: 'synthesis_failed' });
  expect(told).toEqual(Array.from(told, () => event));
  expect(told).toHaveLength(2);
});

it('a proposal that was withdrawn by another process tells its ticket so, also after a crash', async () => {
  const world = createRestartWorld({ workspace: house() });
  const first = world.boot();
  const { runId } = await world.propose(first, hired);
  first.kill();
  const second = world.boot({ dieAt: committed('run.withdrawn') });
  void second.orchestrator.run(runId).then((run) => run.cancel());
  await world.death(second);
  await world.clock.runUntil(world.boot().orchestrator.recover());
  await world.clock.advanceAsync(1_000);
  expect(endsTold(world).map((line) => line.split(' ')[0])).toEqual(['run.cancelled']);
  expect(await recordOf(world, runId)).toMatchObject({ landed: 1 });
});
