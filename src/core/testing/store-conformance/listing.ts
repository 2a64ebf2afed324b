import { type ConformanceCase, ConformanceError, expectSame } from '../conformance-case.js';
import { commitOf, summaryOf } from '../store-samples.js';
import { storeCase } from './store-case.js';
import type { RunStatus } from '../../ports/run.js';
import type { RunFilter, RunStore } from '../../ports/store.js';

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

/** Listings, by filter and by page. */
export const listing: readonly ConformanceCase<RunStore>[] = [
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
