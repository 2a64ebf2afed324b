import { crc32 } from 'node:zlib';

import { StoreCorruptError } from '../../core/shared/store-error.js';
import type { LogRecord, Place } from './records.js';
import type { RunIndex } from './run-index.js';

const lineEnd = 0x0a;

/**
 * Takes what a group says into the index. `body` is its text, sound by its checksum, and `offset` where in the log it lies.
 *
 * @throws StoreCorruptError for what no writer of this format writes.
 */
export function applyGroup(index: RunIndex, { body, offset, path }: { body: Buffer; offset: number; path: string }): void {
  let position = 0;
  const placeOf = (bytes: number): Place => {
    const place = { offset: offset + position, bytes, checksum: crc32(body.subarray(position, position + bytes)) };
    position += bytes + 1;
    return place;
  };
  // What is left after the last line are line ends, which fill the group up.
  while (position < body.length && body[position] !== lineEnd) {
    const end = body.indexOf(lineEnd, position);
    const record = parseRecord(body.toString('utf8', position, end), `${path}, byte ${offset + position}`);
    position = end + 1;
    if (!('commit' in record)) {
      index.apply(record);
      continue;
    }
    const entries = record.entries && placeOf(record.entries[2]);
    const parts = (record.parts ?? []).map(([, bytes]) => (bytes === undefined ? undefined : placeOf(bytes)));
    index.apply(record, { entries, parts });
  }
}

function parseRecord(text: string, place: string): LogRecord {
  try {
    return JSON.parse(text) as LogRecord;
  } catch (cause) {
    throw new StoreCorruptError(place, 'What stands there is no record of a log.', { cause });
  }
}
