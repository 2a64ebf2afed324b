import type { Commit } from '../../core/ports/store.js';
import { keyOf } from './keys.js';
import { encodeValue, sizeOf, type StoredValue } from './values.js';

/** A commit as it will be stored. */
export interface EncodedCommit {
  readonly runId: string;
  readonly expectedSeq: number;
  readonly fence: number;
  /** `seq` of the newest entry afterwards. */
  readonly seq: number;
  readonly compactTo: number;
  readonly entries: StoredValue | null;
  /** `null` for a part that is taken away. */
  readonly parts: ReadonlyMap<string, StoredValue | null>;
  readonly summary: StoredValue;
  readonly status: string;
  readonly open: number;
  readonly parentTicket: string | Uint8Array | null;
  /** Bytes of all values. */
  readonly bytes: number;
}

/** Writes a commit down as it is now, whatever becomes of the objects in it. @throws StoreValueError for what is too large. */
export function encodeCommit({ runId, expectedSeq, fence, entries, summary, checkpoint, compactTo = 0 }: Commit): EncodedCommit {
  const parts = new Map<string, StoredValue | null>();
  for (const [name, part] of Object.entries(checkpoint ?? {})) {
    // As in JSON, what is undefined is not there.
    if ((part as unknown) !== undefined) parts.set(name, part === null ? null : encodeValue(part, runId));
  }
  const values = {
    entries: entries.length === 0 ? null : encodeValue(entries, runId),
    summary: encodeValue(summary, runId),
  };
  let bytes = 0;
  for (const value of [values.entries, values.summary, ...parts.values()]) if (value !== null) bytes += sizeOf(value);
  const { status, parentTicket } = summary;
  return {
    runId,
    expectedSeq,
    fence,
    seq: expectedSeq + entries.length,
    compactTo,
    ...values,
    parts,
    status,
    open: summary.open ? 1 : 0,
    parentTicket: parentTicket === null ? null : keyOf(parentTicket),
    bytes,
  };
}
