import { ConformanceError, expectRejection, expectSame } from './conformance-case.js';
import { commitOf, entriesOf, hostileText, summaryOf } from './store-samples.js';
import type { ConformanceCase } from './conformance-case.js';
import type { Json } from '../shared/json.js';
import type { RunStatus } from '../ports/run.js';
import type { RunFilter, RunStore } from '../ports/store.js';

/** A case that gets an open store and needs not close it. */
const storeCase = (name: string, check: (store: RunStore) => Promise<void>): ConformanceCase<RunStore> => ({
  name,
  async run(create) {
    const store = await create();
    try {
      await check(store);
    } finally {
      await store.close();
    }
  },
});

const reading: readonly ConformanceCase<RunStore>[] = [
  storeCase('loads what was committed, over several commits', async (store) => {
    const first = commitOf({ runId: 'r', expectedSeq: 0, count: 2 });
    const second = commitOf({ runId: 'r', expectedSeq: 2, count: 3, status: 'executing' });
    await store.commit(first);
    await store.commit(second);
    const actual = await store.load('r');
    const expected = { summary: second.summary, seq: 5, fence: 0, journal: [...first.entries, ...second.entries] };
    expectSame('load() gives every entry and the newest summary', { actual, expected });
  }),
  storeCase('knows nothing of a run that was never committed', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expectSame('load() of an unknown run', { actual: await store.load('other'), expected: undefined });
    expectSame('load() of a name that objects inherit', { actual: await store.load('constructor'), expected: undefined });
  }),
  storeCase('gives the newest checkpoint and at least the entries after it', async (store) => {
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0, count: 2 }), checkpoint: { at: 2, keys: ['a'] } });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 2, count: 2 }), checkpoint: { at: 4 } });
    const last = commitOf({ runId: 'r', expectedSeq: 4, count: 2 });
    await store.commit(last);
    const stored = await store.load('r');
    expectSame('the parts of both, the newer where they share a name', {
      actual: stored?.checkpoint,
      expected: { at: 4, keys: ['a'] },
    });
    expectSame('the newest seq', { actual: stored?.seq, expected: 6 });
    expectSame('the entries after the checkpoint', { actual: stored?.journal.slice(-2), expected: last.entries });
  }),
  storeCase('keeps text of every kind, as value and as run id', async (store) => {
    for (const text of hostileText) {
      const commit = commitOf({ runId: text, expectedSeq: 0, output: { [text]: text, list: [text, null, true, 0.1] } });
      await store.commit(commit);
      const actual = (await store.load(text))?.journal;
      expectSame(`a run named ${JSON.stringify(text)}`, { actual, expected: commit.entries });
    }
    const { runs } = await store.list({ limit: hostileText.length });
    expectSame('each is a run of its own', { actual: runs.map((run) => run.runId).sort(), expected: [...hostileText].sort() });
  }),
  storeCase('keeps an output of 10 MB', async (store) => {
    const output = 'päper '.repeat(1_500_000);
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output });
    await store.commit(commit);
    const entry = (await store.load('r'))?.journal[0];
    if (entry?.type !== 'step.succeeded' || entry.output !== output) {
      throw new ConformanceError('an output of 10 MB comes back', 'the same text', 'another');
    }
  }),
];

const writing: readonly ConformanceCase<RunStore>[] = [
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
  storeCase('refuses a late write under an older fence', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const lease = { runId: 'r', at: 1_000, leaseMs: 100 };
    await store.claim({ ...lease, owner: 'one' });
    const second = await store.claim({ ...lease, owner: 'two', at: 1_101 });
    const late = { ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: 1 };
    await expectRejection('fence 1 after 2', { code: 'STORE_CONFLICT', from: store.commit(late) });
    expectSame('the second claim', { actual: second, expected: { kind: 'claimed', fence: 2, seq: 1 } });
    await store.commit({ ...late, fence: 2 });
    expectSame('entries stored', { actual: (await store.load('r'))?.seq, expected: 2 });
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

/** Follows the cursors to the end. A store whose cursors lead nowhere is stopped after 100 pages. */
async function listedIds(store: RunStore, filter: RunFilter): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < 100; pages += 1) {
    const { runs, cursor } = await store.list(after === undefined ? filter : { ...filter, after });
    if (runs.length > (filter.limit ?? 100)) throw new ConformanceError('runs on one page', filter.limit, runs.length);
    for (const run of runs) ids.push(run.runId);
    if (cursor === undefined) return ids;
    after = cursor;
  }
  throw new ConformanceError('the last page has no cursor', undefined, after);
}

const listing: readonly ConformanceCase<RunStore>[] = [
  storeCase('lists in the order of ids, page by page, each run once', async (store) => {
    const ids = Array.from({ length: 25 }, (_, index) => `run-${String((index * 7) % 25).padStart(3, '0')}`);
    for (const runId of ids) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    const expected = [...ids].sort();
    for (const limit of [1, 5, 24, 25, 26]) {
      expectSame(`pages of ${limit}`, { actual: await listedIds(store, { limit }), expected });
    }
    const after = await listedIds(store, { after: 'run-009x', limit: 4 });
    expectSame('after an id that is no run', { actual: after, expected: expected.slice(10) });
    expectSame('an empty page', { actual: await store.list({ after: 'run-999' }), expected: { runs: [] } });
  }),
  storeCase('shows the newest summary of each run, 100 to a page by default', async (store) => {
    const summary = summaryOf({ runId: 'a', status: 'completed', parentTicket: 'T-1' });
    await store.commit(commitOf({ runId: 'a', expectedSeq: 0 }));
    await store.commit({ ...commitOf({ runId: 'a', expectedSeq: 1 }), summary });
    expectSame('list()', { actual: await store.list(), expected: { runs: [summary] } });
    for (let index = 0; index < 100; index += 1) await store.commit(commitOf({ runId: `b${index}`, expectedSeq: 0 }));
    expectSame('runs on the first page', { actual: (await store.list()).runs.length, expected: 100 });
    expectSame('runs in all', { actual: (await listedIds(store, {})).length, expected: 101 });
  }),
  storeCase('filters by status and by parent ticket', async (store) => {
    const statuses: readonly RunStatus[] = ['proposed', 'executing', 'completed'];
    for (const [index, status] of [...statuses, ...statuses].entries()) {
      const parentTicket = index < 3 ? 'T-1' : null;
      const summary = summaryOf({ runId: `r${index}`, status, parentTicket });
      await store.commit({ ...commitOf({ runId: `r${index}`, expectedSeq: 0 }), summary });
    }
    const check = async (filter: RunFilter, expected: readonly string[]) =>
      expectSame(JSON.stringify(filter), { actual: await listedIds(store, { ...filter, limit: 1 }), expected });
    await check({ status: ['executing', 'completed'] }, ['r1', 'r2', 'r4', 'r5']);
    await check({ parentTicket: 'T-1' }, ['r0', 'r1', 'r2']);
    await check({ parentTicket: 'T-1', status: ['completed'] }, ['r2']);
    await check({ status: [] }, []);
    await check({ parentTicket: 'T-2' }, []);
  }),
];

const closing: readonly ConformanceCase<RunStore>[] = [
  storeCase('answers every call after close() with StoreClosedError', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await store.list();
    await store.close();
    const code = 'STORE_CLOSED';
    await expectRejection('commit()', { code, from: store.commit(commitOf({ runId: 'r', expectedSeq: 1 })) });
    await expectRejection('load()', { code, from: store.load('r') });
    await expectRejection('list()', { code, from: store.list() });
    await store.close();
  }),
  storeCase('settles what was being written when it is closed', async (store) => {
    const writes = Array.from({ length: 20 }, (_, index) => store.commit(commitOf({ runId: `r${index}`, expectedSeq: 0 })));
    const outcomes = Promise.allSettled(writes);
    await store.close();
    for (const [index, outcome] of (await outcomes).entries()) {
      const write = writes[index];
      if (outcome.status === 'fulfilled' || write === undefined) continue;
      await expectRejection('a write that close() cut off', { code: 'STORE_CLOSED', from: write });
    }
  }),
];

/** What every {@link RunStore} must do. Run each case with a factory that makes an empty store. */
export const storeConformance: readonly ConformanceCase<RunStore>[] = [...reading, ...writing, ...listing, ...closing];
