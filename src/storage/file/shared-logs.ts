import { mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

import { syncDirectory } from './directory.js';
import { unavailable } from './file-fault.js';
import { type FileLog, openFileLog } from './file-log.js';

interface SharedLog {
  readonly opening: Promise<FileLog>;
  /** Set when it is open. */
  log?: FileLog;
  users: number;
  /** Set when the last user has gone. */
  closing?: Promise<void>;
}

/** By the real path of the directory. */
const sharedLogs = new Map<string, SharedLog>();

/** A log as one of its users has it. */
export interface LogHold {
  readonly log: FileLog;
  /** Resolves when everything is written; for the last user, when the log is closed. */
  release(): Promise<void>;
}

/**
 * Opens the log of a directory, which is made if need be, or takes part in the one that is open: stores of one process work on one
 * log. `path` is absolute.
 *
 * @throws StoreUnavailableError, StoreCorruptError, StoreFormatError
 */
export async function holdLog(path: string): Promise<LogHold> {
  try {
    makeDirectory(path);
    const realPath = realpathSync(path);
    let shared = sharedLogs.get(realPath);
    while (shared?.closing) {
      await shared.closing;
      shared = sharedLogs.get(realPath);
    }
    if (!shared || shared.log?.isLost) {
      shared = { opening: openFileLog(realPath), users: 0 };
      sharedLogs.set(realPath, shared);
    }
    return await joinLog(realPath, shared);
  } catch (error) {
    throw unavailable('open', error);
  }
}

async function joinLog(path: string, shared: SharedLog): Promise<LogHold> {
  const forget = (): void => {
    if (sharedLogs.get(path) === shared) sharedLogs.delete(path);
  };
  shared.users += 1;
  let log: FileLog;
  try {
    log = await shared.opening;
  } catch (error) {
    forget();
    throw error;
  }
  shared.log = log;
  return {
    log,
    async release() {
      shared.users -= 1;
      await log.settle();
      // Another may have come in the meantime, or have been the last to go.
      if (shared.users === 0) shared.closing ??= log.close().finally(forget);
      await shared.closing;
    },
  };
}

function makeDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true });
  if (made === undefined) return;
  for (let current = path; current !== dirname(made); current = dirname(current)) syncDirectory(dirname(current));
}
