import { setTimeout as pause } from 'node:timers/promises';

import { StoreClosedError, StoreUnavailableError } from '../../core/shared/store-error.js';
import { createSession, type Session, type SqliteDatabase } from './database.js';
import { failureOf, isLocked, wantsReopening } from './failure.js';
import { createFileWatch } from './file-watch.js';
import { fileOf, prepareDatabase, rollBack } from './schema.js';

export interface ConnectionOptions {
  /** Names the database in messages. */
  readonly place: string;
  /** Gives the database, with `close` where it is for the store to close it. It may then be opened again. */
  readonly open: () => { readonly database: SqliteDatabase; readonly close?: () => unknown };
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly lockTimeoutMs: number;
}

/** A database that is opened when it is needed, and anew after its medium failed. */
export interface Connection {
  /** Opens the database. One that is locked is left for the first transaction. @throws where it cannot be used. */
  open(): void;
  /**
   * Runs `work` in a transaction, again and again while somebody else holds the lock. Other work of the process goes on meanwhile.
   *
   * @throws StoreClosedError, StoreUnavailableError, StoreCorruptError, StoreFormatError, and what `work` throws. Nothing is then written.
   */
  transact<T>(kind: 'read' | 'write', work: (session: Session) => T): Promise<T>;
  close(): void;
}

interface Opened {
  readonly database: SqliteDatabase;
  readonly session: Session;
  readonly close: (() => unknown) | undefined;
}

const longestPauseMs = 25;

export function createConnection({ place, open, synchronous, lockTimeoutMs }: ConnectionOptions): Connection {
  const files = createFileWatch();
  let current: Opened | undefined;
  let isClosed = false;

  const opened = (): Opened => {
    if (isClosed) throw new StoreClosedError();
    files.check();
    if (current) return current;
    const { database, close } = open();
    try {
      prepareDatabase(database, { place, synchronous });
      files.watch(fileOf(database));
      current = { database, session: createSession(database), close };
      return current;
    } catch (error) {
      close?.();
      throw error;
    }
  };

  const attempt = <T>(kind: 'read' | 'write', work: (session: Session) => T): T => {
    const { database, session } = opened();
    session.run(kind === 'read' ? 'BEGIN' : 'BEGIN IMMEDIATE');
    try {
      const answer = work(session);
      session.run('COMMIT');
      return answer;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  };

  /** Whether it was for us to close: then the next transaction opens it again. */
  const letGo = (): void => {
    if (!current?.close) return;
    const { close } = current;
    current = undefined;
    files.forgetLog();
    quietly(close);
  };

  return {
    open() {
      try {
        opened();
      } catch (error) {
        if (!isLocked(error)) throw failureOf(error, { operation: 'open', place });
      }
    },
    async transact(kind, work) {
      const givesUpAt = performance.now() + lockTimeoutMs;
      for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
        try {
          return attempt(kind, work);
        } catch (error) {
          if (wantsReopening(error)) letGo();
          if (!isLocked(error)) throw failureOf(error, { operation: kind, place });
          if (performance.now() >= givesUpAt) throw lockedTooLong(error, { kind, place, lockTimeoutMs });
        }
        // Processes that wait for the same lock should not all come back at once.
        await pause(pauseMs * (0.5 + Math.random() / 2));
      }
    },
    close() {
      isClosed = true;
      // Nothing is lost where this fails: what is in the log is durable, and read from there by whoever opens the database next.
      if (current) quietly(() => current?.database.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
      letGo();
    },
  };
}

function quietly(act: () => unknown): void {
  try {
    act();
  } catch {
    // See where it is called.
  }
}

function lockedTooLong(
  cause: unknown,
  { kind, place, lockTimeoutMs }: { readonly kind: string; readonly place: string; readonly lockTimeoutMs: number },
): StoreUnavailableError {
  const detail = `${place} has been locked for ${lockTimeoutMs} ms. End the transaction that holds it, or wait longer (\`lockTimeoutMs\`).`;
  return new StoreUnavailableError(kind, detail, { cause });
}
