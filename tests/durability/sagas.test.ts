import {
  type Agent,
  type AgentContext,
  type AgentRequest,
  type CompensationPolicy,
  type ProbeResult,
  type Run,
  type Workspace,
} from 'planwright';
import { expect, it } from 'vitest';

import { eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from '../running/support/world.js';
import {
  calling,
  createRestartWorld,
  eventsNow,
  type Life,
  type Moment,
  nthMoment,
  type RestartWorld,
  type RestartWorldOptions,
} from './support/restart-world.js';

const undone = (key: string, parts: Partial<Parameters<typeof ticket>[1]> = {}) =>
  ticket(key, { compensation: { role: 'worker', instructions: `Undo ${key}.` }, ...parts });

/** Book, pay, and then ship, which ends the run when it fails. Who reads along can be undone in any case. */
const trip = (parts: Partial<Parameters<typeof ticket>[1]> = {}) =>
  tickets([
    undone('book'),
    ticket('look', { dependsOn: ['book'] }),
    undone('pay', { dependsOn: ['look'], ...parts }),
    ticket('ship', { dependsOn: ['pay'], onFailure: 'fail-run' }),
  ]);

type Play = (request: AgentRequest, context: AgentContext, life: Life) => Promise<void> | void;

/** Every call is an effect, and what undoes one is another; `play` comes before it. */
const acting =
  (play: Play = () => undefined, probe?: (request: AgentRequest) => Promise<ProbeResult>) =>
  (life: Life): { readonly worker: Agent } => ({
    worker: {
      async run(request, context) {
        const { kind, stepId, idempotencyKey } = request;
        await play(request, context, life);
        life.effect(`${kind === 'compensation' ? 'undo ' : ''}${stepId} ${idempotencyKey}`);
        return { output: { of: stepId } };
      },
      ...(probe && { probe }),
    },
  });
const isUndoing = ({ kind }: AgentRequest): boolean => kind === 'compensation';

const shipFails = ({ stepId }: Pick<AgentRequest, 'stepId'>): void => {
  if (stepId === 'ship') throw new Error('The ship has sunk.');
};

/** What was done to the world, each key once: what is repeated under its key is no second effect. */
const done = ({ effects }: Pick<RestartWorld, 'effects'>): string[] =>
  [...new Set(effects)].map((effect) => effect.replace(/ \S+$/, ''));
const statusesOf = (run: Run) => Object.fromEntries(run.view().steps.map(({ id, status }) => [id, status]));

it('HB-35: when a step fails, what came before is undone in reverse, once each', async () => {
  const world = createRestartWorld({ agents: acting(shipFails) });
  const { run } = await world.start(world.boot(), trip());
  const result = await world.end(run);
  expect(result).toMatchObject({ status: 'failed', reason: 'step_failed', error: { stepId: 'ship' } });
  expect(world.effects.map((effect) => effect.replace(/ \S+$/, ''))).toEqual(['book', 'look', 'pay', 'undo pay', 'undo book']);
  expect(statusesOf(run!)).toEqual({
    book: 'compensated',
    look: 'succeeded',
    pay: 'compensated',
    ship: 'failed',
    synthesis: 'cancelled',
  });
  const [undoPay] = world.calls.flatMap(({ request }) => (isUndoing(request) ? [request] : []));
  expect(undoPay).toMatchObject({ stepId: 'pay', role: 'worker', attempt: 1, input: { pay: { of: 'pay' } } });
  expect(undoPay?.instructions).toContain('Undo pay.');
  expect(new Set(world.calls.map(({ request }) => request.idempotencyKey)).size).toBe(world.calls.length);
  const types = typesOf(await eventsOf(run!));
  expect(types.filter((type) => type === 'step.compensated')).toHaveLength(2);
  expect(types.indexOf('step.compensated')).toBeLessThan(types.indexOf('run.failed'));
});

it('HB-35: a saga survives the loss of its process at every moment; what was being undone is undone under the same key', async () => {
  let sawEnd = false;
  for (let nth = 1; !sawEnd; nth += 1) {
    const world = createRestartWorld({ agents: acting(shipFails) });
    const first = world.boot({ dieAt: nthMoment(nth) });
    const proposing = first.orchestrator.propose(trip());
    const proposed = await world.clock.runUntil(Promise.race([proposing, first.died]));
    if (!proposed) continue;
    const { runId, revision, digest } = proposed;
    const approval = { revision, digest, approvedBy: { kind: 'user', id: 'ada' } };
    const before = await world.clock.runUntil(Promise.race([first.orchestrator.approve(runId, approval), first.died]));
    sawEnd = before !== undefined && (await world.clock.runUntil(Promise.race([before.result(), first.died]))) !== undefined;
    const run = sawEnd ? before! : await world.clock.runUntil(world.boot().orchestrator.approve(runId, approval));
    expect(await world.end(run)).toMatchObject({ status: 'failed', reason: 'step_failed' });
    expect([nth, done(world)]).toEqual([nth, ['book', 'look', 'pay', 'undo pay', 'undo book']]);
    expect(statusesOf(run)).toMatchObject({ book: 'compensated', pay: 'compensated', ship: 'failed' });
    const durable = (await world.journal(runId)).filter(({ type }) => type === 'step.succeeded');
    expect(durable).toHaveLength(5);
  }
});

it('HB-35: a saga that two processes die of goes on in the third', async () => {
  const world = createRestartWorld({ agents: acting(shipFails) });
  const first = world.boot({ dieAt: (moment) => moment.on === 'call' && moment.done && isUndoing(moment.request) });
  const { runId } = await world.start(first, trip());
  await world.death(first);
  const dieAt = (moment: Moment) => moment.on === 'call' && moment.request.stepId === 'book' && isUndoing(moment.request);
  const second = world.boot({ dieAt });
  void second.orchestrator.recover();
  await world.death(second);
  const run = await world.recover(world.boot());
  expect((await world.end(run)).status).toBe('failed');
  expect(done(world)).toEqual(['book', 'look', 'pay', 'undo pay', 'undo book']);
  expect((await world.boot().orchestrator.run(runId)).view()).toEqual(run.view());
});

const cancelling = { reason: 'changed my mind' };

/** A run with two steps done, cancelled while the third hangs. */
async function cancelled(options: RestartWorldOptions & { readonly compensateThis?: boolean } = {}) {
  const { compensateThis, ...rest } = options;
  const hangs: Play = ({ stepId }, { signal }) =>
    stepId === 'ship'
      ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      : undefined;
  const world = createRestartWorld({ agents: acting(hangs), ...rest });
  const { run } = await world.start(world.boot(), trip());
  await world.clock.advanceAsync(1_000);
  const options_ = { ...cancelling, ...(compensateThis !== undefined && { compensate: compensateThis }) };
  const result = await world.clock.runUntil(run!.cancel(options_));
  return { world, run: run!, result };
}

it('HB-35: a run that is cancelled undoes what it did, in reverse', async () => {
  const { world, run, result } = await cancelled();
  expect(result).toMatchObject({ status: 'cancelled', reason: 'changed my mind' });
  expect(done(world)).toEqual(['book', 'look', 'pay', 'undo pay', 'undo book']);
  expect(statusesOf(run)).toEqual({
    book: 'compensated',
    look: 'succeeded',
    pay: 'compensated',
    ship: 'cancelled',
    synthesis: 'cancelled',
  });
});

const policies: readonly (readonly [CompensationPolicy, { readonly failed: boolean; readonly cancelled: boolean }])[] = [
  ['always', { failed: true, cancelled: true }],
  ['on-failure', { failed: true, cancelled: false }],
  ['on-cancel', { failed: false, cancelled: true }],
  ['never', { failed: false, cancelled: false }],
];
const undoings = ['undo pay', 'undo book'];

it.each(policies)(
  'HB-35: the policy %s says when a run is undone, also in a process with another one',
  async (compensate, expected) => {
    const forCancel = await cancelled({ compensate });
    expect(done(forCancel.world).slice(3)).toEqual(expected.cancelled ? undoings : []);

    const world = createRestartWorld({ agents: acting(shipFails), compensate });
    const first = world.boot({ dieAt: calling('ship') });
    await world.start(first, trip());
    await world.death(first);
    const other = compensate === 'never' ? 'always' : 'never';
    const run = await world.recover(world.boot({ compensate: other }));
    expect((await world.end(run)).status).toBe('failed');
    expect(done(world).slice(3)).toEqual(expected.failed ? undoings : []);
  },
);

it('HB-35: who cancels can say otherwise', async () => {
  expect(done((await cancelled({ compensateThis: false })).world).slice(3)).toEqual([]);
  expect(done((await cancelled({ compensate: 'never', compensateThis: true })).world).slice(3)).toEqual(undoings);
});

it('HB-35: who has cancelled without undoing holds to that over a restart', async () => {
  const stubborn: Play = ({ stepId }, _context, { sleep }) => (stepId === 'ship' ? sleep(5_000) : undefined);
  const world = createRestartWorld({ agents: acting(stubborn) });
  const first = world.boot();
  const { run } = await world.start(first, trip());
  await world.clock.advanceAsync(1_000);
  run!.cancel({ compensate: false }).catch(() => undefined);
  await world.clock.advanceAsync(1_000);
  first.kill();
  expect((await world.end(await world.recover(world.boot()))).status).toBe('cancelled');
  expect(done(world)).toEqual(['book', 'look', 'pay']);
});

const stuck: Play = (request) => {
  shipFails(request);
  if (isUndoing(request) && request.stepId === 'pay') throw new Error('The bank is closed.');
};

it.each(['failed', 'cancelled'] as const)(
  'HB-35: of a %s run, what cannot be undone is said, and the rest is undone',
  async (status) => {
    const world = createRestartWorld({
      agents: acting((request, context, life) => {
        if (status === 'failed' || request.stepId !== 'ship') return stuck(request, context, life);
        return life.sleep(2_000);
      }),
    });
    const { run } = await world.start(world.boot(), trip());
    await world.clock.advanceAsync(1_000);
    const result = await world.clock.runUntil(status === 'failed' ? run!.result() : run!.cancel(cancelling));
    expect(result).toMatchObject({ status, error: { compensationsFailed: ['pay'] } });
    const efforts = world.calls.filter(({ request }) => isUndoing(request) && request.stepId === 'pay');
    expect(efforts.map(({ request }) => request.attempt)).toEqual([1, 2, 3]);
    expect(statusesOf(run!)).toMatchObject({ pay: 'failed', book: 'compensated' });
    expect(stepOf(run!, 'pay').error).toMatchObject({
      code: 'COMPENSATION_FAILED',
      message: expect.stringContaining('The bank is closed.') as string,
      cause: { message: 'The bank is closed.' },
    });
    const events = (await eventsOf(run!)).filter(({ type }) => type === 'step.compensation-failed');
    expect(events.map((event) => 'retryAt' in event)).toEqual([true, true, false]);
    // It is there for whoever opens the run later.
    const later = await world.boot().orchestrator.run(run!.runId);
    expect(later.view()).toEqual(run!.view());
    expect(await world.end(later)).toEqual(result);
  },
);

it('HB-35: efforts to undo are counted over restarts, and the pause between them is kept', async () => {
  const world = createRestartWorld({ agents: acting(stuck) });
  const efforts = () => world.calls.filter(({ request }) => isUndoing(request) && request.stepId === 'pay');
  const first = world.boot();
  const { runId } = await world.start(first, trip());
  for (let process = first, turn = 1; turn <= 3; turn += 1) {
    expect(efforts()).toHaveLength(turn);
    process.kill();
    process = world.boot();
    await world.clock.runUntil(process.orchestrator.recover());
    expect(efforts()).toHaveLength(turn);
    await world.clock.advanceAsync(turn < 3 ? 1_000 * turn : 0);
    if (turn === 3) {
      expect((await world.end(await process.orchestrator.run(runId))).error).toMatchObject({ compensationsFailed: ['pay'] });
    }
  }
  expect(efforts().map(({ request }) => request.attempt)).toEqual([1, 2, 3]);
  expect(done(world)).toEqual(['book', 'look', 'pay', 'undo book']);
});

it('HB-35: an effort to undo that never ends is given up when its time is over, and made again', async () => {
  const world = createRestartWorld({
    agents: acting((request) => {
      shipFails(request);
      return isUndoing(request) && request.stepId === 'pay' && request.attempt < 3 ? new Promise(() => undefined) : undefined;
    }),
  });
  const { run } = await world.start(world.boot(), trip({ timeoutMs: 60_000 }));
  expect((await world.clock.runUntil(run!.result(), { limitMs: 600_000 })).status).toBe('failed');
  expect(done(world).slice(3)).toEqual(undoings);
});

it('context.once of a step and of what undoes it are kept apart, and both hold over a restart', async () => {
  const ran: string[] = [];
  const world = createRestartWorld({
    agents: acting(async (request, context, life) => {
      if (request.stepId === 'pay') await context.once('call', () => ran.push(request.kind));
      if (isUndoing(request)) await life.sleep(1_000);
      shipFails(request);
    }),
  });
  const first = world.boot();
  await world.start(first, trip());
  await world.clock.advanceAsync(500);
  first.kill();
  await world.end(await world.recover(world.boot()));
  expect(ran).toEqual(['ticket', 'compensation']);
  expect(done(world).slice(3)).toEqual(undoings);
});

/** `pay` is under way, takes no notice of its signal and has its effect after `payMs`; then the run is cancelled. */
async function cancelledWhilePaying(payMs: number, { probe, ...options }: PayingOptions = {}) {
  const paying: Play = (request, _context, { sleep }) =>
    request.stepId === 'pay' && !isUndoing(request) ? sleep(payMs) : undefined;
  const world = createRestartWorld({ graceMs: 10_000, agents: acting(paying, probe), ...options });
  const process = world.boot();
  const { run, runId } = await world.start(process, trip({ effect: 'once' }));
  await world.clock.advanceAsync(1_000);
  const cancelling = run!.cancel({ reason: 'enough' });
  return { world, process, runId, run: run!, result: world.clock.runUntil(cancelling, { limitMs: 60_000 }) };
}
interface PayingOptions extends RestartWorldOptions {
  readonly probe?: (request: AgentRequest) => Promise<ProbeResult>;
}
const bothUndone = ['book', 'look', 'pay', 'undo pay', 'undo book'];

it('HB-35: an effect that comes within the grace time of a cancelled run is undone with the rest', async () => {
  const { world, run, result } = await cancelledWhilePaying(5_000);
  expect((await result).status).toBe('cancelled');
  expect(done(world)).toEqual(bothUndone);
  expect(statusesOf(run)).toMatchObject({ pay: 'compensated', book: 'compensated' });
});

it('HB-35: an effect that comes after the end of its run is undone then; nobody waited for it', async () => {
  const { world, run, result } = await cancelledWhilePaying(30_000);
  expect((await result).status).toBe('cancelled');
  expect(world.clock.now()).toBeLessThan(15_000);
  expect(statusesOf(run)).toMatchObject({ pay: 'in-doubt' });
  await world.clock.advanceAsync(60_000);
  expect(statusesOf(run)).toMatchObject({ pay: 'compensated', book: 'compensated' });
  expect(done(world).sort()).toEqual([...bothUndone].sort());
  // Its end is what it was.
  expect(run.view().status).toBe('cancelled');
  expect(typesOf(await eventsNow(run)).filter((type) => type === 'run.cancelled')).toHaveLength(1);
});

it.each([
  ['happened', true],
  ['not happened', false],
])('HB-35: of an effect that was cut off, the agent is asked; where it has %s, that decides', async (_what, happened) => {
  const asked: number[] = [];
  const { world, run, result } = await cancelledWhilePaying(3_600_000, {
    probe: async () => {
      asked.push(world.clock.now());
      return happened ? { happened, output: { of: 'pay' } } : { happened };
    },
  });
  expect((await result).status).toBe('cancelled');
  await world.clock.advanceAsync(60_000);
  expect(asked.length).toBeGreaterThan(0);
  // What else there is to undo does not wait for the answer.
  expect(done(world).sort()).toEqual(happened ? ['book', 'look', 'undo book', 'undo pay'] : ['book', 'look', 'undo book']);
  if (happened) expect(statusesOf(run)).toMatchObject({ pay: 'compensated' });
});

it.each([
  [true, 'compensated', ['book', 'look', 'undo book', 'undo pay']],
  [false, 'failed', ['book', 'look', 'undo book']],
] as const)(
  'HB-35: a person decides on an effect in doubt after the end of its run: it happened: %s',
  async (approve, status, expected) => {
    for (const isRestarted of [false, true]) {
      const { world, process, run, runId, result } = await cancelledWhilePaying(3_600_000_000);
      expect((await result).status).toBe('cancelled');
      await world.clock.advanceAsync(86_400_000);
      expect(statusesOf(run)).toMatchObject({ pay: 'in-doubt' });
      if (isRestarted) process.kill();
      const now = isRestarted ? await world.boot().orchestrator.run(runId) : run;
      await world.clock.runUntil(now.decide('pay', { approve, by: 'ada' }));
      await world.clock.advanceAsync(60_000);
      expect(statusesOf(now)).toMatchObject({ pay: status });
      expect(done(world).sort()).toEqual([...expected].sort());
      expect(await rejectionOf(world.clock.runUntil(now.decide('pay', { approve, by: 'ada' })))).toMatchObject({
        code: 'ILLEGAL_INPUT',
      });
      // Nothing is left for anyone.
      expect((await world.store.list({ open: true })).runs).toEqual([]);
      expect(await world.clock.runUntil(world.boot().orchestrator.recover())).toEqual([]);
    }
  },
);

it('HB-35: what is left to undo after the end of a run is taken up by the next process, at every moment of it', async () => {
  const probe = async (): Promise<ProbeResult> => ({ happened: true, output: { of: 'pay' } });
  for (let nth = 1; nth <= 16; nth += 1) {
    const { world, process, result, runId } = await cancelledWhilePaying(3_600_000);
    expect((await result).status).toBe('cancelled');
    process.kill();
    expect((await world.store.list({ open: true })).runs).toMatchObject([{ runId, status: 'cancelled' }]);
    const agents = acting(() => undefined, probe);
    const second = world.boot({ agents, dieAt: nthMoment(nth) });
    void second.orchestrator.recover().catch(() => undefined);
    await world.clock.advanceAsync(60_000);
    second.kill();
    const third = world.boot({ agents });
    await world.clock.runUntil(third.orchestrator.recover());
    const run = await third.orchestrator.run(runId);
    expect((await world.clock.runUntil(run.result(), { limitMs: 60_000 })).status).toBe('cancelled');
    await world.clock.advanceAsync(60_000);
    expect([nth, done(world).sort()]).toEqual([nth, ['book', 'look', 'undo book', 'undo pay'].sort()]);
    expect(statusesOf(run)).toMatchObject({ pay: 'compensated', book: 'compensated' });
    expect((await world.store.list({ open: true })).runs).toEqual([]);
  }
});

it('CC-27: who is hired to undo is let go when all is undone, not before', async () => {
  const house = (life: { effect?: (key: string) => void } = {}): Workspace => ({
    hire: async ({ role }) => ({
      agentId: role,
      agent: async (request) => {
        life.effect?.(`${isUndoing(request) ? 'undo ' : ''}${request.stepId} ${request.idempotencyKey}`);
        return { output: null };
      },
    }),
    release: async () => undefined,
  });
  const world = createRestartWorld({ agents: acting((_request, _context, { sleep }) => sleep(1_000)), graceMs: 100 });
  const roles = [
    { key: 'worker', kind: 'existing', agentId: 'worker' },
    { key: 'clerk', kind: 'hire', hire: { name: 'Clerk' } },
  ] as const;
  const compensation = { role: 'clerk', instructions: 'Undo it.' };
  const input = tickets([ticket('pay', { effect: 'once', compensation })], { roles });
  const undoneBy: string[] = [];
  const workspace = house({ effect: (key) => undoneBy.push(key) });
  const first = world.boot({ workspace });
  const { run, runId } = await world.start(first, input);
  await world.clock.advanceAsync(500);
  expect((await world.clock.runUntil(run!.cancel(), { limitMs: 60_000 })).status).toBe('cancelled');
  expect(statusesOf(run!)).toMatchObject({ pay: 'in-doubt' });
  expect(world.hooks.filter(({ hook }) => hook === 'release')).toEqual([]);
  first.kill();
  const second = world.boot({ workspace });
  const again = await second.orchestrator.run(runId);
  await world.clock.runUntil(again.decide('pay', { approve: true, by: 'ada' }));
  await world.clock.advanceAsync(60_000);
  expect(statusesOf(again)).toMatchObject({ pay: 'compensated' });
  expect(undoneBy.map((effect) => effect.replace(/ \S+$/, ''))).toEqual(['undo pay']);
  const released = world.hooks.filter(({ hook }) => hook === 'release');
  expect(new Set(released.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set([`${runId}:release:clerk`]));
  expect(again.view().hires).toEqual([]);
  expect((await world.store.list({ open: true })).runs).toEqual([]);
});
