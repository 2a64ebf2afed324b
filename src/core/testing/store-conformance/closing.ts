import { type ConformanceCase, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf } from '../store-samples.js';
import { createRuns, isSettled, storeCase } from './store-case.js';
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
    await expectRejection('journal()', { code, from: store.journal('r') });
    await expectRejection('claim()', { code, from: store.claim({ runId: 'r', owner: 'one', at: 1_000, leaseMs: 10 }) });
    await expectRejection('renew()', { code, from: store.renew({ owner: 'one', at: 1_000, leaseMs: 10 }) });
    await expectRejection('release()', { code, from: store.release({ owner: 'one' }) });
    await store.close();
  }),
  storeCase('settles what was being written when it is closed', async (store) => {
    await createRuns(store, 'claimed', 'released');
    await store.claim({ runId: 'released', owner: 'two', at: 1_000, leaseMs: 100 });
    const writes: Promise<unknown>[] = Array.from({ length: 20 }, (_, index) =>
      store.commit(commitOf({ runId: `r${index}`, expectedSeq: 0 })),
    );
    writes.push(store.claim({ runId: 'claimed', owner: 'one', at: 1_000, leaseMs: 100 }));
    writes.push(store.renew({ owner: 'one', at: 1_000, leaseMs: 100 }), store.release({ owner: 'two' }));
    writes.push(store.load('claimed'), store.list());
    const outcomes = Promise.allSettled(writes);
    await store.close();
    for (const [index, write] of writes.entries()) {
      expectSame(`call ${index} is settled once close() is`, { actual: await isSettled(write), expected: true });
    }
    for (const [index, outcome] of (await outcomes).entries()) {
      const write = writes[index];
      if (outcome.status === 'fulfilled' || write === undefined) continue;
      await expectRejection(`call ${index}, which close() cut off`, { code: 'STORE_CLOSED', from: write });
    }
  }),
  storeCase('closes once, however often it is asked at the same time', async (store) => {
    const write = store.commit(commitOf({ runId: 'r', expectedSeq: 0 })).catch(() => undefined);
    await Promise.all([store.close(), store.close(), store.close()]);
    expectSame('the write is settled', { actual: await isSettled(write), expected: true });
  }),
];
