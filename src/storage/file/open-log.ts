import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { removeFile } from './directory.js';
import type { DirectoryLock } from './lock-directory.js';
import { closeLog, createLogFile, openLogFile, sealLog } from './log-file.js';
import { applyGroup } from './read-group.js';
import { type IndexedLog, nameLog, rewriteLog } from './rewrite-log.js';
import { createRunIndex } from './run-index.js';
import { scanLog } from './scan-log.js';

/** The number of the lock under which a log was begun, and which of its logs it is: the highest is the newest. */
const logName = /^\d{8}-\d{8}\.log$/;

/** A log's name. No two holders of a lock ever use the same. */
export const logPath = (directory: string, lockNumber: number, count: number): string =>
  join(directory, `${String(lockNumber).padStart(8, '0')}-${String(count).padStart(8, '0')}.log`);

/**
 * Opens the newest log of a directory, or begins the first. One that was not closed in good order is written anew: whoever left it may
 * still write to it, and its end may be torn.
 *
 * @throws StoreCorruptError, StoreFormatError
 */
export async function openLog(directory: string, lock: DirectoryLock): Promise<IndexedLog> {
  const newest = logNames(directory).at(-1);
  const path = logPath(directory, lock.number, 1);
  const opened = newest === undefined ? await beginLog(path) : await reopenLog(join(directory, newest), { path, lock });
  // Whoever has taken the directory over in the meantime may have based its log on one of these.
  if (lock.isHeld()) removeLogsBelow(opened.log.path, directory);
  return opened;
}

async function beginLog(path: string): Promise<IndexedLog> {
  const draftPath = `${path}.new`;
  removeFile(draftPath);
  const log = createLogFile(draftPath);
  try {
    await sealLog(log);
    return nameLog({ log, index: createRunIndex() }, path);
  } catch (error) {
    closeLog(log);
    throw error;
  }
}

async function reopenLog(oldPath: string, { path, lock }: { path: string; lock: DirectoryLock }): Promise<IndexedLog> {
  const log = openLogFile(oldPath);
  const index = createRunIndex();
  let stays = false;
  try {
    const { isTorn } = await scanLog(log, ({ body, offset }) => applyGroup(index, { body, offset, path: oldPath }));
    log.synced = log.groups;
    stays = lock.wasClosed && !isTorn;
    if (stays) return { log, index };
    const complete = async (finish: () => Promise<IndexedLog>) => nameLog(await finish(), path);
    return await rewriteLog({ log, index }, { draftPath: `${path}.new`, complete });
  } finally {
    if (!stays) closeLog(log);
  }
}

const logNames = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((name) => logName.test(name))
    .sort();

/** Removes logs, and drafts of logs, that were left behind by whoever was stopped while it wrote one anew. */
function removeLogsBelow(path: string, directory: string): void {
  for (const name of readdirSync(directory)) {
    const other = join(directory, name);
    if (other < path && (logName.test(name) || logName.test(name.replace(/\.new$/, '')))) removeFile(other);
  }
}
