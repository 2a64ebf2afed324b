import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';

import {
  encodeGroup,
  encodeLogHead,
  type GroupHold,
  groupHeadBytes,
  type LogHead,
  logHeadBytes,
  readLogHead,
  seedOf,
} from './log-format.js';

/** A log that is open. What it says of itself holds between writes; whoever writes keeps it so. */
export interface LogFile {
  readonly path: string;
  readonly handle: number;
  readonly inode: number;
  readonly head: LogHead;
  readonly seed: number;
  /** Where the next group goes. */
  end: number;
  /** Number of the newest group. */
  groups: number;
  /** The newest group that is on the disk for certain. */
  synced: number;
}

/** A place to which a log can be cut back. */
export type LogMark = Pick<LogFile, 'end' | 'groups'>;

/** A new log without groups. Not on the disk yet. */
export const createLogFile = (path: string): LogFile =>
  openHandle(path, 'wx+', (handle) => {
    const head = { salt: randomBytes(8).toString('hex'), sealedTo: logHeadBytes };
    writeWhole(handle, encodeLogHead(head), 0);
    return head;
  });

/** A log that is there, as if it had no groups: to find them is up to the caller. @throws StoreFormatError, StoreCorruptError */
export const openLogFile = (path: string): LogFile =>
  openHandle(path, 'r+', (handle) => readLogHead(readBytes(handle, 0, logHeadBytes), path));

function openHandle(path: string, flags: string, headOf: (handle: number) => LogHead): LogFile {
  const handle = openSync(path, flags);
  try {
    const head = headOf(handle);
    const inode = fstatSync(handle).ino;
    return { path, handle, inode, head, seed: seedOf(head), end: logHeadBytes, groups: 0, synced: 0 };
  } catch (error) {
    closeLog({ handle });
    throw error;
  }
}

/** Says in the head of a new log that all of it is on the disk, and puts it there. */
export async function sealLog(log: LogFile): Promise<void> {
  writeWhole(log.handle, encodeLogHead({ ...log.head, sealedTo: log.end }), 0);
  await syncLog(log);
}

/** Writes a group behind the last, and says where its body lies. What fails on its way is to be cut off before the next is written. */
export function appendGroup(log: LogFile, text: string, hold: GroupHold): { readonly body: Buffer; readonly offset: number } {
  const group = encodeGroup(text, { number: log.groups + 1, synced: log.synced, hold, seed: log.seed });
  const offset = appendEncoded(log, group);
  return { body: group.subarray(groupHeadBytes), offset };
}

/** The same for a group that is encoded already. */
export function appendEncoded(log: LogFile, group: Buffer): number {
  const start = log.end;
  writeWhole(log.handle, group, start);
  log.end += group.length;
  log.groups += 1;
  return start + groupHeadBytes;
}

/** Waits until all that was written is on the disk. */
export async function syncLog(log: LogFile): Promise<void> {
  const { groups } = log;
  await new Promise<void>((resolve, reject) => {
    fdatasync(log.handle, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  log.synced = groups;
}

/** Takes back what was written after a mark, also from the disk. */
export function cutLog(log: LogFile, { end, groups }: LogMark): void {
  ftruncateSync(log.handle, end);
  fdatasyncSync(log.handle);
  log.end = end;
  log.groups = groups;
  log.synced = Math.min(log.synced, groups);
}

/** What was to be on the disk is there, and what else could fail is over: nobody is helped by an error. */
export function closeLog({ handle }: Pick<LogFile, 'handle'>): void {
  try {
    closeSync(handle);
  } catch {
    // The system has let go of it all the same.
  }
}

/** Whether the file still goes by its name: someone may have removed it, or its directory. */
export const isInPlace = ({ path, inode }: Pick<LogFile, 'path' | 'inode'>): boolean =>
  statSync(path, { throwIfNoEntry: false })?.ino === inode;

/** Fewer bytes than asked for where the file ends. */
export function readBytes(handle: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const more = readSync(handle, bytes, read, length - read, offset + read);
    if (more === 0) break;
    read += more;
  }
  return bytes.subarray(0, read);
}

/** A disk that is nearly full takes a part, and says so only when asked to take the rest. */
function writeWhole(handle: number, bytes: Buffer, offset: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(handle, bytes, written, bytes.length - written, offset + written);
  }
}
