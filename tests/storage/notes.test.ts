import { statSync } from 'node:fs';

import { createFileStore } from 'planwright/storage/file';
import { createSqliteStore } from 'planwright/storage/sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { logOf, useDirectories } from './support/file-directories.js';
import { noProgress, writeNext } from './support/file-scenario.js';
import { openRaw, temporaryPath, valueIn } from './support/sqlite-database.js';

const directories = useDirectories();

// What every store does with notes is in the conformance lists.
describe('notes', () => {
  it('are kept when the log of a file store is written anew, also one that is written meanwhile', async () => {
    const directory = directories.next();
    const store = createFileStore({ directory });
    await store.notes?.write('first', { until: 1 });
    const progress = noProgress();
    for (let count = 0; count < 12; count += 1) {
      await Promise.all([writeNext(store, 'r', progress), store.notes?.write('last', count)]);
    }
    await store.close();
    const next = createFileStore({ directory });
    onTestFinished(() => next.close());
    expect(await next.notes?.read('first')).toEqual({ until: 1 });
    expect(await next.notes?.read('last')).toBe(11);
  });

  it('do not fill the log of a file store, however often one is written', async () => {
    const directory = directories.next();
    const store = createFileStore({ directory, synchronous: 'NORMAL' });
    const value = 'x'.repeat(100_000);
    for (let count = 0; count < 100; count += 1) await store.notes?.write('n', value);
    await store.close();
    expect(statSync(logOf(directory)).size).toBeLessThan(4_000_000);
  });

  it('make their table in a database that was there before them, and none where nobody writes any', async () => {
    const path = temporaryPath();
    const store = createSqliteStore({ path });
    onTestFinished(() => store.close());
    const tables = (): unknown => valueIn(openRaw(path), "SELECT count(*) FROM sqlite_schema WHERE name = 'notes'");
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expect(await store.notes?.read('n')).toBeUndefined();
    expect(tables()).toBe(0);
    await store.notes?.write('n', 1);
    expect(tables()).toBe(1);
    expect(await store.notes?.read('n')).toBe(1);
  });

  it('are refused where they are not what was written', async () => {
    const path = temporaryPath();
    const store = createSqliteStore({ path });
    onTestFinished(() => store.close());
    await store.notes?.write('n', { until: 1 });
    openRaw(path).exec(`UPDATE notes SET value = '{"until":2}'`);
    await expect(store.notes?.read('n')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
