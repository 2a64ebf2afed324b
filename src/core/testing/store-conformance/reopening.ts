import { type ConformanceCase, ConformanceError, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf, hostileText, summaryOf } from '../store-samples.js';
import { mediumCase, type StoreMedium, using } from './medium.js';
import { createRuns, expectRefused, fenceOf } from './store-case.js';
import type { RunStore, StoredRun } from '../../ports/store.js';

const at = 1_000_000;
const leaseMs = 100;
const one = { runId: 'r', owner: 'one', at, leaseMs };
const two = { ...one, owner: 'two', at: at + 1 };

/** Runs that have been through everything a run can go through. */
async function writeSamples(store: RunStore): Promise<readonly StoredRun[]> {
  for (const runId of hostileText) {
    const summary = { ...summaryOf({ runId, status: 'executing', parentTicket: runId }), open: true, scope: { [runId]: runId } };
    await store.commit({
      ...commitOf({ runId, expectedSeq: 0, count: 3, output: runId }),
      checkpoint: { a: runId, b: 1, [runId]: [] },
    });
    await store.commit({
      ...commitOf({ runId, expectedSeq: 3, count: 2 }),
      summary,
      checkpoint: { b: null, c: {} },
      compactTo: 2,
    });
  }
  await store.commit({ ...commitOf({ runId: 'all dropped', expectedSeq: 0, count: 4 }), checkpoint: { at: 4 }, compactTo: 4 });
  return readAll(store, [...hostileText, 'all dropped', 'no such run']);
}

async function readAll(store: RunStore, runIds: readonly string[]): Promise<readonly StoredRun[]> {
  const found = await Promise.all(runIds.map((runId) => store.load(runId)));
  return found.filter((run) => run !== undefined);
}

async function expectSamples(store: RunStore, expected: readonly StoredRun[]): Promise<void> {
  const runIds = expected.map(({ summary }) => summary.runId);
  expectSame('the runs', { actual: await readAll(store, [...runIds, 'no such run']), expected });
}

/** What a store finds that another one on the same medium has left, whole. */
export const reopening: readonly ConformanceCase<StoreMedium>[] = [
  mediumCase('finds nothing on a new medium, and again nothing', async (open) => {
    for (let opening = 0; opening < 2; opening += 1) {
      expectSame('the listing', { actual: await using(open, (store) => store.list()), expected: { runs: [] } });
      expectSame('a run', { actual: await using(open, (store) => store.load('r')), expected: undefined });
    }
  }),
  mediumCase('finds after close() what was committed before', async (open) => {
    const written = await using(open, writeSamples);
    const listed = await using(open, (store) => store.list());
    for (let opening = 0; opening < 2; opening += 1) await using(open, (store) => expectSamples(store, written));
    expectSame('the listing', { actual: await using(open, (store) => store.list()), expected: listed });
    expectSame('open runs', {
      actual: (await using(open, (store) => store.list({ open: true }))).runs.length,
      expected: hostileText.length,
    });
    const first = await using(open, (store) => store.list({ limit: 5 }));
    const after = await using(open, (store) =>
      store.list({ limit: 5, ...(first.cursor !== undefined && { after: first.cursor }) }),
    );
    expectSame('a cursor that outlives its store', {
      actual: [...first.runs, ...after.runs],
      expected: listed.runs.slice(0, 10),
    });
  }),
  mediumCase('finds it whatever is called first', async (open) => {
    await using(open, (store) => store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 3 })));
    const journal = await using(open, (store) => store.journal('r', { after: 1 }));
    expectSame('journal() first', { actual: journal, expected: entriesOf({ from: 2, count: 2 }) });
    const claim = await using(open, (store) => store.claim(one));
    expectSame('claim() first', { actual: [claim.kind, 'seq' in claim && claim.seq], expected: ['claimed', 3] });
    const fence = 'fence' in claim ? claim.fence : 0;
    const late = commitOf({ runId: 'r', expectedSeq: 1 });
    await expectRejection('commit() first, behind', {
      code: 'STORE_CONFLICT',
      from: using(open, (store) => store.commit({ ...late, fence })),
    });
    await using(open, (store) => store.commit({ ...commitOf({ runId: 'r', expectedSeq: 3 }), fence }));
    await using(open, (store) => store.renew({ ...one, at: at + 50 }));
    expectSame('after renew() first', {
      actual: await using(open, (store) => store.claim({ ...two, at: at + 60 })),
      expected: { kind: 'held', owner: 'one', until: at + 50 + leaseMs },
    });
    await using(open, (store) => store.release({ owner: 'one' }));
    const { kind } = await using(open, (store) => store.claim({ ...two, at: at + 60 }));
    expectSame('after release() first', { actual: kind, expected: 'claimed' });
  }),
  mediumCase('goes on where the store before it ended, many times', async (open) => {
    for (let expectedSeq = 0; expectedSeq < 12; expectedSeq += 1) {
      const commit = commitOf({ runId: 'r', expectedSeq, output: expectedSeq });
      const compactTo = expectedSeq % 4 === 3 ? expectedSeq - 1 : 0;
      await using(open, (store) => store.commit({ ...commit, checkpoint: { [`p${expectedSeq}`]: expectedSeq }, compactTo }));
    }
    const stored = await using(open, (store) => store.load('r'));
    expectSame('seq, entries and parts', {
      actual: [stored?.seq, stored?.journal.map(({ seq }) => seq), Object.keys(stored?.checkpoint ?? {}).length],
      expected: [12, [11, 12], 12],
    });
  }),
  mediumCase('keeps fences, owners and leases', async (open) => {
    const first = await using(open, async (store) => {
      await createRuns(store, 'r', 'released', 'free');
      await store.claim({ ...one, runId: 'released' });
      await store.release({ owner: 'one', runId: 'released' });
      return fenceOf(store, one);
    });
    const held = { kind: 'held', owner: 'one', until: at + leaseMs };
    expectSame('a run that is held', { actual: await using(open, (store) => store.claim(two)), expected: held });
    const again = await using(open, (store) => store.claim({ ...two, runId: 'released' }));
    expectSame('a run that was released', { actual: again.kind, expected: 'claimed' });
    await using(open, async (store) => {
      const commit = commitOf({ runId: 'r', expectedSeq: 1 });
      await expectRefused(store, { rule: 'fence 0', code: 'STORE_CONFLICT', commit });
      await store.commit({ ...commit, fence: first });
      await store.commit(commitOf({ runId: 'free', expectedSeq: 1 }));
    });
    const second = await using(open, (store) => fenceOf(store, { ...two, at: at + leaseMs }));
    if (second <= first) throw new ConformanceError('the fence of the next owner', `more than ${first}`, second);
    await using(open, async (store) => {
      const commit = { ...commitOf({ runId: 'r', expectedSeq: 2 }), fence: first };
      await expectRefused(store, { rule: 'a fence that was taken over', code: 'STORE_CONFLICT', commit });
      await store.commit({ ...commit, fence: second });
    });
  }),
  mediumCase('has every commit that was answered when it was closed, and no other', async (open) => {
    const runIds = Array.from({ length: 40 }, (_, index) => `r${index}`);
    const store = await open();
    const writes = Promise.allSettled(runIds.map((runId) => store.commit(commitOf({ runId, expectedSeq: 0 }))));
    await store.close();
    const outcomes = await writes;
    const answered = runIds.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    const kept = await using(open, (next) => readAll(next, runIds));
    expectSame('the runs', { actual: kept.map(({ summary }) => summary.runId), expected: answered });
  }),
  mediumCase('keeps an output and a part of 10 MB', async (open) => {
    const output = 'päper '.repeat(1_500_000);
    await using(open, (store) => store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0, output }), checkpoint: { output } }));
    const stored = await using(open, (store) => store.load('r'));
    const entry = stored?.journal[0];
    const isSame = entry?.type === 'step.succeeded' && entry.output === output && stored?.checkpoint?.['output'] === output;
    if (!isSame) throw new ConformanceError('an output and a part of 10 MB', 'the same text', 'another');
  }),
];

/** The store before was lost with its process, as far as that can be shown within one. */
export const unclosed: readonly ConformanceCase<StoreMedium>[] = [
  mediumCase('finds all that was committed by a store that was never closed', async (open) => {
    const lost = await open();
    const written = await writeSamples(lost);
    await createRuns(lost, 'r');
    const fence = await fenceOf(lost, one);
    const next = await open();
    await expectSamples(next, written);
    expectSame('who holds the run', {
      actual: await next.claim(two),
      expected: { kind: 'held', owner: 'one', until: at + leaseMs },
    });
    const newer = await fenceOf(next, { ...two, insteadOf: 'one' });
    await next.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: newer });
    const late = { ...commitOf({ runId: 'r', expectedSeq: 1 }), fence };
    await expectRefused(next, { rule: 'the lost owner', code: 'STORE_CONFLICT', commit: late });
  }),
];
