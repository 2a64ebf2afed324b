import { readFileSync } from 'node:fs';

/** Bytes of the head of a write-ahead log, and of the head of each frame in it: https://www.sqlite.org/fileformat2.html#walformat */
export const logHead = 32;
export const frameHead = 24;

/** A write-ahead log as it lies on the disk. */
export interface Log {
  readonly bytes: Buffer;
  readonly frameBytes: number;
  /** Where the last transaction ends that is whole. What lies behind is of an earlier round, or of nobody. */
  readonly end: number;
}

/** Reads the log beside a database. The frames of its present round carry the salts of its head; the last of a transaction says so. */
export function readLog(path: string): Log {
  const bytes = readFileSync(`${path}-wal`);
  const frameBytes = frameHead + bytes.readUInt32BE(8);
  const salts = bytes.subarray(16, 24);
  let end = logHead;
  for (let at = logHead; at + frameBytes <= bytes.length; at += frameBytes) {
    if (!bytes.subarray(at + 8, at + 16).equals(salts)) break;
    if (bytes.readUInt32BE(at + 4) > 0) end = at + frameBytes;
  }
  return { bytes, frameBytes, end };
}

/** Where a log with damage is whole to: before its head, or at the end of the last frame before the first byte that differs. */
export function wholeTo(log: Log, damaged: Buffer): number {
  let first = 0;
  const length = Math.min(log.bytes.length, damaged.length);
  while (first < length && log.bytes[first] === damaged[first]) first += 1;
  if (first === log.bytes.length) return first;
  return first < logHead ? 0 : logHead + Math.floor((first - logHead) / log.frameBytes) * log.frameBytes;
}

/** Numbers that look like chance and are the same each time. */
export function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
