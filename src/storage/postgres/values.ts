import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync, constants, crc32 } from 'node:zlib';

import { StoreCorruptError, StoreValueError } from '../../core/shared/store-error.js';

/** From so many bytes on, text is compressed: less goes over the network, and less is written. */
const compressedFrom = 512;
/** From so many bytes on, that is done beside the event loop. */
const asideFrom = 65_536;
/** What one commit may bring. PostgreSQL takes no message of 1 GiB. */
const maxBytes = 900_000_000;

const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const compressAside = promisify(brotliCompress);
const decompressAside = promisify(brotliDecompress);

// A stored value: how it is written, a sum over the rest, and the rest.
const headSize = 5;
const plain = 0x6a; // j
const compressed = 0x62; // b

/** @throws StoreValueError for what is too large or too deeply nested to be written down. */
export function jsonOf(value: unknown, runId: string): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw new StoreValueError(runId, `it is too large or too deeply nested (${error.message}).`);
    throw error;
  }
}

/** JSON text as it is stored. @throws StoreValueError for what is too large. */
export async function encodeText(text: string, runId: string): Promise<Buffer> {
  const bytes = Buffer.from(text);
  if (bytes.length < compressedFrom) return framed(plain, bytes);
  const packed = bytes.length < asideFrom ? brotliCompressSync(bytes, fast) : await compressAside(bytes, fast);
  if (packed.length > maxBytes) {
    throw new StoreValueError(runId, `it takes ${packed.length} bytes where one commit may bring ${maxBytes}.`);
  }
  return framed(compressed, packed);
}

function framed(kind: number, bytes: Buffer): Buffer {
  const head = Buffer.allocUnsafe(headSize);
  head[0] = kind;
  head.writeUInt32LE(crc32(bytes), 1);
  return Buffer.concat([head, bytes]);
}

/** `place` names the row. @throws StoreCorruptError for what is not as it was written. */
export async function decodeValue(value: unknown, place: string): Promise<unknown> {
  if (!(value instanceof Uint8Array) || value.length < headSize) throw new StoreCorruptError(place, 'a value is cut short.');
  const stored = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const bytes = stored.subarray(headSize);
  if (crc32(bytes) !== stored.readUInt32LE(1)) throw new StoreCorruptError(place, 'a value is not what was written there.');
  try {
    return JSON.parse(await textIn(bytes, stored[0])) as unknown;
  } catch (cause) {
    throw new StoreCorruptError(place, 'a value cannot be read.', { cause });
  }
}

async function textIn(bytes: Buffer, kind: number | undefined): Promise<string> {
  if (kind === plain) return bytes.toString();
  const unpacked = bytes.length < asideFrom / 4 ? brotliDecompressSync(bytes) : await decompressAside(bytes);
  return unpacked.toString();
}
