import { type ConformanceCase, ConformanceError, expectSame } from '../conformance-case.js';
import { commitOf, hostileText, summaryOf } from '../store-samples.js';
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
    const summary = { ...summaryOf({ runId: 'a', status: 'completed', parentTicket: 'T-1' }), tenant: 'acme' };
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
  storeCase('filters by open, as each run is now', async (store) => {
    const commit = (runId: string, { expectedSeq, open }: { expectedSeq: number; open: boolean }) =>
      store.commit({ ...commitOf({ runId, expectedSeq }), summary: { ...summaryOf({ runId }), open } });
    for (const [index, runId] of ['a', 'b', 'c', 'd'].entries()) await commit(runId, { expectedSeq: 0, open: index % 2 === 0 });
    expectSame('open runs', { actual: await listedIds(store, { open: true, limit: 1 }), expected: ['a', 'c'] });
    expectSame('others', { actual: await listedIds(store, { open: false, limit: 1 }), expected: ['b', 'd'] });
    await commit('a', { expectedSeq: 1, open: false });
    await commit('b', { expectedSeq: 1, open: true });
    expectSame('open runs, then', { actual: await listedIds(store, { open: true }), expected: ['b', 'c'] });
    const filter = { open: true, status: ['proposed'], parentTicket: 'T-1' } as const;
    expectSame('all filters at once', { actual: await listedIds(store, filter), expected: [] });
  }),
  storeCase('lists runs of any name, one to a page and in one order', async (store) => {
    for (const runId of hostileText) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    const all = await listedIds(store, {});
    expectSame('each run once', { actual: [...all].sort(), expected: [...hostileText].sort() });
    for (const limit of [1, 2, 7]) {
      expectSame(`pages of ${limit}`, { actual: await listedIds(store, { limit }), expected: all });
    }
    for (const [index, after] of all.entries()) {
      const { runs } = await store.list({ after, limit: 3 });
      expectSame(`after ${JSON.stringify(after)}`, {
        actual: runs.map(({ runId }) => runId),
        expected: all.slice(index + 1, index + 4),
      });
    }
  }),
  storeCase('keeps and tells apart any parent ticket, goal and scope', async (store) => {
    const summaries = hostileText.map((text, index) => ({
      ...summaryOf({ runId: `r${String(index).padStart(2, '0')}`, parentTicket: text }),
      goal: text,
      scope: { [text]: [text] },
    }));
    for (const summary of summaries) await store.commit({ ...commitOf({ runId: summary.runId, expectedSeq: 0 }), summary });
    for (const summary of summaries) {
      const { parentTicket } = summary;
      expectSame(`runs of ${JSON.stringify(parentTicket)}`, {
        actual: await store.list({ parentTicket: parentTicket ?? '' }),
        expected: { runs: [summary] },
      });
    }
    expectSame('all', { actual: (await store.list()).runs, expected: summaries });
  }),
  storeCase('lists each run once while others are added', async (store) => {
    const old = Array.from({ length: 30 }, (_, index) => `m-${String(index).padStart(2, '0')}`);
    for (const runId of old) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    const seen: string[] = [];
    const writes: Promise<unknown>[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < 100; pages += 1) {
      const added = pages < 20 ? [`a-${pages}`, `m-${String(pages).padStart(2, '0')}-new`, `z-${pages}`] : [];
      for (const runId of added) writes.push(store.commit(commitOf({ runId, expectedSeq: 0 })));
      const { runs, cursor } = await store.list({ limit: 4, ...(after !== undefined && { after }) });
      seen.push(...runs.map(({ runId }) => runId));
      after = cursor;
      if (after === undefined) break;
    }
    await Promise.all(writes);
    expectSame('no run is listed twice', { actual: seen, expected: [...new Set(seen)].sort() });
    expectSame('each that was there', { actual: seen.filter((runId) => old.includes(runId)), expected: old });
    expectSame('all, then', { actual: (await listedIds(store, {})).length, expected: old.length + writes.length });
  }),
  storeCase('names as cursor where to go on, and only where there is more', async (store) => {
    for (const runId of ['a', 'b', 'c']) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    expectSame('cursors', {
      actual: [(await store.list({ limit: 2 })).cursor, (await store.list({ limit: 3 })).cursor],
      expected: ['b', undefined],
    });
    const filtered = await store.list({ limit: 1, status: ['completed'] });
    expectSame('where nothing fits the filter', { actual: filtered, expected: { runs: [] } });
  }),
];
