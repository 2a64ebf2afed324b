import { brotliCompressSync, brotliDecompressSync, constants, crc32 } from 'node:zlib';

import type { Json } from '../../core/shared/json.js';
import { StoreCorruptError, StoreValueError } from '../../core/shared/store-error.js';

/** A value as it is stored: JSON text, or the same compressed. */
export type StoredValue = string | Uint8Array;

/**
 * From so many characters on, text is compressed. Below, to compress costs more than a row is worth: 10 µs where the rest of a
 * commit's work is 20.
 */
const compressedFrom = 512;

/** What one value may come to. SQLite's own limit for a row is 10⁹. */
const maxBytes = 900_000_000;

// Measured on journals of 200-byte outputs (Node 20): brotli at 1 makes 172 bytes a step of 490 in 0.8 µs, deflate at 1 184 in 2.1, and at 6
// 179 in 4; brotli at 0 saves 0.1 µs and makes 198, at 2 it takes 1.3 for the same.
const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** @throws StoreValueError for what is too large or too deeply nested to be written down. */
export function encodeValue(value: unknown, runId: string): StoredValue {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw new StoreValueError(runId, `it is too large or too deeply nested (${error.message}).`);
    throw error;
  }
  if (text.length < compressedFrom) return text;
  const bytes = brotliCompressSync(text, fast);
  const size = bytes.length;
  if (size > maxBytes) throw new StoreValueError(runId, `it takes ${size} bytes where one commit may bring ${maxBytes}.`);
  return bytes;
}

/** `place` names the row. @throws StoreCorruptError for what is not as {@link encodeValue} made it. */
export function decodeValue(value: StoredValue, place: string): Json {
  try {
    return JSON.parse(typeof value === 'string' ? value : brotliDecompressSync(value).toString()) as Json;
  } catch (cause) {
    throw new StoreCorruptError(place, 'it does not hold what was written there.', { cause });
  }
}

/** Bytes that a value takes. */
export const sizeOf = (value: StoredValue): number => (typeof value === 'string' ? Buffer.byteLength(value) : value.length);

/**
 * A sum over a value and over what else of its row must not change unseen, such as whose it is. 32 bits, signed, as SQLite stores them
 * shortest.
 */
export const checksumOf = (value: StoredValue, ...rest: readonly (string | number)[]): number =>
  crc32(rest.join(' '), crc32(value)) | 0;
