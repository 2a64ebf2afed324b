import { crc32 } from 'node:zlib';

import { StoreCorruptError } from '../../core/shared/store-error.js';
import { type LogFile, readBytes } from './log-file.js';
import type { Place } from './records.js';

/** Texts that lie closer together than this are read in one go, along with what is between them. */
const gapBytes = 4_096;
const spanBytes = 4 << 20;

/** The texts at some places of a log, in the order of the places. @throws StoreCorruptError for one that has changed. */
export function readTexts({ handle, path }: LogFile, places: readonly Place[]): string[] {
  const inOrder = places.map((place, index) => ({ ...place, index })).sort((one, other) => one.offset - other.offset);
  const texts = Array.from<string>({ length: places.length });
  let start = 0;
  while (start < inOrder.length) {
    const from = inOrder[start]!.offset;
    let end = start + 1;
    let to = endOf(inOrder[start]!);
    for (let next = inOrder[end]; next && next.offset - to < gapBytes && endOf(next) - from < spanBytes; next = inOrder[end]) {
      to = endOf(next);
      end += 1;
    }
    const span = readBytes(handle, from, to - from);
    for (const { index, offset, bytes, checksum } of inOrder.slice(start, end)) {
      const text = span.subarray(offset - from, offset - from + bytes);
      if (text.length < bytes || crc32(text) !== checksum) {
        throw new StoreCorruptError(`${path}, byte ${offset}`, 'The text there is not the one that was written.');
      }
      texts[index] = text.toString();
    }
    start = end;
  }
  return texts;
}

const endOf = ({ offset, bytes }: Place): number => offset + bytes;
