import { type ConformanceCase, ConformanceError, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf } from '../store-samples.js';
import type { ClaimRequest, Commit, RunStore } from '../../ports/store.js';

/** A case that gets an open store and needs not close it. */
export const storeCase = (name: string, check: (store: RunStore) => Promise<void>): ConformanceCase<RunStore> => ({
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

/** Creates runs of one entry each. */
export async function createRuns(store: RunStore, ...runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) await store.commit(commitOf({ runId, expectedSeq: 0 }));
}

/** The fence of a claim. @throws ConformanceError where the claim is not granted. */
export async function fenceOf(store: RunStore, request: ClaimRequest): Promise<number> {
  const answer = await store.claim(request);
  if (answer.kind !== 'claimed') throw new ConformanceError(`a claim of ${request.owner}`, 'claimed', answer);
  return answer.fence;
}

/** @throws ConformanceError unless the commit is refused with this code and the run is as it was. */
export async function expectRefused(
  store: RunStore,
  { rule, code, commit }: { readonly rule: string; readonly code: string; readonly commit: Commit },
): Promise<void> {
  const before = await store.load(commit.runId);
  await expectRejection(rule, { code, from: store.commit(commit) });
  expectSame(`${rule}: the run`, { actual: await store.load(commit.runId), expected: before });
}

/** Whether a promise has been settled, without waiting for it longer than a few turns of the queue of promises. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => void (settled = true);
  void promise.then(settle, settle);
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  return settled;
}
