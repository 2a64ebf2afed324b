import { expect, it } from 'vitest';

import type { RunStore } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { temporaryPath } from './support/sqlite-database.js';
import { type RemoteError, startStore } from './support/sqlite-processes.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';

/** Code of a call that is refused; `undefined` where it is not. */
const codeOf = (call: Promise<unknown>): Promise<string | undefined> =>
  call.then(
    () => undefined,
    (error: unknown) => (error as RemoteError).code,
  );

/** Writes `count` entries one by one, as a writer does that loads the run again after each conflict. Gives what conflicts there were. */
async function writeAll(store: RunStore, { name, count }: { readonly name: string; readonly count: number }): Promise<number> {
  let conflicts = 0;
  for (let written = 0; written < count;) {
    const { seq = 0 } = (await store.load('r')) ?? {};
    const code = await codeOf(store.commit(commitOf({ runId: 'r', expectedSeq: seq, output: `${name} ${written}` })));
    if (code === undefined) written += 1;
    else conflicts += 1;
    expect([undefined, 'STORE_CONFLICT']).toContain(code);
  }
  return conflicts;
}

it('CX-18: loses no write of processes that write one run at the same time, and stores none twice', async () => {
  const path = temporaryPath();
  const [here, ...others] = [createSqliteStore({ path }), startStore(path), startStore(path)];
  const count = 40;
  for (const store of others) await store.load('r');
  const conflicts = await Promise.all([here, ...others].map((store, index) => writeAll(store, { name: `w${index}`, count })));
  const run = await here.load('r');
  const outputs = run?.journal.map((entry) => (entry.type === 'step.succeeded' ? entry.output : undefined));
  const expected = [0, 1, 2].flatMap((writer) => Array.from({ length: count }, (_, index) => `w${writer} ${index}`));
  expect([...(outputs ?? [])].sort()).toEqual(expected.sort());
  expect(run?.journal.map(({ seq }) => seq)).toEqual(expected.map((_, index) => index + 1));
  // Or else they did not write at the same time.
  expect(Math.max(...conflicts)).toBeGreaterThan(0);
  await here.close();
});

it('CX-18: lets one of several processes create a run, and gives each of several runs to one of them', async () => {
  const path = temporaryPath();
  const processes = [startStore(path), startStore(path)];
  for (const store of processes) await store.load('r');
  const runIds = Array.from({ length: 30 }, (_, index) => `run-${index}`);
  const created = await Promise.all(
    processes.map((store, index) =>
      Promise.all(runIds.map((runId) => codeOf(store.commit(commitOf({ runId, expectedSeq: 0, output: index }))))),
    ),
  );
  for (const index of runIds.keys()) {
    expect(created.map((codes) => codes[index] ?? '').sort()).toEqual(['', 'STORE_CONFLICT']);
  }
  const claims = await Promise.all(
    processes.map((store, index) =>
      Promise.all(runIds.map((runId) => store.claim({ runId, owner: `p${index}`, at: 1_000, leaseMs: 5_000 }))),
    ),
  );
  for (const [index, runId] of runIds.entries()) {
    const answers = claims.map((of) => of[index]);
    const winner = answers.findIndex((answer) => answer?.kind === 'claimed');
    expect(answers[winner], runId).toEqual({ kind: 'claimed', fence: 1, seq: 1 });
    expect(answers[1 - winner], runId).toEqual({ kind: 'held', owner: `p${winner}`, until: 6_000 });
  }
});

it('HB-37: refuses a write to a run that another process owns, also from the owner before it', async () => {
  const path = temporaryPath();
  const [a, b] = [startStore(path), startStore(path)];
  const [first, late] = [commitOf({ runId: 'r', expectedSeq: 0 }), commitOf({ runId: 'r', expectedSeq: 1, output: 'late' })];
  await a.commit(first);
  expect(await a.claim({ runId: 'r', owner: 'a', at: 0, leaseMs: 100 })).toMatchObject({ kind: 'claimed', fence: 1 });
  // B never claimed it, or guesses at the next fence.
  for (const fence of [0, 2]) expect(await codeOf(b.commit({ ...late, fence }))).toBe('STORE_CONFLICT');
  expect(await b.claim({ runId: 'r', owner: 'b', at: 100, leaseMs: 100 })).toMatchObject({ kind: 'claimed', fence: 2 });
  // A has slept and does not know.
  await a.renew({ owner: 'a', at: 101, leaseMs: 1_000 });
  expect(await codeOf(a.commit({ ...late, fence: 1 }))).toBe('STORE_CONFLICT');
  await b.commit({ ...late, fence: 2, entries: commitOf({ runId: 'r', expectedSeq: 1, output: 'of b' }).entries });
  expect((await a.load('r'))?.journal.map((entry) => entry.type === 'step.succeeded' && entry.output)).toEqual(['done', 'of b']);
});

it('CC-21: keeps every commit that was answered before the process was killed, whatever it was doing', async () => {
  const path = temporaryPath();
  let acknowledged = 0;
  for (let kills = 0; kills < (isLong ? 60 : 6); kills += 1) {
    const child = startStore(path);
    const { seq: start = 0 } = (await child.load('r')) ?? {};
    expect(start).toBeGreaterThanOrEqual(acknowledged);
    const commits = Array.from({ length: 300 }, (_, index) =>
      child
        .commit({
          ...commitOf({ runId: 'r', expectedSeq: start + index, output: 'x'.repeat(index) }),
          checkpoint: { at: start + index + 1 },
        })
        .then(() => (acknowledged = Math.max(acknowledged, start + index + 1))),
    );
    const outcomes = Promise.allSettled(commits);
    // As soon as some commit is answered, which is another one each time.
    await commits[(kills * 47) % 300];
    await child.kill();
    await outcomes;
    const store = createSqliteStore({ path });
    const run = await store.load('r');
    expect(run?.seq).toBeGreaterThanOrEqual(acknowledged);
    expect(run?.checkpoint).toEqual({ at: run?.seq });
    expect(run?.journal.map(({ seq }) => seq)).toEqual(Array.from({ length: run?.seq ?? 0 }, (_, index) => index + 1));
    await store.close();
  }
});
