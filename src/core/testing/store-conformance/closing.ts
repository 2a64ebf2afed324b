import { type ConformanceCase, expectRejection } from '../conformance-case.js';
import { commitOf } from '../store-samples.js';
import { storeCase } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

/** What holds when a store is closed, and after. */
export const closing: readonly ConformanceCase<RunStore>[] = [
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
