// Runs the published cases of stores on databases of `node:sqlite`, once given by their user and once found by the store itself, and has it
// fail in the ways that drivers report each in their own words. Prints what is wrong. For versions of Node that bring SQLite along;
// scripts/check-node-versions.ts starts it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { storeConformance } from '../../../src/core/testing/store-conformance.js';
import { commitOf } from '../../../src/core/testing/store-samples.js';
import { createSqliteStore, type SqliteDatabase } from '../../../src/storage/sqlite.js';
import { findDriver } from '../../../src/storage/sqlite/driver.js';
import type { RunStore } from '../../../src/core/ports/store.js';

interface Builtin {
  readonly DatabaseSync: new (path: string) => SqliteDatabase;
}
const builtin = process.getBuiltinModule('node:sqlite') as Builtin | undefined;
if (!builtin) throw new Error(`Node ${process.version} brings no SQLite along.`);

const folder = mkdtempSync(join(tmpdir(), 'planwright-conformance-'));
const places: Readonly<Record<string, (path: string) => RunStore>> = {
  given: (path) => createSqliteStore({ database: new builtin.DatabaseSync(path) }),
  found: (path) => createSqliteStore({ path }),
};
const commit = commitOf({ runId: 'r', expectedSeq: 0, output: 'x'.repeat(500) });

/** What each of these must reject with. */
const faults: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'STORE_UNAVAILABLE: Make room': async (path) => {
    const database = new builtin.DatabaseSync(path);
    const store = createSqliteStore({ database });
    database.exec('PRAGMA max_page_count = 1');
    for (let run = 0; run < 100; run += 1) {
      const runId = `run-${run}`;
      await store.commit({ ...commit, runId, summary: { ...commit.summary, runId } });
    }
  },
  'STORE_UNAVAILABLE: has been locked': async (path) => {
    const store = createSqliteStore({ path, lockTimeoutMs: 10 });
    new builtin.DatabaseSync(path).exec('BEGIN IMMEDIATE');
    await store.commit(commit);
  },
  'STORE_UNAVAILABLE: End the transaction': async (path) => {
    const database = new builtin.DatabaseSync(path);
    const store = createSqliteStore({ database, lockTimeoutMs: 10 });
    database.exec('BEGIN');
    await store.commit(commit);
  },
  'STORE_CORRUPT: no SQLite database': async (path) => {
    writeFileSync(path, 'hello');
    createSqliteStore({ path });
  },
  'STORE_UNAVAILABLE: cannot be opened': async () => void createSqliteStore({ path: folder }),
};

const failed: string[] = [];
let made = 0;
const newPath = (): string => join(folder, `${(made += 1)}.db`);
try {
  for (const [place, create] of Object.entries(places)) {
    for (const { name, run } of storeConformance) {
      await run(() => create(newPath())).catch((error: unknown) => failed.push(`${place}: ${name}: ${String(error)}`));
    }
  }
  for (const [expected, provoke] of Object.entries(faults)) {
    const [code = '', word = ''] = expected.split(': ');
    const found = await provoke(newPath()).then(
      () => 'nothing was thrown',
      (error: unknown) => `${(error as { readonly code?: string }).code ?? ''}: ${(error as Error).message}`,
    );
    if (!found.startsWith(code) || !found.includes(word)) failed.push(`${expected}, but ${found}`);
  }
  const driver = findDriver()(':memory:').constructor.name;
  console.log(`${2 * storeConformance.length + Object.keys(faults).length} cases on ${driver}, ${failed.length} failed`);
  for (const line of failed) console.log(line);
  if (failed.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
