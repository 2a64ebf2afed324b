import type { JournalEntry } from '../../core/ports/run.js';
import type { CheckpointParts, JournalRange, RunFilter, RunPage, RunSummary, StoredRun } from '../../core/ports/store.js';
import { StoreCorruptError } from '../../core/shared/store-error.js';
import { defaultPageSize, defaultRangeSize } from '../../core/storing/matches-filter.js';
import type { Session } from './database.js';
import { textOf } from './keys.js';
import { listingQuery } from './listing-query.js';
import { checkRun, checkSum, placeOf, readRun, type RunRow } from './rows.js';
import { decodeValue, type StoredValue } from './values.js';

/** Rows of the journal that are read at a time. */
const rowsAtATime = 64;

/** @throws StoreCorruptError */
export function readStoredRun(session: Session, runId: string): StoredRun | undefined {
  const run = readRun(session, runId);
  if (!run) return undefined;
  const { seq, fence } = run;
  const checkpoint = readParts(session, run);
  const journal = readEntries(session, run, { after: 0, limit: Infinity });
  return { summary: summaryOf(run), seq, fence, ...(checkpoint && { checkpoint }), journal };
}

/** @throws StoreCorruptError */
export function readJournal(session: Session, runId: string, range: JournalRange = {}): readonly JournalEntry[] {
  const run = readRun(session, runId);
  if (!run) return [];
  return readEntries(session, run, { after: Math.floor(range.after ?? 0), limit: range.limit ?? defaultRangeSize });
}

/** @throws StoreCorruptError */
export function readPage(session: Session, filter: RunFilter): RunPage {
  const limit = Math.max(1, Math.trunc(Math.min(filter.limit ?? defaultPageSize, 1e9)));
  // One more than fits: there is a next page, and it starts after the last of this one.
  const { sql, values } = listingQuery(filter, limit + 1);
  const rows = session.all(sql, ...values) as readonly ListedRow[];
  const runs = rows.slice(0, limit).map(({ runKey, checksum, ...row }) => {
    const run = { ...row, runId: textOf(runKey) };
    checkRun(run, checksum);
    return summaryOf(run);
  });
  return { runs, ...(rows.length > limit && { cursor: runs.at(-1)?.runId ?? '' }) };
}

interface ListedRow extends Omit<RunRow, 'runId'> {
  readonly runKey: string | Uint8Array;
  readonly checksum: unknown;
}

const summaryOf = ({ summary, runId }: Pick<RunRow, 'summary' | 'runId'>): RunSummary =>
  decodeValue(summary, placeOf(runId)) as unknown as RunSummary;

/** @throws StoreCorruptError where a part is missing, or one is not as it was written. */
function readParts(session: Session, run: RunRow): CheckpointParts | undefined {
  const place = placeOf(run.runId);
  const rows = session.all('SELECT name, value, checksum FROM parts WHERE run = ? ORDER BY id', run.id) as readonly PartRow[];
  let sum = 0;
  const parts = rows.map(({ name: key, value, checksum }) => {
    const name = textOf(key);
    sum ^= checkSum(place, { checksum, value, facts: [run.runId, name] });
    return [name, decodeValue(value, place)] as const;
  });
  if (sum !== run.partsSum) throw new StoreCorruptError(place, 'a part of its checkpoint is missing.');
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}

interface PartRow {
  readonly name: string | Uint8Array;
  readonly value: StoredValue;
  readonly checksum: unknown;
}

/** Entries that were not dropped. @throws StoreCorruptError where one is missing. */
function readEntries(session: Session, run: RunRow, { after, limit }: Required<JournalRange>): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  const first = Math.max(after, run.droppedTo) + 1;
  const last = Math.min(run.seq, first - 1 + limit);
  let next = first;
  for (let seen = first - 1; next <= last;) {
    const rows = session.all(rowsAfter, run.id, seen, rowsAtATime) as readonly JournalRow[];
    for (const entry of rows.flatMap((row) => entriesOf(row, run))) {
      // A row may begin with entries that were dropped, or not asked for, and end with such.
      if (entry.seq !== next || next > last) continue;
      entries.push(entry);
      next += 1;
    }
    if (rows.length < rowsAtATime) break;
    seen = Number(rows.at(-1)?.lastSeq);
  }
  if (next <= last) throw new StoreCorruptError(placeOf(run.runId), `entry ${next} of ${run.seq} is missing.`);
  return entries;
}

const rowsAfter =
  'SELECT last_seq AS lastSeq, entries, checksum FROM journal WHERE run = ? AND last_seq > ? ORDER BY last_seq LIMIT ?';

interface JournalRow {
  readonly lastSeq: unknown;
  readonly entries: StoredValue;
  readonly checksum: unknown;
}

function entriesOf({ lastSeq, entries, checksum }: JournalRow, { runId }: RunRow): readonly JournalEntry[] {
  const place = placeOf(runId);
  checkSum(place, { checksum, value: entries, facts: [runId, Number(lastSeq)] });
  return decodeValue(entries, place) as unknown as readonly JournalEntry[];
}
