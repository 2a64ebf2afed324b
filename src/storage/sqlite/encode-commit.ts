import type { Commit } from '../../core/ports/store.js';
import type { Json } from '../../core/shared/json.js';
import { keyOf, noKey } from './keys.js';
import { checksumOf, encodeValue, sizeOf, type StoredValue } from './values.js';

/** A value and the checksum of its row. */
export interface SummedValue {
  readonly value: StoredValue;
  readonly checksum: number;
}

/** A commit as it will be stored. */
export interface EncodedCommit {
  readonly runId: string;
  readonly expectedSeq: number;
  readonly fence: number;
  /** `seq` of the newest entry afterwards. */
  readonly seq: number;
  readonly compactTo: number;
  readonly entries: SummedValue | null;
  /** `null` for a part that is taken away. */
  readonly parts: ReadonlyMap<string, SummedValue | null>;
  readonly summary: StoredValue;
  readonly status: string;
  readonly open: number;
  /** {@link noKey} where there is none. */
  readonly parentTicket: string | Uint8Array;
  /** Bytes of all values. */
  readonly bytes: number;
}

/** Writes a commit down as it is now, whatever becomes of the objects in it. @throws StoreValueError for what is too large. */
export function encodeCommit({ runId, expectedSeq, fence, entries, summary, checkpoint, compactTo = 0 }: Commit): EncodedCommit {
  const seq = expectedSeq + entries.length;
  const stored = encodeValue(summary, runId);
  let bytes = sizeOf(stored);
  const summed = (value: unknown, key: number | string): SummedValue => {
    const encoded = encodeValue(value, runId);
    bytes += sizeOf(encoded);
    return { value: encoded, checksum: checksumOf(encoded, runId, key) };
  };
  const parts = new Map<string, SummedValue | null>();
  for (const [name, part] of Object.entries<Json | undefined>(checkpoint ?? {})) {
    // As in JSON, what is undefined is not there.
    if (part !== undefined) parts.set(name, part === null ? null : summed(part, name));
  }
  const { status, parentTicket } = summary;
  return {
    runId,
    expectedSeq,
    fence,
    seq,
    compactTo,
    entries: entries.length === 0 ? null : summed(entries, seq),
    parts,
    summary: stored,
    status,
    open: summary.open ? 1 : 0,
    parentTicket: parentTicket === null ? noKey : keyOf(parentTicket),
    bytes,
  };
}
