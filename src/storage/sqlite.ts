import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { isPlanwrightError } from '../core/shared/error.js';
import { StoreClosedError, StoreCorruptError, StoreUnavailableError } from '../core/shared/store-error.js';
import type { RunStore } from '../core/ports/store.js';
import { checkCommitShape } from '../core/storing/check-commit.js';
import { createGroupCommit, type GroupedRequest } from '../core/storing/group-commit.js';
import { noteText } from '../core/storing/note-text.js';
import { createConnection, type Connection, type ConnectionOptions } from './sqlite/connection.js';
import type { Session, SqliteDatabase } from './sqlite/database.js';
import { findDriver } from './sqlite/driver.js';
import { encodeCommit } from './sqlite/encode-commit.js';
import { readNote, writeNote } from './sqlite/notes.js';
import { readJournal, readPage, readStoredRun } from './sqlite/read.js';
import { writeClaim, writeCommit, writeLease, writeRelease } from './sqlite/write.js';

export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite/database.js';

/** Where the runs are kept, and how. */
export type SqliteStoreOptions = SqliteLocation & {
  /**
   * `FULL`: what was committed survives the loss of power. `NORMAL`: it survives the loss of the process only, and the last commits may
   * be gone after the loss of power; nothing is ever half there. Default: `FULL`.
   */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long a call waits while another process holds the database, in milliseconds. Default: 15,000. */
  readonly lockTimeoutMs?: number;
};

type SqliteLocation =
  /** A file, which is made where there is none, in a directory that is there; or `:memory:`. Relative to the working directory. */
  | { readonly path: string; readonly database?: never }
  /**
   * An open database of `better-sqlite3` or `node:sqlite`, which its owner closes after the store. The store sets its
   * `journal_mode`, `synchronous` and `busy_timeout`, and shares its transactions with nobody.
   */
  | { readonly database: SqliteDatabase; readonly path?: never };

/** One change, made in a transaction with others. Where it refuses, with a PlanwrightError, it has not written anything yet. */
type Write = (session: Session) => unknown;

/**
 * A store in one SQLite file, which several processes of one machine may share. Commits of all runs that come in one turn of the event
 * loop go into one transaction.
 *
 * @throws StoreDriverMissingError where neither `better-sqlite3` nor `node:sqlite` is there; StoreUnavailableError, StoreCorruptError or
 * StoreFormatError where the database cannot be used.
 * @example
 * const orchestrator = createOrchestrator({ store: createSqliteStore({ path: 'runs.db' }), agents });
 */
export function createSqliteStore(options: SqliteStoreOptions): RunStore {
  const connection = connect(options);
  const writes = createGroupCommit<Write, unknown>({ perform: (group) => performTogether(connection, group) });
  let closing: Promise<void> | undefined;

  const guard = (): void => {
    if (closing) throw new StoreClosedError();
  };
  const write = <T>(change: (session: Session) => T): Promise<T> => writes.add(change) as Promise<T>;

  return {
    async commit(commit) {
      guard();
      checkCommitShape(commit);
      const encoded = encodeCommit(commit);
      return write((session) => writeCommit(session, encoded));
    },
    async load(runId) {
      guard();
      return connection.transact('read', (session) => readStoredRun(session, runId));
    },
    async journal(runId, range) {
      guard();
      return connection.transact('read', (session) => readJournal(session, runId, range));
    },
    async list(filter = {}) {
      guard();
      return connection.transact('read', (session) => readPage(session, filter));
    },
    async claim(request) {
      guard();
      return write((session) => writeClaim(session, request));
    },
    async renew({ owner, at, leaseMs }) {
      guard();
      await write((session) => writeLease(session, owner, at + leaseMs));
    },
    async release(hold) {
      guard();
      await write((session) => writeRelease(session, hold));
    },
    notes: {
      async read(name) {
        guard();
        return connection.transact('read', (session) => readNote(session, name));
      },
      async write(name, value) {
        guard();
        const text = noteText(name, value);
        await write((session) => writeNote(session, name, text));
      },
    },
    close() {
      closing ??= writes.idle().then(() => connection.close());
      return closing;
    },
  };
}

function connect({ path, database, synchronous = 'FULL', lockTimeoutMs = 15_000 }: SqliteStoreOptions): Connection {
  const settings = { synchronous, lockTimeoutMs };
  const connection = createConnection({ ...settings, ...(database ? given(database) : file(path)) });
  connection.open();
  return connection;
}

type Opening = Pick<ConnectionOptions, 'place' | 'open'>;

const given = (database: SqliteDatabase): Opening => ({ place: 'The database', open: () => ({ database }) });

function file(path: string): Opening {
  if (path === '' || path.includes('\0'))
    throw new StoreUnavailableError('open', `${JSON.stringify(path)} is no path of a file.`);
  const place = path === ':memory:' ? path : resolve(path);
  const directory = dirname(place);
  const driver = findDriver();
  return {
    place,
    open() {
      if (path !== ':memory:' && !existsSync(directory)) {
        throw new StoreUnavailableError(
          'open',
          `the directory ${directory} does not exist. Make it first, or choose another path.`,
        );
      }
      const database = driver(place);
      return { database, close: () => database.close() };
    },
  };
}

/** Each request is answered for itself, but not before all that was written is durable. */
async function performTogether(connection: Connection, group: readonly GroupedRequest<Write, unknown>[]): Promise<void> {
  try {
    const answers = await connection.transact('write', (session) => group.map((request) => answerTo(request, session)));
    for (const answer of answers) answer();
  } catch (error) {
    if (!(error instanceof StoreCorruptError) || group.length === 1) throw error;
    // What is damaged may be one run of them only.
    for (const request of group) await performTogether(connection, [request]).catch(request.reject);
  }
}

/** Makes a change and gives how to answer it. @throws what is not the change's own refusal, but a fault of the whole transaction. */
function answerTo({ ask, resolve: answer, reject }: GroupedRequest<Write, unknown>, session: Session): () => void {
  try {
    const value = ask(session);
    return () => answer(value);
  } catch (error) {
    if (!isPlanwrightError(error)) throw error;
    return () => reject(error);
  }
}
