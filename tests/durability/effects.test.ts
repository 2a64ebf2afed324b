import { type Agent, type AgentContext, type AgentRequest, type AgentResult, type Json, type ProbeResult } from 'planwright';
import { expect, it } from 'vitest';

import { eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from '../running/support/world.js';
import {
  calling,
  committed,
  createRestartWorld,
  type Life,
  type Moment,
  type RestartWorld,
  type RestartWorldOptions,
} from './support/restart-world.js';

type Work = (request: AgentRequest, context: AgentContext, life: Life) => Promise<AgentResult>;

/** `worker` does this at the step `pay`, and answers everything else at once. */
const payer =
  (pay: Work, probe?: Agent['probe']) =>
  (life: Life): { readonly worker: Agent } => ({
    worker: {
      run: async (request, context) =>
        request.stepId === 'pay' ? pay(request, context, life) : { output: { of: request.stepId, from: request.input } },
      ...(probe && { probe }),
    },
  });

/** Has its effect under the key it was given, after a second, and says so after another. */
const charge: Work = async ({ idempotencyKey }, _context, { sleep, effect }) => {
  await sleep(1_000);
  effect(idempotencyKey);
  await sleep(1_000);
  return { output: { charged: true } };
};

const paying = (effect: 'none' | 'idempotent' | 'once', parts: Partial<Parameters<typeof ticket>[1]> = {}) =>
  tickets(['a', ticket('pay', { dependsOn: ['a'], effect, ...parts }), ticket('ship', { dependsOn: ['pay'] }), 'other']);

/** A run whose process dies; further processes are the test's. */
async function lost(
  input: unknown,
  { dieAt, ...options }: RestartWorldOptions & { readonly dieAt: number | ((moment: Moment) => boolean) },
) {
  const world = createRestartWorld(options);
  const first = world.boot(typeof dieAt === 'function' ? { dieAt } : {});
  const { runId } = await world.start(first, input);
  if (typeof dieAt === 'function') await world.death(first);
  else await world.clock.advanceAsync(dieAt);
  first.kill();
  return { world, runId };
}

const keysOf = (world: RestartWorld, stepId = 'pay'): string[] =>
  world.calls.flatMap(({ on, request }) => (on === 'call' && request.stepId === stepId ? [request.idempotencyKey] : []));

it.each(['none', 'idempotent'] as const)(
  'HB-33: an effect that is %s and was under way is run again, under its key',
  async (effect) => {
    for (const dieAt of [500, 1_500, calling('pay', { done: true }), committed('step.succeeded', 'pay', false)]) {
      const { world } = await lost(paying(effect), { dieAt, agents: payer(charge) });
      const run = await world.recover(world.boot());
      expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
      const keys = keysOf(world);
      expect(keys).toEqual([keys[0], keys[0]]);
      // Whoever keeps to the key has done it once.
      expect(new Set(world.effects)).toEqual(new Set([keys[0]]));
    }
  },
);

it('HB-33: a key stays the same over any number of restarts, and is another for another attempt, step or run', async () => {
  let tries = 0;
  const flaky: Work = async ({ attempt }, _context, { sleep }) => {
    await sleep(1_000);
    if (attempt === 1 && (tries += 1) > 2) throw new Error('declined');
    await sleep(1_000);
    return { output: null };
  };
  const input = paying('idempotent', { retry: { attempts: 2, backoffMs: 5_000 } });
  const { world, runId } = await lost(input, { dieAt: 1_500, agents: payer(flaky) });
  for (const livesMs of [1_500, 1_500, 3_000, 2_500, 1_500]) {
    const process = world.boot();
    await world.clock.runUntil(process.orchestrator.recover());
    await world.clock.advanceAsync(livesMs);
    process.kill();
  }
  const run = await world.recover(world.boot());
  expect((await world.end(run)).status).toBe('completed');
  const attempts = world.calls.filter(({ request }) => request.stepId === 'pay');
  const keysBy = (attempt: number) =>
    new Set(attempts.flatMap(({ request }) => (request.attempt === attempt ? [request.idempotencyKey] : [])));
  expect(attempts.length).toBeGreaterThan(4);
  expect([keysBy(1).size, keysBy(2).size]).toEqual([1, 1]);
  expect(keysBy(1)).not.toEqual(keysBy(2));
  const all = new Set(world.calls.map(({ request }) => request.idempotencyKey));
  expect(all.size).toBe(6);
  expect([...all].every((key) => key.startsWith(`${runId}:`))).toBe(true);
});

it('HB-46, CX-17: what may happen only once and was under way is not run again: it waits, in doubt, and the rest goes on', async () => {
  for (const dieAt of [committed('step.started', 'pay'), 500, 1_500, calling('pay', { done: true })]) {
    const { world } = await lost(paying('once'), { dieAt, agents: payer(charge) });
    const done = keysOf(world).length;
    const run = await world.recover(world.boot());
    await world.clock.advanceAsync(86_400_000);
    expect(keysOf(world)).toHaveLength(done);
    expect(run.view().status).toBe('executing');
    expect(stepOf(run, 'pay')).toMatchObject({
      status: 'in-doubt',
      error: { code: 'EFFECT_IN_DOUBT', stepId: 'pay', attempt: 1 },
    });
    expect(stepOf(run, 'ship').status).toBe('blocked');
    expect(stepOf(run, 'other').status).toBe('succeeded');
  }
});

it('HB-34: before a once effect begins, that it will is on record; where it is not, it has not begun', async () => {
  const { world } = await lost(paying('once'), { dieAt: committed('step.started', 'pay', false), agents: payer(charge) });
  expect(keysOf(world)).toEqual([]);
  const run = await world.recover(world.boot());
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(keysOf(world)).toHaveLength(1);
  expect(world.effects).toEqual(keysOf(world));
});

/** Killed with the payment under way, and taken up by agents that can be asked what has become of it. */
async function probed(probe: Agent['probe'], { input = paying('once'), dieAt = 1_500, ...options }: ProbedOptions = {}) {
  const { world, runId } = await lost(input, { dieAt, agents: payer(charge) });
  const process = world.boot({ agents: payer(charge, probe), graceMs: 5_000, ...options });
  return { world, runId, process, run: await world.recover(process) };
}
interface ProbedOptions extends RestartWorldOptions {
  readonly input?: unknown;
  readonly dieAt?: number;
}

it('HB-34: an agent that can tell is asked, with the request that the attempt had; what has happened is not done again', async () => {
  const { world, run } = await probed(async () => ({
    happened: true,
    output: { found: 'in the ledger' },
    usage: { costUsd: 0.25 },
  }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [], usage: { costUsd: 0.25 } });
  expect(world.effects).toEqual(keysOf(world));
  const [call, probe] = world.calls.filter(({ request }) => request.stepId === 'pay');
  expect([call?.on, probe?.on]).toEqual(['call', 'probe']);
  const { allowance: _given, ...asked } = call!.request;
  expect(probe?.request).toMatchObject(asked);
  expect(world.calls.find(({ request }) => request.stepId === 'ship')?.request.input).toEqual({
    pay: { found: 'in the ledger' },
  });
  expect(stepOf(run, 'pay')).toMatchObject({ status: 'succeeded', attempts: 1, output: { found: 'in the ledger' } });
});

it('HB-34: what has not happened is started again, as the same attempt under the same key', async () => {
  const { world, run } = await probed(async () => ({ happened: false }), { dieAt: 500 });
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  const [first, again] = keysOf(world);
  expect(again).toBe(first);
  expect(world.effects).toEqual([first]);
  expect(stepOf(run, 'pay')).toMatchObject({ status: 'succeeded', attempts: 1 });
});

const nonsense = [undefined, null, 'yes', 42, {}, { happened: 'maybe' }, { happened: 1 }, { happened: true }, [true]];
const unknowing: readonly (readonly [string, NonNullable<Agent['probe']>])[] = [
  ['says that it does not know', async () => ({ happened: 'unknown' })],
  ['fails', async () => Promise.reject(new Error('The bank does not answer.'))],
  [
    'throws at once',
    () => {
      throw new Error('No such table.');
    },
  ],
  ['never answers', () => new Promise(() => undefined)],
  ['gives an output that is not JSON', async () => ({ happened: true, output: 42n }) as unknown as ProbeResult],
  ...nonsense.map((answer) => [`answers ${JSON.stringify(answer)}`, async () => answer as unknown as ProbeResult] as const),
];

it.each(unknowing)('HB-46: the step stays in doubt where the probe %s', async (_what, probe) => {
  const { world, run } = await probed(probe);
  await world.clock.advanceAsync(3_600_000);
  expect(stepOf(run, 'pay').status).toBe('in-doubt');
  expect(keysOf(world)).toHaveLength(1);
  await world.clock.runUntil(run.decide('pay', { approve: true, by: 'ada' }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
});

it.each(unknowing.slice(0, 4))(
  'CX-17: where the policy is to fail what nobody can tell of, and the probe %s, it fails',
  async (_what, probe) => {
    const { world, run } = await probed(probe, { whenInDoubt: 'fail' });
    const { status, gaps } = await world.end(run);
    expect(status).toBe('completed');
    expect(gaps.map(({ key, status: how, reason }) => [key, how, reason.code])).toEqual([
      ['pay', 'failed', 'DECLARED_FAILED'],
      ['ship', 'skipped', 'DEPENDENCY_NOT_MET'],
    ]);
    const decided = (await eventsOf(run)).find(({ type }) => type === 'step.decided');
    expect(decided).toMatchObject({ decision: { approve: false, by: { kind: 'policy' } } });
    expect(keysOf(world)).toHaveLength(1);
  },
);

it('CX-17: an agent without a probe leaves nobody to ask, and the policy to fail holds as well', async () => {
  const { world, run } = await probed(undefined, { whenInDoubt: 'fail' });
  expect((await world.end(run)).gaps.map(({ key }) => key)).toEqual(['pay', 'ship']);
});

it('what a probe found that does not fit the schema of the step leaves its output in doubt', async () => {
  const outputSchema = { type: 'object', required: ['receipt'] } as const;
  const { world, run } = await probed(async () => ({ happened: true, output: {} }), { input: paying('once', { outputSchema }) });
  await world.clock.advanceAsync(60_000);
  expect(stepOf(run, 'pay').status).toBe('in-doubt');
  const unfit = run.decide('pay', { approve: true, by: 'ada', output: { paid: true } });
  expect(await rejectionOf(world.clock.runUntil(unfit))).toMatchObject({
    code: 'APPROVAL_REFUSED',
    issues: [{ code: 'output-invalid' }],
  });
  const none = run.decide('pay', { approve: true, by: 'ada' });
  expect(await rejectionOf(world.clock.runUntil(none))).toMatchObject({ code: 'APPROVAL_REFUSED' });
  await world.clock.runUntil(run.decide('pay', { approve: true, by: 'ada', output: { receipt: 7 } }));
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.calls.find(({ request }) => request.stepId === 'ship')?.request.input).toEqual({ pay: { receipt: 7 } });
});

it('HB-46: a person who says that it has not happened fails the step', async () => {
  const { world, run } = await probed(undefined);
  await world.clock.runUntil(run.decide('pay', { approve: false, by: 'ada', note: 'The bank has no trace of it.' }));
  const { status, gaps } = await world.end(run);
  expect(status).toBe('completed');
  expect(gaps[0]).toMatchObject({
    key: 'pay',
    status: 'failed',
    reason: { code: 'DECLARED_FAILED', message: expect.stringContaining('The bank has no trace of it.') as string },
  });
  expect(keysOf(world)).toHaveLength(1);
});

it('HB-46: doubt outlives any number of restarts; each asks the agent again, and a decision holds', async () => {
  const { world, process, runId } = await probed(async () => ({ happened: 'unknown' }));
  await world.clock.advanceAsync(1_000);
  process.kill();
  const agents = payer(charge, async () => ({ happened: 'unknown' }));
  for (let turn = 0; turn < 3; turn += 1) {
    const next = world.boot({ agents });
    await world.recover(next);
    await world.clock.advanceAsync(1_000);
    next.kill();
  }
  expect(world.calls.filter(({ on }) => on === 'probe')).toHaveLength(4);
  const dying = world.boot({ agents, dieAt: committed('step.decided') });
  const run = await dying.orchestrator.run(runId);
  void run.decide('pay', { approve: true, by: 'ada', output: 'paid by hand' });
  await world.death(dying);
  const last = await world.recover(world.boot({ agents }));
  expect(await world.end(last)).toMatchObject({ status: 'completed', gaps: [] });
  expect(stepOf(last, 'pay').output).toBe('paid by hand');
  expect(keysOf(world)).toHaveLength(1);
  expect(typesOf(await eventsOf(last)).filter((type) => type === 'step.in-doubt')).toHaveLength(1);
});

it.each([
  ['while the agent is being asked', (moment: Moment) => moment.on === 'probe' && !moment.done],
  ['when it has answered, before that is on record', committed('step.probed', 'pay', false)],
  ['when its answer is on record', committed('step.probed', 'pay')],
])('HB-34: killed %s, the doubt is settled by the next process, and the effect is there once', async (_when, dieAt) => {
  for (const happened of [true, false]) {
    const probe: Agent['probe'] = async () => (happened ? { happened, output: 'found' } : { happened });
    const { world } = await lost(paying('once'), { dieAt: happened ? 1_500 : 500, agents: payer(charge) });
    const dying = world.boot({ agents: payer(charge, probe), dieAt });
    void dying.orchestrator.recover();
    await world.death(dying);
    const run = await world.recover(world.boot({ agents: payer(charge, probe) }));
    expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
    expect(world.effects).toEqual([keysOf(world)[0]]);
    expect(new Set(keysOf(world)).size).toBe(1);
  }
});

it('HB-46: a once effect that succeeded, and whose success is on record, is never asked about again', async () => {
  const { world } = await lost(paying('once'), {
    dieAt: committed('step.succeeded', 'pay'),
    agents: payer(charge, async () => ({ happened: 'unknown' })),
  });
  const run = await world.recover(world.boot());
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(world.calls.filter(({ request }) => request.stepId === 'pay')).toHaveLength(1);
});

it('a once effect is tried again after a failure that says so, each attempt under a key of its own', async () => {
  const declined: Work = async ({ attempt, idempotencyKey }, _context, { effect }) => {
    if (attempt === 1) throw new Error('declined');
    effect(idempotencyKey);
    return { output: null };
  };
  const input = paying('once', { retry: { attempts: 2, backoffMs: 10_000 } });
  const { world } = await lost(input, { dieAt: committed('step.failed', 'pay'), agents: payer(declined) });
  const run = await world.recover(world.boot());
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(new Set(keysOf(world)).size).toBe(2);
  expect(world.effects).toEqual([keysOf(world)[1]]);
});

/** `fn` of `context.once`, counted. */
function counted(give: (nth: number) => Promise<Json> | Json) {
  const count = { calls: 0 };
  return { count, fn: () => give((count.calls += 1)) };
}

it('HB-33: what context.once has done is not done again after a restart, and gives what it gave', async () => {
  for (const dieAt of [committed('effect.recorded'), calling('pay', { done: true }), 1_000]) {
    const { count, fn } = counted((nth) => ({ receipt: nth }));
    const pay: Work = async (_request, context, { sleep }) => {
      const receipt = await context.once('charge', fn);
      await sleep(2_000);
      return { output: receipt };
    };
    const { world } = await lost(paying('idempotent'), { dieAt, agents: payer(pay) });
    const run = await world.recover(world.boot());
    expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
    expect(stepOf(run, 'pay').output).toEqual({ receipt: 1 });
    expect(count.calls).toBe(1);
  }
});

it('context.once is done again only where its result was not on record yet', async () => {
  const { count, fn } = counted((nth) => nth);
  const pay: Work = async (_request, context) => ({ output: await context.once('charge', fn) });
  const { world } = await lost(paying('idempotent'), { dieAt: committed('effect.recorded', 'pay', false), agents: payer(pay) });
  const run = await world.recover(world.boot());
  await world.end(run);
  expect([count.calls, stepOf(run, 'pay').output]).toEqual([2, 2]);
});

it('context.once keeps its results over attempts, and over the restarts between them', async () => {
  const { count, fn } = counted((nth) => nth);
  const pay: Work = async ({ attempt }, context) => {
    const receipt = await context.once('charge', fn);
    if (attempt < 3) throw new Error('not yet');
    return { output: receipt };
  };
  const input = paying('idempotent', { retry: { attempts: 3, backoffMs: 10_000 } });
  const { world } = await lost(input, { dieAt: committed('step.failed', 'pay'), agents: payer(pay) });
  const second = world.boot({ dieAt: committed('step.failed', 'pay') });
  void second.orchestrator.recover();
  await world.death(second);
  const run = await world.recover(world.boot());
  await world.end(run);
  expect([count.calls, stepOf(run, 'pay')]).toMatchObject([1, { attempts: 3, output: 1 }]);
});

it('context.once called twice at once runs once, for both', async () => {
  const { count, fn } = counted(async (nth) => ({ nth }));
  const pay: Work = async (_request, context) => {
    const [one, two] = await Promise.all([context.once('charge', fn), context.once('charge', fn)]);
    const three = (await context.once('charge', fn)) as { nth: number };
    three.nth = 99;
    return { output: [one, two, await context.once('charge', fn)] };
  };
  const world = createRestartWorld({ agents: payer(pay) });
  const { run } = await world.start(world.boot(), paying('idempotent'));
  await world.end(run);
  expect(count.calls).toBe(1);
  expect(stepOf(run!, 'pay').output).toEqual([{ nth: 1 }, { nth: 1 }, { nth: 1 }]);
});

it('context.once that fails is tried again, in the same attempt, in the next, and after a restart', async () => {
  const { count, fn } = counted((nth) => {
    if (nth < 4) throw new Error(`failure ${nth}`);
    return nth;
  });
  const pay: Work = async (_request, context) => {
    await context.once('charge', fn).catch(() => undefined);
    return { output: await context.once('charge', fn) };
  };
  const input = paying('idempotent', { retry: { attempts: 2, backoffMs: 10_000 } });
  const { world } = await lost(input, { dieAt: committed('step.failed', 'pay'), agents: payer(pay) });
  const run = await world.recover(world.boot());
  await world.end(run);
  expect([count.calls, stepOf(run, 'pay')]).toMatchObject([4, { attempts: 2, output: 4 }]);
});

it('context.once of an attempt whose time was up is not begun a second time by the next', async () => {
  const { count, fn } = counted((nth) => nth);
  const pay: Work = async (_request, context, { sleep }) => ({
    output: await context.once('charge', async () => {
      await sleep(15_000);
      return fn();
    }),
  });
  const input = paying('idempotent', { timeoutMs: 10_000, retry: { attempts: 2, backoffMs: 10_000 } });
  const world = createRestartWorld({ agents: payer(pay) });
  const { run } = await world.start(world.boot(), input);
  await world.end(run);
  expect([count.calls, stepOf(run!, 'pay')]).toMatchObject([1, { status: 'succeeded', attempts: 2, output: 1 }]);
});

it('names of context.once are kept apart by step, and any text is one', async () => {
  const names = ['', '__proto__', 'constructor', 'a.b', '#', 'ü\u0000', 'compensation/charge'];
  const agents = ({ sleep }: Life) => ({
    worker: async ({ stepId }: AgentRequest, context: AgentContext) => {
      const results: Json[] = [];
      for (const name of names) results.push(await context.once(name, () => `${stepId} did ${name}`));
      await sleep(1_000);
      return { output: results };
    },
  });
  const { world } = await lost(tickets(['a', 'b']), { dieAt: 500, agents });
  const run = await world.recover(world.boot());
  await world.end(run);
  for (const stepId of ['a', 'b']) expect(stepOf(run, stepId).output).toEqual(names.map((name) => `${stepId} did ${name}`));
});

it('a once step uses context.once for what a person can rely upon: what was recorded is there when it is started again', async () => {
  const { count, fn } = counted((nth) => nth);
  const pay: Work = async (_request, context, { sleep }) => {
    const hold = await context.once('reserve', fn);
    await sleep(1_000);
    return { output: hold };
  };
  const { world } = await lost(paying('once'), { dieAt: 500, agents: payer(pay) });
  const run = await world.recover(world.boot({ agents: payer(pay, async () => ({ happened: false })) }));
  await world.end(run);
  expect([count.calls, stepOf(run, 'pay').output]).toEqual([1, 1]);
});
