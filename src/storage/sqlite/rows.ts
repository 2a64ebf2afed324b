import { StoreCorruptError } from '../../core/shared/store-error.js';
import type { Session } from './database.js';
import { keyOf } from './keys.js';
import { checksumOf, type StoredValue } from './values.js';

/** A row of `runs`. */
export interface RunRow {
  readonly runId: string;
  readonly id: number;
  readonly seq: number;
  /** Entries up to this `seq` were dropped. */
  readonly droppedTo: number;
  readonly fence: number;
  /** Checksums of all parts, one laid over the other, so that none goes missing unseen. */
  readonly partsSum: number;
  readonly summary: StoredValue;
  readonly status: string;
  readonly open: number;
  readonly parentTicket: string | Uint8Array | null;
  readonly owner: string | Uint8Array | null;
}

/** Names a run in errors. */
export const placeOf = (runId: string): string => `The stored run ${runId}`;

/** What the checksum of a run covers beside its summary: what finds it, and what writers are held to. No flipped bit hands it to another. */
const factsOf = ({ runId, seq, droppedTo, fence, partsSum }: RunFacts): readonly (string | number)[] => [
  runId,
  seq,
  droppedTo,
  fence,
  partsSum,
];

type RunFacts = Pick<RunRow, 'runId' | 'seq' | 'droppedTo' | 'fence' | 'partsSum'>;

/** For the row of a run that is written. */
export const runChecksum = (run: RunFacts & Pick<RunRow, 'summary'>): number => checksumOf(run.summary, ...factsOf(run));

/** @throws StoreCorruptError for a row that is not as it was written. */
export const checkRun = (run: RunFacts & Pick<RunRow, 'summary'>, checksum: unknown): void =>
  void checkSum(placeOf(run.runId), { checksum, value: run.summary, facts: factsOf(run) });

/** Columns that the checksum of a run is made of, and the checksum. */
export const checkedColumns = 'seq, dropped_to AS droppedTo, fence, parts_sum AS partsSum, summary, checksum';

const runByKey = `SELECT id, ${checkedColumns}, status, open, parent_ticket AS parentTicket, owner FROM runs WHERE run_id = ?`;

/** @throws StoreCorruptError for a row that is not as it was written. */
export function readRun(session: Session, runId: string): RunRow | undefined {
  const found = session.get(runByKey, keyOf(runId)) as (Record<NumberColumn, unknown> & Omit<RunRow, NumberColumn>) | undefined;
  if (!found) return undefined;
  // Whoever owns the database may have it give bigints.
  for (const column of numberColumns) found[column] = Number(found[column]);
  const row = { ...(found as RunRow & { readonly checksum: number }), runId };
  checkRun(row, row.checksum);
  return row;
}

const numberColumns = ['id', 'seq', 'droppedTo', 'fence', 'partsSum', 'open'] as const;
type NumberColumn = (typeof numberColumns)[number];

/** Gives the checksum of a row. @throws StoreCorruptError where it is another than the row carries. */
export function checkSum(
  place: string,
  {
    checksum,
    value,
    facts,
  }: { readonly checksum: unknown; readonly value: unknown; readonly facts: readonly (string | number)[] },
): number {
  // A page that is damaged may give anything for a value, such as NULL.
  const expected = typeof value === 'string' || value instanceof Uint8Array ? checksumOf(value, ...facts) : undefined;
  if (expected === undefined || Number(checksum) !== expected) {
    throw new StoreCorruptError(place, 'its checksum does not fit what it holds.');
  }
  return expected;
}
