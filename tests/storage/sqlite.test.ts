import type { RunStore, RunSummary } from 'planwright';
import { createSqliteStore, type SqliteDatabase, type SqliteStoreOptions } from 'planwright/storage/sqlite';
import { storeConformance } from 'planwright/testing';
import { describe, expect, it, onTestFinished } from 'vitest';

import { commitOf, entriesOf, hostileText, summaryOf } from '../../src/core/testing/store-samples.js';
import { listingQuery } from '../../src/storage/sqlite/listing-query.js';
import { openRaw, temporaryPath, valueIn } from './support/sqlite-database.js';

/** Opens a store and closes it when the test is over. */
function open(options: SqliteStoreOptions): RunStore {
  const store = createSqliteStore(options);
  onTestFinished(() => store.close());
  return store;
}

// On `node:sqlite` the same list is run by scripts/check-node-versions.ts: this suite runs on Node 20 too, which has none.
describe.each([
  ['a file', () => createSqliteStore({ path: temporaryPath() })],
  ['a file, with NORMAL', () => createSqliteStore({ path: temporaryPath(), synchronous: 'NORMAL' })],
  ['memory', () => createSqliteStore({ path: ':memory:' })],
  ['a database of its user, which gives bigints', () => createSqliteStore({ database: openRaw(':memory:', { bigints: true }) })],
])('sqlite store in %s', (_, create) => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(create));
  }
});

describe('what is stored', () => {
  it('FO-26: keeps scope, status, plan and timing of a run in the file, for the next process', async () => {
    const path = temporaryPath();
    const plan = { digest: 'd', steps: [{ id: 'a', dependsOn: [] }] };
    const summary: RunSummary = {
      ...summaryOf({ runId: 'r', status: 'executing', parentTicket: 'T-1' }),
      scope: { sprint: 's-1', labels: ['x', 'y'] },
      createdAt: 1_790_000_000_000,
      updatedAt: 1_790_000_000_001.5,
      open: true,
    };
    const entries = entriesOf({ from: 1 });
    const first = open({ path });
    await first.commit({ runId: 'r', expectedSeq: 0, fence: 0, entries, summary, checkpoint: { plan } });
    await first.close();
    const next = open({ path });
    expect(await next.load('r')).toEqual({ summary, seq: 1, fence: 0, checkpoint: { plan }, journal: entries });
    expect(await next.list({ open: true, status: ['executing'], parentTicket: 'T-1' })).toEqual({ runs: [summary] });
  });

  it('CC-21: gives the next process every step that was settled, with the fence it was settled under', async () => {
    const path = temporaryPath();
    const first = open({ path });
    await first.commit({ ...commitOf({ runId: 'r', expectedSeq: 0, count: 3 }), checkpoint: { a: 1, b: 2 } });
    await first.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 100 });
    await first.commit({ ...commitOf({ runId: 'r', expectedSeq: 3, count: 2 }), fence: 1, checkpoint: { b: null, c: 3 } });
    await first.close();
    const next = open({ path });
    expect(await next.load('r')).toMatchObject({
      seq: 5,
      fence: 1,
      checkpoint: { a: 1, c: 3 },
      journal: entriesOf({ from: 1, count: 5 }),
    });
    const held = await next.claim({ runId: 'r', owner: 'two', at: 99, leaseMs: 100 });
    expect(held).toEqual({ kind: 'held', owner: 'one', until: 100 });
  });

  it('lists ids in the order of code points, those that are no sound text last', async () => {
    const store = open({ path: ':memory:' });
    const ids = ['Z', 'a', 'a!', 'a0', 'aa', 'ab', 'b', 'ä', '漢', '\uffff', '🧭', '\u0000', 'a\u0000', '\ud800'];
    for (const runId of [...ids].reverse()) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    const listed: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const { runs, cursor } = await store.list({ after, limit: 3 });
      listed.push(...runs.map((run) => run.runId));
      after = cursor;
    }
    expect(listed).toEqual(ids);
  });

  it('tells parts and parent tickets apart, whatever they are called', async () => {
    const store = open({ path: ':memory:' });
    const checkpoint = Object.fromEntries(hostileText.map((name, index) => [name, index]));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0 }), checkpoint });
    expect(Object.entries((await store.load('r'))?.checkpoint ?? {}).sort()).toEqual(Object.entries(checkpoint).sort());
    for (const [index, parentTicket] of hostileText.entries()) {
      const runId = `of ${index}`;
      await store.commit({ ...commitOf({ runId, expectedSeq: 0 }), summary: summaryOf({ runId, parentTicket }) });
    }
    for (const [index, parentTicket] of hostileText.entries()) {
      const { runs } = await store.list({ parentTicket });
      expect(runs.map((run) => run.runId)).toEqual([`of ${index}`]);
    }
  });

  it('keeps data nested as deep as JSON text can be read and written, and refuses what is deeper', async () => {
    const store = open({ path: ':memory:' });
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as readonly never[];
    const sound = commitOf({ runId: 'r', expectedSeq: 0, output: nested(1_000) });
    await store.commit(sound);
    expect((await store.load('r'))?.journal).toEqual(sound.entries);
    const deep = store.commit(commitOf({ runId: 'r', expectedSeq: 1, output: nested(1_000_000) }));
    await expect(deep).rejects.toMatchObject({ code: 'STORE_VALUE', runId: 'r' });
    expect((await store.load('r'))?.seq).toBe(1);
  });

  it('compresses what is large, and says how many bytes it wrote', async () => {
    const path = temporaryPath();
    const store = open({ path });
    const small = await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const large = await store.commit(commitOf({ runId: 'r', expectedSeq: 1, count: 1_000, output: 'x'.repeat(200) }));
    const raw = openRaw(path);
    const written = valueIn(raw, 'SELECT sum(length(CAST(entries AS BLOB))) FROM journal');
    const summary = valueIn(raw, 'SELECT length(CAST(summary AS BLOB)) FROM runs');
    expect(small.bytes + large.bytes).toBe(Number(written) + 2 * Number(summary));
    expect(valueIn(raw, 'SELECT group_concat(typeof(entries)) FROM journal')).toBe('text,blob');
    expect(large.bytes).toBeLessThan(20_000);
  });

  it('drops rows of the journal whose last entry is no longer needed', async () => {
    const path = temporaryPath();
    const store = open({ path });
    for (const expectedSeq of [0, 10, 20]) await store.commit(commitOf({ runId: 'r', expectedSeq, count: 10 }));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 30 }), compactTo: 15 });
    expect(valueIn(openRaw(path), 'SELECT group_concat(last_seq) FROM journal')).toBe('20,30,31');
    expect((await store.load('r'))?.journal.map(({ seq }) => seq)[0]).toBe(16);
    expect((await store.journal('r', { after: 3, limit: 2 })).map(({ seq }) => seq)).toEqual([16, 17]);
  });

  it.each([
    [{}, 2],
    [{ synchronous: 'FULL' }, 2],
    [{ synchronous: 'NORMAL' }, 1],
  ] as const)('is synced as %o says', async (options, level) => {
    // Drivers have defaults of their own: better-sqlite3 goes from FULL to NORMAL where there is a write-ahead log.
    const database = openRaw(temporaryPath());
    const store = open({ database, ...options });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expect(valueIn(database, 'PRAGMA journal_mode')).toBe('wal');
    expect(valueIn(database, 'PRAGMA synchronous')).toBe(level);
  });

  it('is synced with more care where there can be no write-ahead log', () => {
    const database = openRaw(':memory:');
    open({ database });
    expect(valueIn(database, 'PRAGMA journal_mode')).toBe('memory');
    expect(valueIn(database, 'PRAGMA synchronous')).toBe(3);
  });

  it('CX-18: is one store where two processes make the file at once', async () => {
    const path = temporaryPath();
    const raw = openRaw(path);
    let isFirst = true;
    const database: SqliteDatabase = {
      prepare: (sql) => raw.prepare(sql),
      exec(sql) {
        // This one has seen an empty file, and then the other comes first.
        if (sql.startsWith('BEGIN') && isFirst) {
          isFirst = false;
          open({ path });
        }
        return raw.exec(sql);
      },
    };
    const stores = [open({ database }), open({ path })];
    expect(isFirst).toBe(false);
    for (const [expectedSeq, store] of stores.entries()) await store.commit(commitOf({ runId: 'r', expectedSeq }));
  });

  it('forgets leases a week after they ran out, and no others', async () => {
    const database = openRaw(':memory:');
    const store = open({ database });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const week = 7 * 86_400_000;
    await store.renew({ owner: 'long gone', at: 0, leaseMs: 10 });
    await store.renew({ owner: 'gone', at: 0, leaseMs: 20 });
    await store.claim({ runId: 'r', owner: 'one', at: week + 10, leaseMs: 1 });
    expect(valueIn(database, 'SELECT group_concat(owner) FROM leases')).toBe('gone,one');
  });

  it('reads little of a long listing, whatever it is filtered by', async () => {
    const database = openRaw(temporaryPath());
    open({ database });
    const plans = [
      {},
      { after: 'a' },
      { open: true },
      { open: true, after: 'a' },
      { status: ['proposed', 'executing'] },
      { status: ['completed'], after: 'a' },
      { parentTicket: 'T-1' },
    ] as const;
    for (const filter of plans) {
      const { sql, values } = listingQuery(filter, 11);
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values) as readonly { readonly detail: string }[];
      const details = steps.map(({ detail }) => detail);
      for (const detail of details) if (detail.includes(' runs')) expect(detail, sql).toMatch(/USING INDEX/);
      // What is sorted are pages that were read by status.
      const sorted = details.filter((detail) => detail.includes('TEMP B-TREE'));
      expect(sorted.length, sql).toBeLessThanOrEqual(details.filter((detail) => detail.startsWith('CO-ROUTINE')).length);
    }
  });
});
