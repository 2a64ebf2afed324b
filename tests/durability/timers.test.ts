import { type OrchestrationProposal, type Run, type RunEvent } from 'planwright';
import { expect, it } from 'vitest';

import { eventsOf, stepOf, ticket, tickets } from '../running/support/world.js';
import {
  createRestartWorld,
  eventsNow,
  type Process,
  type RestartWorld,
  type RestartWorldOptions,
} from './support/restart-world.js';

const hour = 3_600_000;
const spans = [
  ['an hour', hour],
  ['60 days', 60 * 24 * hour],
] as const;

/** Something that a run waits for, for this long from time 0 on. */
interface Wait {
  readonly input: (spanMs: number) => OrchestrationProposal;
  readonly script?: RestartWorldOptions['script'];
  /** The event that tells that it is over. */
  readonly isOver: (event: RunEvent) => boolean;
}

const waits: Readonly<Record<string, Wait>> = {
  'the pause before the next attempt': {
    input: (spanMs) => tickets([ticket('a', { retry: { attempts: 2, backoffMs: spanMs, maxBackoffMs: spanMs } })]),
    script: { steps: { a: [{ fail: 'not yet' }, {}] } },
    isOver: (event) => event.type === 'step.started' && event.stepId === 'a' && event.attempt === 2,
  },
  'the deadline of the run': {
    input: (spanMs) => tickets([ticket('a', { timeoutMs: 10 * spanMs })], { budget: { maxDurationMs: spanMs } }),
    script: { steps: { a: { hang: true } } },
    isOver: (event) => event.type === 'run.stopping' && event.reason === 'deadline_exceeded',
  },
  'the time of a gate that is refused then': {
    input: (spanMs) => tickets(['b', ticket('a', { gate: { kind: 'before', prompt: '?', expiresAfterMs: spanMs } })]),
    isOver: (event) => event.type === 'step.failed' && event.stepId === 'a',
  },
  'the time of a gate that is approved then': {
    input: (spanMs) =>
      tickets(['b', ticket('a', { gate: { kind: 'before', prompt: '?', expiresAfterMs: spanMs, onExpiry: 'approve' } })]),
    isOver: (event) => event.type === 'step.started' && event.stepId === 'a',
  },
};

const cases = Object.entries(waits).flatMap(([name, wait]) => spans.map(([span, spanMs]) => [name, span, wait, spanMs] as const));

/** A run that has been waiting for half of its time when its process dies. */
async function waiting({ input, script = {} }: Wait, spanMs: number, options: RestartWorldOptions = {}) {
  const world = createRestartWorld({ script, leaseMs: spanMs, ...options });
  const first = world.boot();
  await world.start(first, input(spanMs));
  await world.clock.advanceAsync(spanMs / 2);
  first.kill();
  return world;
}

async function whenOver(world: RestartWorld, run: Run, { isOver }: Wait): Promise<number | undefined> {
  await world.clock.runUntil(run.result());
  return (await eventsOf(run)).find(isOver)?.at;
}

it.each(cases)(
  'HB-32: %s, %s, that began in a process which was lost is over when it would have been',
  async (_name, _span, wait, spanMs) => {
    const world = await waiting(wait, spanMs);
    // Through another process, which is lost too.
    await world.clock.advanceAsync(spanMs / 8);
    const second = world.boot();
    await world.recover(second);
    await world.clock.advanceAsync(spanMs / 8);
    second.kill();
    const run = await world.recover(world.boot());
    await world.clock.advanceAsync(spanMs / 4 - 1);
    expect((await eventsNow(run)).some(wait.isOver)).toBe(false);
    expect(await whenOver(world, run, wait)).toBe(spanMs);
  },
);

it.each(cases)('HB-32: %s, %s, that ran out while no process was there is over at once', async (_name, _span, wait, spanMs) => {
  const world = await waiting(wait, spanMs);
  await world.clock.advanceAsync(spanMs * 2);
  const run = await world.recover(world.boot());
  expect(await whenOver(world, run, wait)).toBe(spanMs * 2.5);
});

it.each(cases)(
  'HB-32: %s, %s, is put off by as long as no process was there, where that is wanted',
  async (_name, _span, wait, spanMs) => {
    const world = createRestartWorld({ script: wait.script ?? {}, leaseMs: spanMs, missedTimers: 'extend' });
    const first = world.boot();
    await world.start(first, wait.input(spanMs));
    await world.clock.advanceAsync(spanMs / 2);
    // It leaves in good order, and says when.
    await world.clock.runUntil(first.orchestrator.close());
    await world.clock.advanceAsync(spanMs * 2);
    const run = await world.recover(world.boot());
    expect(await whenOver(world, run, wait)).toBe(spanMs * 3);
  },
);

it('HB-32: what is put off is put off again by the next absence', async () => {
  const wait = waits['the pause before the next attempt']!;
  const world = createRestartWorld({ script: wait.script!, leaseMs: hour, missedTimers: 'extend' });
  let process = world.boot();
  await world.start(process, wait.input(hour));
  let run: Run | undefined;
  for (let turn = 0; turn < 3; turn += 1) {
    await world.clock.advanceAsync(hour / 8);
    await world.clock.runUntil(process.orchestrator.close());
    await world.clock.advanceAsync(hour);
    process = world.boot();
    run = await world.recover(process);
  }
  expect(await whenOver(world, run!, wait)).toBe(4 * hour);
});

it.each(spans)(
  'DX-08, HB-43: an attempt that is asked for again has its full time again, %s, and is then given up',
  async (_span, spanMs) => {
    const input = tickets([ticket('a', { timeoutMs: spanMs, retry: { attempts: 2, backoffMs: 0 } })]);
    const world = createRestartWorld({ script: { steps: { a: [{ hang: true }, {}] } }, leaseMs: spanMs });
    const first = world.boot();
    await world.start(first, input);
    await world.clock.advanceAsync(spanMs / 2);
    first.kill();
    await world.clock.advanceAsync(spanMs);
    const run = await world.recover(world.boot());
    expect((await world.end(run)).status).toBe('completed');
    const failed = (await eventsOf(run)).find(({ type }) => type === 'step.backing-off');
    expect(failed).toMatchObject({ at: spanMs * 2.5, error: { code: 'TIMED_OUT' } });
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 2 });
  },
);

it('CR-15, CX-17: time in which no process was there is no active time of a step', async () => {
  const world = createRestartWorld({ script: { steps: { a: { delayMs: 10_000 } } } });
  const first = world.boot();
  await world.start(first, tickets(['a']));
  await world.clock.advanceAsync(4_000);
  first.kill();
  await world.clock.advanceAsync(24 * hour);
  const run = await world.recover(world.boot());
  await world.end(run);
  const { startedAt, endedAt, activeMs } = stepOf(run, 'a');
  expect([startedAt, endedAt]).toEqual([0, 24 * hour + 14_000]);
  expect(activeMs).toBeLessThanOrEqual(14_000);
  expect(activeMs).toBeGreaterThanOrEqual(10_000);
});

it('a timer of a process that was lost fires in no other way than once', async () => {
  const wait = waits['the pause before the next attempt']!;
  const world = await waiting(wait, hour);
  let last: { readonly run: Run; readonly process: Process } | undefined;
  for (let turn = 0; turn < 5; turn += 1) {
    last?.process.kill();
    const process = world.boot();
    last = { process, run: await world.recover(process) };
  }
  await world.end(last!.run);
  expect(world.calls.filter(({ request }) => request.stepId === 'a').map(({ request }) => request.attempt)).toEqual([1, 2]);
});
