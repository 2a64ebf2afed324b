import type { RunStore } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';
import { expect, it, onTestFinished } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { openRaw, recorded, temporaryPath } from './support/sqlite-database.js';

/** A store, and how many transactions it has committed that may have written. */
function counted(): { readonly store: RunStore; readonly transactions: () => number } {
  const { database, statements } = recorded(openRaw(temporaryPath()));
  const store = createSqliteStore({ database });
  onTestFinished(() => store.close());
  const begun = statements.length;
  return { store, transactions: () => statements.slice(begun).filter((sql) => sql === 'BEGIN IMMEDIATE').length };
}

it('commits 1,000 runs with 10 commits each, 50 at a time, in a fiftieth as many transactions', async () => {
  const { store, transactions } = counted();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let run = next++; run < 1_000; run = next++) {
      const runId = `run-${run}`;
      for (let seq = 0; seq < 10; seq += 1) await store.commit(commitOf({ runId, expectedSeq: seq }));
    }
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  expect(transactions()).toBeLessThanOrEqual(210);
  for (const run of [0, 499, 999]) expect((await store.load(`run-${run}`))?.seq).toBe(10);
});

it('joins commits, claims, renewals and releases of one turn, and answers each for itself', async () => {
  const { store, transactions } = counted();
  const lease = { owner: 'one', at: 0, leaseMs: 100 };
  const outcomes = await Promise.allSettled([
    store.commit(commitOf({ runId: 'a', expectedSeq: 0 })),
    store.commit(commitOf({ runId: 'b', expectedSeq: 7 })),
    store.claim({ ...lease, runId: 'a' }),
    store.commit(commitOf({ runId: 'a', expectedSeq: 1 })),
    store.commit({ ...commitOf({ runId: 'a', expectedSeq: 1 }), fence: 1 }),
    store.renew(lease),
    store.claim({ ...lease, runId: 'no such run' }),
    store.release({ owner: 'one' }),
  ]);
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, true, true, true, true]);
  expect(outcomes[3]).toMatchObject({ reason: { code: 'STORE_CONFLICT', fence: 0, actualFence: 1 } });
  expect(transactions()).toBe(1);
  expect(await store.load('a')).toMatchObject({ seq: 2, fence: 1 });
});

it('shows nothing of a commit before it is durable', async () => {
  const { store } = counted();
  const writing = store.commit(commitOf({ runId: 'a', expectedSeq: 0 }));
  expect(await store.load('a')).toBeUndefined();
  await writing;
  expect(await store.load('a')).toMatchObject({ seq: 1 });
});

it('writes what was asked for before it was closed, and takes nothing more', async () => {
  const { store } = counted();
  const before = store.commit(commitOf({ runId: 'a', expectedSeq: 0 }));
  const closing = store.close();
  const late = [
    store.commit(commitOf({ runId: 'a', expectedSeq: 1 })),
    store.load('a'),
    store.renew({ owner: 'one', at: 0, leaseMs: 1 }),
  ];
  for (const call of late) await expect(call).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  await before;
  await closing;
  await store.close();
});
