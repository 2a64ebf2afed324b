import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';

import { StoreCorruptError } from '../../core/shared/store-error.js';
import { type LogFile, readBytes } from './log-file.js';
import { type GroupHead, groupHeadBytes, logHeadBytes, readGroupHead } from './log-format.js';

/** A group as it lies in a log. */
export interface FoundGroup {
  readonly head: GroupHead;
  readonly body: Buffer;
  /** Where the body lies. */
  readonly offset: number;
}

/** A log, and how far it was read. */
export interface ScannedLog extends Pick<LogFile, 'path' | 'handle' | 'head' | 'seed' | 'end' | 'groups'> {
  /** Read up to here. Default: to the end of the file. */
  readonly to?: number;
}

export interface ScanResult {
  /** Whether the log ends with a group that was not wholly written. Nobody was told that it was. */
  readonly isTorn: boolean;
}

const windowBytes = 1 << 20;
/** Shorter than any piece of a group that a sector can hold, longer than what one changed byte can look like. */
const hole = Buffer.alloc(16);

/**
 * Reads a log from its start and leaves it as its writer did: at the end of the last group that is sound. What comes then is one of
 * two things.
 *
 * - A torn tail: the power failed, or the process was killed, or the disk was full, before the last group was wholly written.
 *   Parts of it are missing, which shows as an early end of the file or as zeros in place of whole sectors. It is left out: its writer never
 *   answered for it.
 * - Damage: every byte is there but they are others than were written; or parts are missing of a group that was on the disk
 *   for certain, which shows by anything behind it, because a writer waits for the disk before it goes on. Nothing is left out or
 *   guessed then.
 *
 * What cannot be told apart: the very last group (and those before it for which nobody waited), lost whole or in whole sectors
 * although the disk had reported it written. It is taken for torn.
 *
 * @throws StoreCorruptError for damage.
 */
export async function scanLog(log: ScannedLog, take: (group: FoundGroup) => void): Promise<ScanResult> {
  const read = createWindow(log.handle);
  let turnAt = log.end + 8 * windowBytes;
  while (log.end !== log.to) {
    const headBytes = read(log.end, groupHeadBytes);
    if (headBytes.length === 0 && log.end >= log.head.sealedTo) return { isTorn: false };
    const head = readGroupHead(headBytes, log.seed);
    const body = head && read(log.end + groupHeadBytes, head.bodyBytes);
    if (head?.number !== log.groups + 1 || body?.length !== head.bodyBytes || crc32(body) !== head.bodyChecksum) break;
    take({ head, body, offset: log.end + groupHeadBytes });
    log.end += groupHeadBytes + body.length;
    log.groups += 1;
    if (log.end < turnAt) continue;
    turnAt = log.end + 8 * windowBytes;
    await nextTurn();
  }
  if (log.end === log.to) return { isTorn: false };
  const damage = damageAt(log, read);
  if (damage === undefined) return { isTorn: true };
  throw new StoreCorruptError(`${log.path}, byte ${log.end}`, damage);
}

/** What is wrong where a log cannot be read on, unless it is a torn tail. */
function damageAt({ end, groups, seed, head: logHead }: ScannedLog, read: ReadAt): string | undefined {
  const headBytes = read(end, groupHeadBytes);
  const head = readGroupHead(headBytes, seed);
  if (head && head.number !== groups + 1) return `Group ${head.number} stands there instead of group ${groups + 1}.`;
  const wanted = groupHeadBytes + (head?.bodyBytes ?? 0);
  const found = head ? read(end, wanted) : headBytes;
  if (found.length === wanted && !found.includes(hole)) return `Group ${groups + 1} fails its checksum.`;
  if (end < logHead.sealedTo) return `Parts of group ${groups + 1} are missing, which was on the disk when the log was begun.`;
  if (head?.hold === 'awaited' && read(end + wanted, 1).length > 0) return missing(groups + 1);
  return isFollowed({ end, groups, seed }, read) ? missing(groups + 1) : undefined;
}

const missing = (group: number): string => `Parts of group ${group} are missing, though others were written behind it.`;

/** Whether there is a group further on that says that the next one was on the disk. */
function isFollowed({ end, groups, seed }: Pick<ScannedLog, 'end' | 'groups' | 'seed'>, read: ReadAt): boolean {
  for (let offset = end; ; offset += logHeadBytes / 4) {
    const bytes = read(offset, groupHeadBytes);
    if (bytes.length < groupHeadBytes) return false;
    // Most of what is passed over is no head, and to try is slow.
    const head = bytes[45] === 0x20 && bytes[47] === 0x0a ? readGroupHead(bytes, seed) : undefined;
    if (head && head.synced > groups) return true;
  }
}

type ReadAt = (offset: number, length: number) => Buffer;

/** Reads ahead, because most groups are small. */
function createWindow(handle: number): ReadAt {
  let start = 0;
  let bytes: Buffer = Buffer.alloc(0);
  return (offset, length) => {
    const isInside = offset >= start && offset + length <= start + bytes.length;
    if (!isInside) {
      start = offset;
      bytes = readBytes(handle, offset, Math.max(length, windowBytes));
    }
    return bytes.subarray(offset - start, offset - start + length);
  };
}
