import type { JournalEntry } from '../../core/ports/run.js';
import type { CheckpointParts, JournalRange, RunFilter, RunPage, RunSummary, StoredRun } from '../../core/ports/store.js';
import { StoreCorruptError } from '../../core/shared/store-error.js';
import { defaultPageSize, defaultRangeSize } from '../../core/storing/matches-filter.js';
import type { Session, SqliteValue } from './database.js';
import { keyOf, textOf } from './keys.js';
import { checkSum, placeOf, readRun, runChecksum, type RunRow } from './rows.js';
import { checksumOf, decodeValue, type StoredValue } from './values.js';

/** Rows of the journal that are read at a time. */
const rowsAtATime = 64;

/** @throws StoreCorruptError */
export function readStoredRun(session: Session, runId: string): StoredRun | undefined {
  const row = readRun(session, runId);
  if (!row) return undefined;
  const place = placeOf(runId);
  const checkpoint = readParts(session, row.id, place);
  const { seq, fence } = row;
  const journal = readEntries(session, row, { place, after: 0, limit: Infinity });
  return { summary: summaryOf(row, place), seq, fence, ...(checkpoint && { checkpoint }), journal };
}

/** @throws StoreCorruptError */
export function readJournal(session: Session, runId: string, range: JournalRange = {}): readonly JournalEntry[] {
  const row = readRun(session, runId);
  if (!row) return [];
  return readEntries(session, row, {
    place: placeOf(runId),
    after: Math.floor(range.after ?? 0),
    limit: range.limit ?? defaultRangeSize,
  });
}

const summaryOf = ({ summary }: Pick<RunRow, 'summary'>, place: string): RunSummary =>
  decodeValue(summary, place) as unknown as RunSummary;

function readParts(session: Session, run: number, place: string): CheckpointParts | undefined {
  const rows = session.all('SELECT name, value, checksum FROM parts WHERE run = ? ORDER BY id', run) as readonly {
    readonly name: string | Uint8Array;
    readonly value: StoredValue;
    readonly checksum: unknown;
  }[];
  if (rows.length === 0) return undefined;
  return Object.fromEntries(
    rows.map(({ name: key, value, checksum }) => {
      const name = textOf(key);
      checkSum(place, { found: checksum, expected: checksumOf(value, name) });
      return [name, decodeValue(value, place)];
    }),
  );
}

interface EntryRange extends Required<JournalRange> {
  readonly place: string;
}

/** Entries that were not dropped. @throws StoreCorruptError where one is missing. */
function readEntries(session: Session, run: RunRow, { place, after, limit }: EntryRange): JournalEntry[] {
  const entries: JournalEntry[] = [];
  const first = Math.max(after, run.droppedTo) + 1;
  const last = Math.min(run.seq, first - 1 + limit);
  let expected = first;
  for (let read = first - 1; expected <= last;) {
    const rows = session.all(entriesAfter, run.id, read, rowsAtATime) as readonly JournalRow[];
    for (const row of rows) {
      read = Number(row.last);
      for (const entry of entriesOf(row, place)) {
        if (entry.seq < expected || entry.seq > last) continue;
        if (entry.seq > expected) break;
        entries.push(entry);
        expected += 1;
      }
    }
    if (rows.length < rowsAtATime) break;
  }
  if (expected <= last) throw new StoreCorruptError(place, `entry ${expected} of ${run.seq} is missing.`);
  return entries;
}

interface JournalRow {
  readonly last: unknown;
  readonly entries: StoredValue;
  readonly checksum: unknown;
}
const entriesAfter =
  'SELECT last_seq AS last, entries, checksum FROM journal WHERE run = ? AND last_seq > ? ORDER BY last_seq LIMIT ?';

function entriesOf({ last, entries, checksum }: JournalRow, place: string): readonly JournalEntry[] {
  checkSum(place, { found: checksum, expected: checksumOf(entries, String(last)) });
  return decodeValue(entries, place) as unknown as readonly JournalEntry[];
}

/** @throws StoreCorruptError */
export function readPage(session: Session, filter: RunFilter): RunPage {
  const limit = Math.max(1, Math.trunc(Math.min(filter.limit ?? defaultPageSize, 1e9)));
  const { sql, values } = listing(filter, limit + 1);
  // One more than fits: there is a next page, and it starts after the last of this one.
  const rows = session.all(sql, ...values) as readonly (RunRow & {
    readonly runId: string | Uint8Array;
    readonly checksum: unknown;
  })[];
  const runs = rows.slice(0, limit).map((row) => {
    const place = placeOf(textOf(row.runId));
    checkSum(place, { found: row.checksum, expected: runChecksum(row) });
    return summaryOf(row, place);
  });
  return { runs, ...(rows.length > limit && { cursor: runs.at(-1)?.runId ?? '' }) };
}

const columns = 'run_id AS runId, seq, dropped_to AS droppedTo, fence, summary, checksum';

/** One query for each status, since an index has the order of ids only within one; SQLite merges them. */
function listing(
  { status, parentTicket, open, after }: RunFilter,
  rows: number,
): { readonly sql: string; readonly values: readonly SqliteValue[] } {
  const conditions: string[] = [];
  const values: SqliteValue[] = [];
  const narrow = (condition: string, ...bound: SqliteValue[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (open !== undefined) narrow(`open = ${Number(open)}`);
  if (parentTicket !== undefined) narrow('parent_ticket = ?', keyOf(parentTicket));
  if (after !== undefined) narrow('run_id > ?', keyOf(after));
  const statuses: readonly (string | undefined)[] = status ? [...new Set(status)] : [undefined];
  const queries = statuses.map((one) => {
    const all = one === undefined ? conditions : ['status = ?', ...conditions];
    const where = all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`;
    return `SELECT * FROM (SELECT ${columns} FROM runs ${where} ORDER BY run_id LIMIT ?)`;
  });
  if (queries.length === 0) return { sql: `SELECT ${columns} FROM runs WHERE 0`, values: [] };
  const bound = statuses.flatMap((one) => [...(one === undefined ? [] : [one]), ...values, rows]);
  return { sql: `${queries.join(' UNION ALL ')} ORDER BY runId LIMIT ?`, values: [...bound, rows] };
}
