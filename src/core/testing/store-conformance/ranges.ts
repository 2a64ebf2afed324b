import { type ConformanceCase, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf } from '../store-samples.js';
import { createRuns, storeCase } from './store-case.js';
import type { JournalRange, RunStore } from '../../ports/store.js';

/** Entries `from` to `to`, as commits write them. */
const span = (from: number, to: number) => entriesOf({ from, count: Math.max(0, to - from + 1) });

const rangeCase = (name: string, check: (store: RunStore, read: Reader) => Promise<void>): ConformanceCase<RunStore> =>
  storeCase(name, (store) =>
    check(store, async (range, [from, to]) =>
      expectSame(`journal('r', ${JSON.stringify(range)})`, { actual: await store.journal('r', range), expected: span(from, to) }),
    ),
  );
type Reader = (range: JournalRange | undefined, expected: readonly [from: number, to: number]) => Promise<void>;

const none = [1, 0] as const;

/** Parts of a journal. */
export const ranges: readonly ConformanceCase<RunStore>[] = [
  rangeCase('reads any part of a journal, in order', async (store, read) => {
    await createRuns(store, 'q', 's');
    for (const expectedSeq of [0, 3, 6, 9]) await store.commit(commitOf({ runId: 'r', expectedSeq, count: 3 }));
    await read(undefined, [1, 12]);
    await read({}, [1, 12]);
    for (let after = 0; after <= 13; after += 1) {
      await read({ after }, [after + 1, 12]);
      for (const limit of [1, 4, 12, 13]) await read({ after, limit }, [after + 1, Math.min(12, after + limit)]);
    }
    await read({ limit: 5 }, [1, 5]);
    await read({ after: 1_000_000 }, none);
  }),
  rangeCase('gives 1,000 entries where the range does not say', async (store, read) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 700 }));
    await store.commit(commitOf({ runId: 'r', expectedSeq: 700, count: 400 }));
    await read(undefined, [1, 1_000]);
    await read({ after: 50 }, [51, 1_050]);
    await read({ after: 1_000 }, [1_001, 1_100]);
    await read({ limit: 1_100 }, [1, 1_100]);
  }),
  rangeCase('reads on from what is left after a compaction', async (store, read) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 10 }));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 10, count: 2 }), checkpoint: { at: 12 }, compactTo: 6 });
    await read({ limit: 3 }, [7, 9]);
    await read({ after: 2, limit: 2 }, [7, 8]);
    await read({ after: 6, limit: 2 }, [7, 8]);
    await read({ after: 7, limit: 2 }, [8, 9]);
    await read({ after: 12 }, none);
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 12, count: 0 }), checkpoint: { at: 12 }, compactTo: 12 });
    await read({}, none);
    await read({ after: 3 }, none);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 12, count: 2 }));
    await read({ after: 3 }, [13, 14]);
  }),
  rangeCase('has no entries of a run that is not there', async (store, read) => {
    await createRuns(store, 'q', 's');
    await read(undefined, none);
    await read({ after: 3, limit: 2 }, none);
    expectSame('a name that objects inherit', { actual: await store.journal('constructor'), expected: [] });
  }),
];
