import { type RunEvent, type RunStatus } from 'planwright';
import { layeredProposal } from 'planwright/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { createWorld, eventsOf, ticket, tickets, typesOf } from './support/world.js';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

const seqs = (events: readonly RunEvent[]) => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, place) => first + place);

it('events are numbered from 1 without a gap, and a cursor goes on behind what was seen', async () => {
  const { run } = createWorld();
  const { run: handle, events } = await run(layeredProposal({ tickets: 12 }));
  expect(seqs(events)).toEqual(upTo(events.length));
  for (const after of [0, 1, 7, events.length - 1, events.length, events.length + 5]) {
    expect(await eventsOf(handle, after)).toEqual(events.slice(after));
  }
  for (const nonsense of [-5, Number.NaN, 0.5]) expect(await eventsOf(handle, nonsense)).toEqual(events);
});

it('any number of readers, from any cursor, at any speed, see the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ after: fc.nat({ max: 30 }), pauseMs: fc.nat({ max: 500 }) }), { minLength: 1, maxLength: 5 }),
      async (readers) => {
        const { start, clock, end } = createWorld({ script: { default: { delayMs: 100 } } });
        const run = await start(layeredProposal({ tickets: 9 }));
        const readings = readers.map(async ({ after, pauseMs }) => {
          const seen: RunEvent[] = [];
          for await (const event of run.events({ after })) {
            seen.push(event);
            await clock.sleep(pauseMs);
          }
          return seen;
        });
        await end(run);
        const all = await eventsOf(run);
        const seen = await clock.runUntil(Promise.all(readings));
        seen.forEach((events, reader) => expect(events).toEqual(all.slice(readers[reader]!.after)));
      },
    ),
    { numRuns: 20 },
  );
});

it('a reader that stops early, or is told to, leaves the run and the other readers alone', async () => {
  const { start, clock, end } = createWorld({ script: { default: { delayMs: 100 } } });
  const run = await start(tickets(['a', ticket('b', { dependsOn: ['a'] })]));
  const stop = new AbortController();
  const told = (async () => {
    const seen: RunEvent[] = [];
    for await (const event of run.events({ signal: stop.signal })) seen.push(event);
    return seen;
  })();
  for await (const { type } of run.events()) if (type === 'step.started') break;
  stop.abort();
  const seen = await clock.runUntil(told);
  expect(seqs(seen)).toEqual(upTo(seen.length));
  expect(await end(run)).toMatchObject({ status: 'completed' });
  const never = run.events({ signal: AbortSignal.abort() });
  expect(await eventsOf({ ...run, events: () => never })).toEqual([]);
});

it('a reader that comes after the end sees everything, and ends', async () => {
  const { run } = createWorld();
  const { run: handle } = await run(tickets(['a']));
  const types = typesOf(await eventsOf(handle));
  expect([types[0], types.at(-1)]).toEqual(['run.proposed', 'run.completed']);
});

it('an event is told only when it is durable, and the view at that moment has it', async () => {
  const { start, clock, end } = createWorld();
  const run = await start(tickets(['a', 'b']));
  const behind: number[] = [];
  const reading = (async () => {
    for await (const { seq } of run.events()) if (run.view().seq < seq) behind.push(seq);
  })();
  await end(run);
  await clock.runUntil(reading);
  expect(behind).toEqual([]);
});

it('no verb that nobody waits for ends the process, on a run at work, over, or withdrawn', async () => {
  const { start, clock, end, propose, orchestrator, run: runToEnd } = createWorld({ script: { default: { delayMs: 100 } } });
  const atWork = await start(tickets(['a']));
  const { run: over } = await runToEnd(tickets(['a']));
  const { runId } = await propose(tickets(['a']));
  const waiting = await orchestrator.run(runId);
  for (const run of [atWork, over, waiting]) {
    void run.resume();
    void run.pause();
    void run.pause();
    void run.resume();
    void run.decide('a', { approve: true, by: 'ada' });
    void run.decide('a', { approve: true, by: { kind: 'agent', id: 'x' } });
    void run.decide('nothing', undefined as never);
    void run.approveSteps(['nothing'], { approvedBy: { kind: 'user', id: 'ada' } });
    void run.cancel({ reason: 'enough' });
    void run.cancel();
    void run.result();
  }
  await end(atWork);
  await clock.advanceAsync(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});

it('runs are listed in the order of their ids, by status, by ticket, and page by page', async () => {
  const { propose, run, orchestrator, clock } = createWorld({ script: { steps: { bad: { fail: 'no' } } } });
  const context = { parentTicket: 'T-1' };
  const ids = [
    (await run(tickets(['a'], { context }))).run.runId,
    (await run(tickets(['bad']))).run.runId,
    (await propose(tickets(['a'], { context }))).runId,
    (await propose(tickets(['a']))).runId,
  ];
  await clock.runUntil((await orchestrator.run(ids[3]!)).cancel());
  const list = async (filter?: Parameters<typeof orchestrator.list>[0]) =>
    (await orchestrator.list(filter)).map(({ runId }) => runId);
  expect(await list()).toEqual(ids);
  expect((await orchestrator.list()).map(({ status }) => status satisfies RunStatus)).toEqual([
    'completed',
    'failed',
    'proposed',
    'cancelled',
  ]);
  expect(await list({ status: ['completed', 'failed'] })).toEqual(ids.slice(0, 2));
  expect(await list({ parentTicket: 'T-1' })).toEqual([ids[0], ids[2]]);
  expect(await list({ parentTicket: 'T-1', status: ['proposed'] })).toEqual([ids[2]]);
  expect(await list({ limit: 3 })).toEqual(ids.slice(0, 3));
  expect(await list({ after: ids[1]!, limit: 1 })).toEqual([ids[2]]);
  expect(await list({ after: ids[3]! })).toEqual([]);
  expect(await list({ status: [] })).toEqual([]);
});
