import { type ConformanceCase, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf } from '../store-samples.js';
import { storeCase } from './store-case.js';
import type { Json } from '../../shared/json.js';
import type { RunStore } from '../../ports/store.js';

/** Commits: one wins, all or nothing, in order. */
export const writing: readonly ConformanceCase<RunStore>[] = [
  storeCase('lets exactly one of two concurrent writers win', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const writers = ['one', 'two'].map((output) => store.commit(commitOf({ runId: 'r', expectedSeq: 1, count: 2, output })));
    const outcomes = await Promise.allSettled(writers);
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expectSame('writers that won', { actual: winners.length, expected: 1 });
    await expectRejection('the other writer', { code: 'STORE_CONFLICT', from: Promise.all(writers) });
    expectSame('entries stored', { actual: (await store.load('r'))?.seq, expected: 3 });
  }),
  storeCase('lets exactly one of two concurrent creators win', async (store) => {
    const writers = ['one', 'two'].map((output) => store.commit(commitOf({ runId: 'r', expectedSeq: 0, output })));
    await Promise.allSettled(writers);
    await expectRejection('the other creator', { code: 'STORE_CONFLICT', from: Promise.all(writers) });
    expectSame('entries stored', { actual: (await store.load('r'))?.seq, expected: 1 });
  }),
  storeCase('refuses a writer that is behind or ahead, and writes nothing', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 3 }));
    const before = await store.load('r');
    for (const expectedSeq of [0, 2, 4]) {
      const commit = { ...commitOf({ runId: 'r', expectedSeq, status: 'failed' }), checkpoint: { wrong: true } };
      await expectRejection(`expectedSeq ${expectedSeq} of 3`, { code: 'STORE_CONFLICT', from: store.commit(commit) });
    }
    await expectRejection('a new run whose writer expects entries', {
      code: 'STORE_CONFLICT',
      from: store.commit(commitOf({ runId: 'new', expectedSeq: 1 })),
    });
    expectSame('the run', { actual: await store.load('r'), expected: before });
    expectSame('the new run', { actual: await store.load('new'), expected: undefined });
  }),
  storeCase('refuses entries that are none, or have a hole, or stand out of order', async (store) => {
    const [first, second, third] = entriesOf({ from: 1, count: 3 });
    if (!first || !second || !third) return;
    for (const entries of [[], [second], [first, third], [second, first], [first, first]]) {
      const commit = { ...commitOf({ runId: 'r', expectedSeq: 0 }), entries };
      const seqs = JSON.stringify(entries.map((entry) => entry.seq));
      await expectRejection(`entries ${seqs} after 0`, { code: 'INVARIANT', from: store.commit(commit) });
    }
    expectSame('nothing was written', { actual: await store.load('r'), expected: undefined });
  }),
  storeCase('is not reached by later changes to what it was given or gave', async (store) => {
    const output: Record<string, Json> = { list: ['kept'], inner: { text: 'kept' } };
    const commit = { ...commitOf({ runId: 'r', expectedSeq: 0, output }), checkpoint: output };
    const entries = [...commit.entries];
    const before = JSON.stringify({ summary: commit.summary, seq: 1, fence: 0, checkpoint: output, journal: entries });
    await store.commit({ ...commit, entries });
    spoil(output);
    entries.length = 0;
    spoil(await store.load('r'));
    expectSame('the run', { actual: await store.load('r'), expected: JSON.parse(before) });
  }),
];

/** Changes all it can reach; what is frozen refuses, which is as good. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    spoil(member);
    Reflect.set(value, key, 'spoiled');
  }
}
