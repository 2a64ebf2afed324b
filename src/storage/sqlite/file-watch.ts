import { statSync } from 'node:fs';

import { StoreUnavailableError } from '../../core/shared/store-error.js';

/**
 * Notices that an open database is no longer the file of its name. SQLite goes on writing to a file that was deleted or replaced,
 * and what it writes there is lost.
 */
export interface FileWatch {
  /** The file that is open now, and its write-ahead log. An empty path is a database without a file. */
  watch(path: string): void;
  /** The log may go: the database is being closed. */
  forgetLog(): void;
  /** @throws StoreUnavailableError */
  check(): void;
}

/** Watches nothing at first. What was watched once may not be another file later. */
export function createFileWatch(): FileWatch {
  const identities = new Map<string, string | undefined>();
  let log = '';
  return {
    watch(path) {
      if (path === '') return;
      log = `${path}-wal`;
      identities.set(path, identityOf(path));
      identities.set(log, identityOf(log));
    },
    forgetLog() {
      identities.delete(log);
    },
    check() {
      for (const [path, identity] of identities) {
        if (identity === undefined || identityOf(path) === identity) continue;
        const remedy = 'Put it back as it was, or make a new store to go on with what is there now.';
        throw new StoreUnavailableError('go on', `${path} was deleted, moved or replaced while it was open. ${remedy}`);
      }
    },
  };
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}.${found.ino}`;
}
