import { crc32 } from 'node:zlib';

import { StoreCorruptError, StoreFormatError } from '../../core/shared/store-error.js';

/*
 * A log is a head of 64 bytes and groups behind it. A group is what was written at once: a head of 48 bytes and a body of JSON lines.
 *
 * No byte of it is zero, and groups start and end at multiples of 16. So whatever a disk did not write of a group (it writes whole
 * sectors, in any order) shows as at least 16 zeros, or as an end of the file that comes too soon; and one byte that changed later
 * never looks like that.
 */

/** The newest format that is written; the only one so far. */
const version = 1;
const supported: readonly number[] = [version];

export const logHeadBytes = 64;
export const groupHeadBytes = 48;
const alignment = 16;

/** What stands before the groups. */
export interface LogHead {
  /** 16 hexadecimal digits that no other log has. They go into every group's checksum, so that a group of another file is none here. */
  readonly salt: string;
  /** Up to here the log was on the disk before it got its name: nothing of that can be torn. */
  readonly sealedTo: number;
}

/** Whether the writer waits until a group is on the disk before it writes the next. */
export type GroupHold = 'awaited' | 'sent';
const holdMarks: Readonly<Record<GroupHold, string>> = { awaited: '#', sent: '~' };

export interface GroupHead {
  /** 1 for the first group of a file, and one more for each. */
  readonly number: number;
  /** The newest group that was on the disk for certain when this one was written. */
  readonly synced: number;
  readonly bodyBytes: number;
  readonly bodyChecksum: number;
  readonly hold: GroupHold;
}

export function encodeLogHead({ salt, sealedTo }: LogHead): Buffer {
  const text = `planwright log ${version} ${salt} ${sealedTo.toString(16).padStart(12, '0')}`;
  return Buffer.from(`${text} ${hex(crc32(text))}`.padEnd(logHeadBytes - 1) + '\n');
}

/** @throws StoreFormatError for a version that is not known, StoreCorruptError for what is no head of a log. */
export function readLogHead(bytes: Buffer, path: string): LogHead {
  const text = bytes.toString('latin1');
  const found = /^planwright log (\d+) /.exec(text)?.[1];
  if (found !== undefined && !supported.includes(Number(found))) throw new StoreFormatError(path, Number(found), supported);
  const [, salt = '', sealedTo = ''] = /^planwright log \d+ ([\da-f]{16}) ([\da-f]{12}) /.exec(text) ?? [];
  const head = { salt, sealedTo: Number.parseInt(sealedTo, 16) };
  if (!encodeLogHead(head).equals(bytes)) throw new StoreCorruptError(path, 'It does not begin as a log does.');
  return head;
}

/** What the checksums of a log's group heads start from. */
export const seedOf = ({ salt }: LogHead): number => crc32(salt);

/** A group as it is written, and where in it the body lies. */
export function encodeGroup(
  text: string,
  head: Pick<GroupHead, 'number' | 'synced' | 'hold'> & { readonly seed: number },
): Buffer {
  const textBytes = Buffer.byteLength(text);
  const bodyBytes = Math.ceil(textBytes / alignment) * alignment;
  const group = Buffer.allocUnsafe(groupHeadBytes + bodyBytes);
  group.write(text, groupHeadBytes);
  group.fill('\n', groupHeadBytes + textBytes);
  const bodyChecksum = crc32(group.subarray(groupHeadBytes));
  group.write(groupHeadText({ ...head, bodyBytes, bodyChecksum }, head.seed), 'latin1');
  return group;
}

/** A group that was written to another file, or under another number, with the same body. */
export function encodeGroupHead(head: GroupHead, seed: number): Buffer {
  return Buffer.from(groupHeadText(head, seed), 'latin1');
}

/** `undefined` for whatever was not written as the head of a group of this very log. */
export function readGroupHead(bytes: Buffer, seed: number): GroupHead | undefined {
  const text = bytes.toString('latin1');
  const hold = (Object.keys(holdMarks) as GroupHold[]).find((name) => holdMarks[name] === text[0]);
  const fields = /^.([\da-f]{8}) ([\da-f]{8}) ([\da-f]{8}) ([\da-f]{8}) /.exec(text);
  if (hold === undefined || !fields) return undefined;
  const [number = 0, synced = 0, bodyBytes = 0, bodyChecksum = 0] = fields.slice(1).map((field) => Number.parseInt(field, 16));
  const head = { number, synced, bodyBytes, bodyChecksum, hold };
  return groupHeadText(head, seed) === text && bodyBytes % alignment === 0 ? head : undefined;
}

function groupHeadText({ number, synced, bodyBytes, bodyChecksum, hold }: GroupHead, seed: number): string {
  const start = `${holdMarks[hold]}${hex(number)} ${hex(synced)} ${hex(bodyBytes)} ${hex(bodyChecksum)} `;
  return `${start}${hex(crc32(start, seed))}  \n`;
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
