import { type Approval, type Proposed, type Run, type RunEvent, type RunStore, type Workspace } from 'planwright';
import { expect, it } from 'vitest';

import { ada, eventsOf, rejectionOf, ticket, tickets, typesOf } from '../running/support/world.js';
import { createRestartWorld, eventsNow, type RestartWorldOptions } from './support/restart-world.js';

const chain = tickets(['a', ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] })]);
const slow = { default: { delayMs: 1_000 } };

const approvalOf = ({ revision, digest }: Proposed): Approval => ({ revision, digest, approvedBy: ada });

/** A run that `one` drives, and a process `two` beside it. */
async function besides(options: RestartWorldOptions = {}) {
  const world = createRestartWorld({ script: slow, ...options });
  const one = world.boot({ owner: 'one' });
  const two = world.boot({ owner: 'two' });
  const proposed = await world.propose(one, chain);
  const { runId } = proposed;
  const start = (): Promise<Run> => world.clock.runUntil(one.orchestrator.approve(runId, approvalOf(proposed)));
  return { world, one, two, runId, proposed, start };
}

async function collect(run: Run, into: RunEvent[]): Promise<void> {
  for await (const event of run.events()) into.push(event);
}

it('FO-08: a process that does not drive a run sees all of it: its events in order, its view, its result', async () => {
  const { world, two, runId, start } = await besides();
  const driven = await start();
  const followed = await two.orchestrator.run(runId);
  const seen: RunEvent[] = [];
  const reading = collect(followed, seen);
  await world.clock.advanceAsync(1_600);
  expect(followed.view()).toEqual(driven.view());
  expect(followed.view().steps.map(({ status }) => status)).toEqual(['succeeded', 'running', 'blocked', 'blocked']);
  const results = await world.clock.runUntil(Promise.all([driven.result(), followed.result()]));
  expect(results[1]).toEqual(results[0]);
  await world.clock.runUntil(reading);
  expect(seen).toEqual(await eventsOf(driven));
  expect(followed.view()).toEqual(driven.view());
  // Nothing is left to look for.
  await world.clock.advanceAsync(1_000);
  expect(world.clock.pendingTimers).toBe(0);
});

it('CC-25: a view is kept up to date as long as somebody looks at it, and asks nothing of the store after that', async () => {
  const { world, runId, start } = await besides({ script: { default: { delayMs: 60_000 } } });
  const driven = await start();
  let reads = 0;
  const counting = (inner: RunStore): RunStore => ({
    ...inner,
    journal: (...args) => {
      reads += 1;
      return inner.journal(...args);
    },
  });
  const followed = await world.boot({ owner: 'three', wrapStore: counting }).orchestrator.run(runId);
  for (let turn = 0; turn < 20; turn += 1) {
    followed.view();
    await world.clock.advanceAsync(5_100);
    expect(followed.view()).toEqual(driven.view());
  }
  await world.clock.advanceAsync(15_000);
  const before = reads;
  await world.clock.advanceAsync(15_000);
  expect(reads).toBe(before);
  // It shows what it knew, and is up to date a moment after it is looked at again.
  followed.view();
  await world.clock.advanceAsync(600);
  expect(followed.view()).toEqual(driven.view());
  await world.end(followed);
});

it('FO-08: a handle on a proposal goes on when another process approves it, also after a revision', async () => {
  const { world, one, two, runId } = await besides();
  const followed = await two.orchestrator.run(runId);
  const result = followed.result();
  const seen: RunEvent[] = [];
  const reading = collect(followed, seen);
  const revised = await one.orchestrator.revise(runId, tickets(['z']), { baseRevision: 1, author: ada });
  await world.clock.advanceAsync(10_000);
  expect(followed.view()).toMatchObject({ status: 'proposed', revision: 2, digest: revised.digest });
  const driven = await world.clock.runUntil(one.orchestrator.approve(runId, approvalOf(revised)));
  expect(await world.clock.runUntil(result)).toEqual(await driven.result());
  await world.clock.runUntil(reading);
  expect(seen).toEqual(await eventsOf(driven));
});

it('what is asked of a proposal that another process has approved meanwhile is refused as of a run that is driven there', async () => {
  const { world, two, runId, start } = await besides();
  const followed = await two.orchestrator.run(runId);
  const driven = await start();
  await world.clock.advanceAsync(100);
  const refused = await rejectionOf(world.clock.runUntil(followed.cancel()));
  expect(refused).toMatchObject({ code: 'RUN_ELSEWHERE', owner: expect.stringMatching(/^one@/) as string });
  expect((await world.end(driven)).status).toBe('completed');
  expect(await rejectionOf(world.clock.runUntil(followed.cancel()))).toMatchObject({ code: 'ILLEGAL_INPUT' });
});

it('to look at a run from many sides at once shows each event once', async () => {
  const { world, two, runId, start } = await besides();
  const driven = await start();
  const first = await two.orchestrator.run(runId);
  const seen: RunEvent[] = [];
  const reading = collect(first, seen);
  for (let turn = 0; turn < 8; turn += 1) {
    await world.clock.advanceAsync(500);
    const runs = await Promise.all(Array.from({ length: 5 }, () => two.orchestrator.run(runId)));
    const shown = await eventsNow(driven);
    for (const run of runs) {
      expect(run.view()).toEqual(driven.view());
      expect(await eventsNow(run)).toEqual(shown);
    }
  }
  await world.end(first);
  await world.clock.runUntil(reading);
  expect(seen).toEqual(await eventsOf(driven));
});

it('several first looks at once are looks at one run', async () => {
  const { world, two, runId, start } = await besides();
  const driven = await start();
  const runs = await Promise.all(Array.from({ length: 3 }, () => two.orchestrator.run(runId)));
  const results = await world.clock.runUntil(Promise.all(runs.map((run) => run.result())));
  expect(results).toEqual(Array.from(runs, () => results[0]));
  for (const run of runs) expect(run.view()).toEqual(driven.view());
});

it('CC-46: only the process that drives a run tells the house of it', async () => {
  const told: Workspace = { updateTicket: async () => undefined, postToChannel: () => undefined, deliver: async () => undefined };
  const world = createRestartWorld({ script: slow, workspace: told });
  const events: RunEvent[] = [];
  const one = world.boot({ owner: 'one' });
  const two = world.boot({ owner: 'two', telemetry: { event: (event) => void events.push(event) } });
  const proposed = await world.propose(one, { ...chain, context: { parentTicket: 'T-1', channel: 'c-1' } });
  await world.clock.runUntil(one.orchestrator.approve(proposed.runId, approvalOf(proposed)));
  await world.end(await two.orchestrator.run(proposed.runId));
  expect(world.hooks.filter(({ process }) => process === 2)).toEqual([]);
  expect(events).toEqual([]);
  expect(new Set(world.hooks.map(({ hook }) => hook)).size).toBe(3);
});

it('CC-27: what follows on the end of a run, as the release of its hires, is seen elsewhere too', async () => {
  const house: Workspace = {
    hire: async ({ role }) => ({ agentId: role, agent: async () => ({ output: {} }) }),
    release: () => world.clock.sleep(3_000),
  };
  const world = createRestartWorld({ workspace: house });
  const [one, two] = [world.boot({ owner: 'one' }), world.boot({ owner: 'two', workspace: {} })];
  const roles = [
    { key: 'worker', kind: 'existing', agentId: 'worker' },
    { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
  ] as const;
  const proposed = await world.propose(one, tickets([ticket('a', { role: 'writer' })], { roles }));
  const driven = await world.clock.runUntil(one.orchestrator.approve(proposed.runId, approvalOf(proposed)));
  const followed = await two.orchestrator.run(proposed.runId);
  const seen: RunEvent[] = [];
  const reading = collect(followed, seen);
  await world.end(followed);
  await world.end(driven);
  await world.clock.advanceAsync(2_000);
  await world.clock.runUntil(reading);
  const again = await two.orchestrator.run(proposed.runId);
  expect(typesOf(await eventsOf(again)).at(-1)).toBe('run.released');
  expect(again.view()).toEqual(driven.view());
  expect(seen).toEqual((await eventsOf(driven)).slice(0, seen.length));
});

it('HB-37: one handle lasts: it follows, is taken over with, and goes on', async () => {
  const { world, one, two, runId, start } = await besides({ leaseMs: 3_000, script: { default: { delayMs: 10_000 } } });
  await start();
  const followed = await two.orchestrator.run(runId);
  await world.clock.runUntil(two.orchestrator.recover());
  const seen: RunEvent[] = [];
  const reading = collect(followed, seen);
  const result = followed.result();
  await world.clock.advanceAsync(5_000);
  expect(await rejectionOf(world.clock.runUntil(followed.pause()))).toMatchObject({ code: 'RUN_ELSEWHERE' });
  one.kill();
  await world.clock.advanceAsync(4_000);
  await world.clock.runUntil(followed.pause());
  expect(followed.view().paused).toBe(true);
  await world.clock.runUntil(followed.resume());
  expect(await world.clock.runUntil(result)).toMatchObject({ status: 'completed' });
  await world.clock.runUntil(reading);
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
  expect(typesOf(seen).filter((type) => type === 'run.recovered')).toHaveLength(1);
});

/** Says so much that the journal is compacted again and again. */
const talkative = (lines: number) => ({
  worker: async ({ stepId }: { readonly stepId: string }, context: { progress(message: string): void }) => {
    for (let line = 0; line < lines; line += 1) context.progress(`${stepId} ${line}`);
    return { output: { of: stepId } };
  },
});

it.each([
  ['now and then', 400],
  ['all the time', 20],
])('a run whose journal is compacted %s is followed to its end all the same', async (_how, delayMs) => {
  const world = createRestartWorld({
    journalLimit: 1,
    agents: ({ sleep }) => {
      const { worker } = talkative(40);
      return { worker: async (request, context) => sleep(delayMs).then(() => worker(request, context)) };
    },
  });
  const [one, two] = [world.boot({ owner: 'one' }), world.boot({ owner: 'two' })];
  const keys = Array.from({ length: 20 }, (_, nth) => `t${nth}`);
  const input = tickets(keys.map((key, nth) => ticket(key, { dependsOn: nth === 0 ? [] : [`t${nth - 1}`] })));
  const proposed = await world.propose(one, input);
  const followed = await two.orchestrator.run(proposed.runId);
  const seen: RunEvent[] = [];
  const reading = collect(followed, seen);
  const result = followed.result();
  const driven = await world.clock.runUntil(one.orchestrator.approve(proposed.runId, approvalOf(proposed)));
  await world.clock.advanceAsync(1_000);
  expect(await world.clock.runUntil(result)).toEqual(await driven.result());
  await world.clock.runUntil(reading);
  expect(seen).toEqual(await eventsOf(driven));
  expect(followed.view()).toEqual(driven.view());
  expect((await world.journal(proposed.runId))[0]?.seq ?? 2).toBeGreaterThan(1);
});

it('a run that was looked at before its journal was compacted is taken over like any other', async () => {
  const world = createRestartWorld({ journalLimit: 1, leaseMs: 3_000, agents: () => talkative(40) });
  const [one, two] = [world.boot({ owner: 'one' }), world.boot({ owner: 'two' })];
  const input = tickets([
    'a',
    ticket('b', { dependsOn: ['a'] }),
    ticket('c', { dependsOn: ['b'], gate: { kind: 'before', prompt: '?' } }),
  ]);
  const proposed = await world.propose(one, input);
  const { runId } = proposed;
  const followed = await two.orchestrator.run(runId);
  await world.clock.runUntil(one.orchestrator.approve(runId, approvalOf(proposed)));
  await world.clock.advanceAsync(1_000);
  one.kill();
  await world.clock.advanceAsync(4_000);
  const [run] = await world.clock.runUntil(two.orchestrator.recover());
  expect(run?.runId).toBe(runId);
  await world.clock.runUntil(followed.decide('c', { approve: true, by: 'ada' }));
  expect(await world.end(followed)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.called()).toEqual(['a', 'b', 'c', 'synthesis']);
});

it('who cannot read the store any more is told so, and so is whoever waits when the orchestrator closes', async () => {
  const { world, runId, two, start } = await besides();
  await start();
  let isBroken = false;
  const breakable = (inner: RunStore): RunStore => ({
    ...inner,
    journal: (...args) => (isBroken ? Promise.reject(new Error('The disk is gone.')) : inner.journal(...args)),
  });
  const three = world.boot({ owner: 'three', wrapStore: breakable });
  const followed = await three.orchestrator.run(runId);
  const halted = rejectionOf(followed.result());
  isBroken = true;
  await world.clock.advanceAsync(1_000);
  expect(await halted).toMatchObject({ code: 'RUN_HALTED', cause: { message: 'The disk is gone.' } });

  const closed = rejectionOf((await two.orchestrator.run(runId)).result());
  await world.clock.runUntil(two.orchestrator.close());
  expect(await closed).toMatchObject({ code: 'RUN_HALTED', cause: { code: 'ORCHESTRATOR_CLOSED' } });
});
