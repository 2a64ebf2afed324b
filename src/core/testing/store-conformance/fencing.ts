import { type ConformanceCase, expectSame } from '../conformance-case.js';
import { commitOf } from '../store-samples.js';
import { createRuns, expectRefused, fenceOf, storeCase } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

const at = 1_000_000;
const lease = { runId: 'r', at, leaseMs: 100 };
const code = 'STORE_CONFLICT';

/** What a writer may write under which claim. */
export const fencing: readonly ConformanceCase<RunStore>[] = [
  storeCase('refuses a late write under an older fence', async (store) => {
    await createRuns(store, 'r');
    const first = await fenceOf(store, { ...lease, owner: 'one' });
    const second = await fenceOf(store, { ...lease, owner: 'two', at: at + 101 });
    const late = { ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: first };
    await expectRefused(store, { rule: 'a fence that was taken over', code, commit: late });
    await store.commit({ ...late, fence: second });
    const later = { ...commitOf({ runId: 'r', expectedSeq: 2 }), fence: first };
    await expectRefused(store, { rule: 'also when the newer owner has written', code, commit: later });
    expectSame('entries stored', { actual: (await store.load('r'))?.seq, expected: 2 });
  }),
  storeCase('refuses a write under the fence before the newest, also of the same owner', async (store) => {
    await createRuns(store, 'r');
    const first = await fenceOf(store, { ...lease, owner: 'one' });
    const second = await fenceOf(store, { ...lease, owner: 'one' });
    const commit = { ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: first };
    await expectRefused(store, { rule: 'the fence before', code, commit });
    await store.commit({ ...commit, fence: second });
  }),
  storeCase('refuses fences that were never given out', async (store) => {
    await createRuns(store, 'r');
    const commit = commitOf({ runId: 'r', expectedSeq: 1 });
    await expectRefused(store, { rule: 'fence 1 of a run that was never claimed', code, commit: { ...commit, fence: 1 } });
    const newRun = { ...commitOf({ runId: 'new', expectedSeq: 0 }), fence: 1 };
    await expectRefused(store, { rule: 'fence 1 of a new run', code, commit: newRun });
    const fence = await fenceOf(store, { ...lease, owner: 'one' });
    await expectRefused(store, { rule: 'a fence above the newest', code, commit: { ...commit, fence: fence + 1 } });
  }),
  storeCase('refuses writers without a claim once a run was claimed', async (store) => {
    await createRuns(store, 'r', 'free');
    const fence = await fenceOf(store, { ...lease, owner: 'one' });
    const commit = commitOf({ runId: 'r', expectedSeq: 1 });
    await expectRefused(store, { rule: 'fence 0', code, commit });
    await store.commit(commitOf({ runId: 'free', expectedSeq: 1 }));
    await store.commit({ ...commit, fence });
  }),
  storeCase('lets the newest owner write, also when its lease has run out', async (store) => {
    await createRuns(store, 'r');
    const fence = await fenceOf(store, { ...lease, at: 0, leaseMs: 1, owner: 'one' });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), fence });
    await store.claim({ ...lease, runId: 'another', owner: 'two' });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 2 }), fence });
    expectSame('entries stored', { actual: (await store.load('r'))?.seq, expected: 3 });
  }),
  storeCase('keeps the fence when a run is released', async (store) => {
    await createRuns(store, 'r');
    const first = await fenceOf(store, { ...lease, owner: 'one' });
    await store.release({ owner: 'one', runId: 'r' });
    expectSame('after the release of the run', { actual: (await store.load('r'))?.fence, expected: first });
    const commit = commitOf({ runId: 'r', expectedSeq: 1 });
    await expectRefused(store, { rule: 'fence 0 of a released run', code, commit });
    await store.release({ owner: 'one' });
    const second = await fenceOf(store, { ...lease, owner: 'two' });
    if (second <= first) expectSame('the fence of the next owner', { actual: second, expected: `more than ${first}` });
    await expectRefused(store, { rule: 'the fence that was released', code, commit: { ...commit, fence: first } });
    await store.commit({ ...commit, fence: second });
  }),
  storeCase('counts the fences of each run by themselves', async (store) => {
    await createRuns(store, 'q', 'r');
    const first = await fenceOf(store, { ...lease, owner: 'one' });
    for (let count = 0; count < 3; count += 1) await fenceOf(store, { ...lease, runId: 'q', owner: 'one' });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: first });
    const other = (await store.load('q'))?.fence ?? 0;
    await expectRefused(store, {
      rule: 'the fence of another run',
      code,
      commit: { ...commitOf({ runId: 'r', expectedSeq: 2 }), fence: other },
    });
  }),
];
