import { StoreCorruptError } from '../../core/shared/store-error.js';
import type { Session } from './database.js';
import { keyOf } from './keys.js';
import { checksumOf, type StoredValue } from './values.js';

/** A row of `runs`. */
export interface RunRow {
  readonly id: number;
  readonly seq: number;
  /** Entries up to this `seq` were dropped. */
  readonly droppedTo: number;
  readonly fence: number;
  readonly summary: StoredValue;
  readonly status: string;
  readonly open: number;
  readonly parentTicket: string | Uint8Array | null;
  readonly owner: string | Uint8Array | null;
}

/** Names a run in errors. */
export const placeOf = (runId: string): string => `The stored run ${runId}`;

/** Covers also what writers are held to, so that no flipped bit hands a run to the wrong one. */
export const runChecksum = ({
  seq,
  droppedTo,
  fence,
  summary,
}: Pick<RunRow, 'seq' | 'droppedTo' | 'fence' | 'summary'>): number => checksumOf(summary, `${seq} ${droppedTo} ${fence}`);

const runByKey = `
  SELECT id, seq, dropped_to AS droppedTo, fence, summary, status, open, parent_ticket AS parentTicket, owner, checksum
  FROM runs WHERE run_id = ?`;

/** @throws StoreCorruptError for a row that is not as it was written. */
export function readRun(session: Session, runId: string): RunRow | undefined {
  const found = session.get(runByKey, keyOf(runId)) as (RunRow & { readonly checksum: number }) | undefined;
  if (!found) return undefined;
  // Whoever owns the database may have it give bigints.
  const [id, seq, droppedTo, fence, open] = [found.id, found.seq, found.droppedTo, found.fence, found.open].map(Number);
  const row = { ...found, id: id!, seq: seq!, droppedTo: droppedTo!, fence: fence!, open: open! };
  checkSum(placeOf(runId), { found: found.checksum, expected: runChecksum(row) });
  return row;
}

/** @throws StoreCorruptError where a row is not as it was written. */
export function checkSum(place: string, { found, expected }: { readonly found: unknown; readonly expected: number }): void {
  if (Number(found) !== expected) throw new StoreCorruptError(place, 'its checksum does not fit what it holds.');
}
