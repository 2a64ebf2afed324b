import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import type { SqliteDatabase } from 'planwright/storage/sqlite';

/** An open database of better-sqlite3, as far as the tests use it. */
export interface RawDatabase extends SqliteDatabase {
  close(): unknown;
}

// The package brings no types, and the store wants none.
const Database = createRequire(import.meta.url)('better-sqlite3') as new (
  path: string,
  options?: { readonly readonly?: boolean },
) => RawDatabase & { defaultSafeIntegers(on: boolean): unknown };

/** Opens a database beside the store, and closes it when the test is over. */
export function openRaw(
  path: string,
  { readonly = false, bigints = false }: { readonly readonly?: boolean; readonly bigints?: boolean } = {},
): RawDatabase {
  const database = new Database(path, { readonly });
  database.defaultSafeIntegers(bigints);
  onTestFinished(() => void database.close());
  return database;
}

/** The only value of a row: `valueIn(database, 'PRAGMA user_version')`. */
export const valueIn = (database: SqliteDatabase, sql: string): unknown =>
  Object.values((database.prepare(sql).get() ?? {}) as Readonly<Record<string, unknown>>)[0];

/** A folder that is removed when the test is over. */
export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'planwright-sqlite-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The same, where writing waits for no disk if that can be had: for files whose loss of power is staged. */
export const volatileFolder = (): string => temporaryFolder(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

/** A path in a folder of its own, which is removed when the test is over. */
export const temporaryPath = (name = 'runs.db'): string => join(temporaryFolder(), name);

/** The database, and every text of SQL that it is given to carry out. */
export function recorded(database: SqliteDatabase): { readonly database: SqliteDatabase; readonly statements: string[] } {
  const statements: string[] = [];
  return {
    statements,
    database: {
      exec(sql) {
        statements.push(sql);
        return database.exec(sql);
      },
      prepare(sql) {
        const statement = database.prepare(sql);
        const noting =
          <T>(act: (...values: Parameters<typeof statement.run>) => T) =>
          (...values: Parameters<typeof statement.run>): T => {
            statements.push(sql);
            return act.apply(statement, values);
          };
        return { run: noting(statement.run), get: noting(statement.get), all: noting(statement.all) };
      },
    },
  };
}
