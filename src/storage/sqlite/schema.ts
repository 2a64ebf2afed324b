import { StoreCorruptError, StoreFormatError } from '../../core/shared/store-error.js';
import type { SqliteDatabase } from './database.js';

/** `PRAGMA application_id` of a database of ours: "plan" in ASCII. */
const applicationId = 0x70_6c_61_6e;
/** `PRAGMA user_version`: what the tables and the values in them look like. */
const formatVersion = 1;

/**
 * Rows of `journal` and `parts` are kept in the order they come, with an index beside them: a table that is its own index would tear its
 * pages apart where several runs write by turns, and waste most of a page for each row of 1 to 4 kB (measured: up to 940 bytes a
 * step instead of 280). One row of `journal` holds the entries of one commit. `runs` repeats what its summary says where a listing filters.
 */
const tables = `
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id ANY NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    dropped_to INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    owner ANY,
    status TEXT NOT NULL,
    open INTEGER NOT NULL,
    parent_ticket ANY,
    parts_sum INTEGER NOT NULL,
    summary ANY NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX runs_by_status ON runs (status, run_id);
  CREATE INDEX runs_by_parent_ticket ON runs (parent_ticket, run_id) WHERE parent_ticket IS NOT NULL;
  CREATE INDEX runs_that_are_open ON runs (run_id) WHERE open = 1;
  CREATE INDEX runs_by_owner ON runs (owner) WHERE owner IS NOT NULL;
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    entries ANY NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (run, last_seq)
  ) STRICT;
  CREATE TABLE parts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    name ANY NOT NULL,
    value ANY NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (run, name)
  ) STRICT;
  CREATE TABLE leases (owner ANY NOT NULL PRIMARY KEY, until REAL NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${formatVersion};
`;

/**
 * Makes a database ready: sets how it writes, and makes the tables where it is empty. A database that is not ours is left as it is.
 *
 * @throws StoreFormatError, StoreCorruptError, and what the database throws.
 */
export function prepareDatabase(
  database: SqliteDatabase,
  { place, synchronous }: { readonly place: string; readonly synchronous: 'FULL' | 'NORMAL' },
): void {
  // SQLite waits by stopping the process. The store waits by itself.
  database.exec('PRAGMA busy_timeout = 0');
  const isNew = isEmpty(database, place);
  const mode = valueOf(database, 'journal_mode = WAL');
  // Where there can be no write-ahead log, FULL does not make the end of a transaction durable, only EXTRA does.
  const level = mode !== 'wal' && synchronous === 'FULL' ? 'EXTRA' : synchronous;
  database.exec(`PRAGMA synchronous = ${level}`);
  if (isNew) createTables(database, place);
}

/** Whether there is nothing in it. @throws where there is something that is not ours, or not of our format. */
function isEmpty(database: SqliteDatabase, place: string): boolean {
  const application = Number(valueOf(database, 'application_id'));
  const version = Number(valueOf(database, 'user_version'));
  if (application === applicationId) {
    if (version !== formatVersion) throw new StoreFormatError(place, version, [formatVersion]);
    return false;
  }
  const isUsed = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
  if (isUsed || application !== 0 || version !== 0) {
    throw new StoreCorruptError(place, 'it is the database of another program. Give the store a file of its own.');
  }
  return true;
}

function createTables(database: SqliteDatabase, place: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have come first.
    if (isEmpty(database, place)) database.exec(tables);
    database.exec('COMMIT');
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends a transaction that failed. SQLite may have ended it by itself, and whatever else is wrong with it was said already. */
export function rollBack(database: Pick<SqliteDatabase, 'exec'>): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // Nothing is left to be undone.
  }
}

/** The file that a database lies in; empty for one in memory. */
export const fileOf = (database: SqliteDatabase): string => {
  const row = database.prepare("SELECT file FROM pragma_database_list WHERE name = 'main'").get() as { readonly file?: unknown };
  return typeof row.file === 'string' ? row.file : '';
};

function valueOf(database: SqliteDatabase, pragma: string): unknown {
  const row = database.prepare(`PRAGMA ${pragma}`).get() as Readonly<Record<string, unknown>> | undefined;
  return row && Object.values(row)[0];
}
