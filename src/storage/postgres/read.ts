import type { Json } from '../../core/shared/json.js';
import { StoreCorruptError } from '../../core/shared/store-error.js';
import type { JournalEntry } from '../../core/ports/run.js';
import type { CheckpointParts, JournalRange, RunFilter, RunPage, RunSummary, StoredRun } from '../../core/ports/store.js';
import { defaultPageSize, defaultRangeSize } from '../../core/storing/matches-filter.js';
import type { Query } from './client.js';
import { keyOf, textOf } from './keys.js';
import type { Tables } from './tables.js';
import { decodeValue } from './values.js';

const placeOf = (tables: Tables, runId: string): string => `Run ${runId} in the schema ${tables.schemaName}`;

/** @throws StoreCorruptError */
export async function readStoredRun(query: Query, tables: Tables, runId: string): Promise<StoredRun | undefined> {
  // One statement sees one state, whatever is committed meanwhile.
  const rows = await query(
    `SELECT 0 AS kind, '' AS name, seq, fence, dropped_to, summary AS value FROM ${tables.runs} WHERE run_key = $1
     UNION ALL SELECT 1, name, 0, 0, 0, value FROM ${tables.parts} WHERE run_key = $1
     UNION ALL SELECT 2, '', last_seq, 0, 0, entries FROM ${tables.journal} WHERE run_key = $1
     ORDER BY kind, seq`,
    [keyOf(runId)],
  );
  const run = rows.find(({ kind }) => kind === 0);
  if (!run) return undefined;
  const place = placeOf(tables, runId);
  const seq = Number(run['seq']);
  const checkpoint = await checkpointIn(
    rows.filter(({ kind }) => kind === 1),
    place,
  );
  const values = rows.filter(({ kind }) => kind === 2).map(({ value }) => value);
  return {
    summary: (await decodeValue(run['value'], place)) as RunSummary,
    seq,
    fence: Number(run['fence']),
    ...(checkpoint && { checkpoint }),
    journal: await entriesIn(values, { place, after: Number(run['dropped_to']), last: seq }),
  };
}

async function checkpointIn(rows: Awaited<ReturnType<Query>>, place: string): Promise<CheckpointParts | undefined> {
  if (rows.length === 0) return undefined;
  const parts: (readonly [string, Json])[] = [];
  for (const row of rows) parts.push([textOf(String(row['name'])), (await decodeValue(row['value'], place)) as Json]);
  return Object.fromEntries(parts);
}

/** @throws StoreCorruptError */
export async function readJournal(
  query: Query,
  tables: Tables,
  {
    runId,
    range: { after = 0, limit = defaultRangeSize } = {},
  }: { readonly runId: string; readonly range?: JournalRange | undefined },
): Promise<readonly JournalEntry[]> {
  const rows = await query(
    `SELECT run.seq, greatest($2, run.dropped_to) AS after, journal.entries FROM ${tables.runs} AS run
     LEFT JOIN ${tables.journal} AS journal ON journal.run_key = run.run_key
       AND journal.last_seq > greatest($2, run.dropped_to) AND journal.first_seq <= greatest($2, run.dropped_to) + $3
     WHERE run.run_key = $1 ORDER BY journal.last_seq`,
    [keyOf(runId), wholeNumber(after), wholeNumber(limit)],
  );
  const [run] = rows;
  if (!run) return [];
  const start = Number(run['after']);
  const values = rows.flatMap(({ entries }) => (entries === null ? [] : [entries]));
  return entriesIn(values, {
    place: placeOf(tables, runId),
    after: start,
    last: Math.min(Number(run['seq']), start + wholeNumber(limit)),
  });
}

/** What fits a bigint, and a number. */
const wholeNumber = (value: number): number => Math.floor(Math.min(Math.max(value, -1e15), 1e15));

/** Entries after one `seq` and up to another. @throws StoreCorruptError where one is missing. */
async function entriesIn(
  values: readonly unknown[],
  { place, after, last }: { readonly place: string; readonly after: number; readonly last: number },
): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  let expected = after + 1;
  for (const value of values) {
    for (const entry of (await decodeValue(value, place)) as readonly JournalEntry[]) {
      if (entry.seq < expected || entry.seq > last) continue;
      if (entry.seq > expected) break;
      entries.push(entry);
      expected += 1;
    }
  }
  if (expected <= last) throw new StoreCorruptError(place, `entry ${expected} of its journal is missing.`);
  return entries;
}

/** @throws StoreCorruptError */
export async function readPage(query: Query, tables: Tables, filter: RunFilter): Promise<RunPage> {
  const { status, parentTicket, open, after } = filter;
  const limit = Math.max(1, Math.trunc(Math.min(filter.limit ?? defaultPageSize, 1e9)));
  const values: unknown[] = [];
  const conditions = ['true'];
  const narrow = (condition: (place: string) => string, value: unknown): void =>
    void conditions.push(condition(`$${values.push(value)}`));
  if (status) narrow((place) => `status = ANY(${place})`, status);
  if (parentTicket !== undefined) narrow((place) => `parent_ticket = ${place}`, keyOf(parentTicket));
  if (open !== undefined) conditions.push(open ? 'open' : 'NOT open');
  if (after !== undefined) narrow((place) => `run_key > ${place}`, keyOf(after));
  // One more than fits: there is a next page, and it starts after the last of this one.
  const rows = await query(
    `SELECT run_key, summary FROM ${tables.runs} WHERE ${conditions.join(' AND ')} ORDER BY run_key LIMIT ${limit + 1}`,
    values,
  );
  const runs: RunSummary[] = [];
  for (const row of rows.slice(0, limit)) {
    const place = placeOf(tables, textOf(String(row['run_key'])));
    runs.push((await decodeValue(row['summary'], place)) as RunSummary);
  }
  return { runs, ...(rows.length > limit && { cursor: runs.at(-1)?.runId ?? '' }) };
}
