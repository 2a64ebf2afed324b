import type { Query } from './client.js';
import { type Ask, emptyLedger, type Ledger, type RunState } from './decide.js';
import { type Column, createValues, type Values } from './statement.js';
import type { Tables } from './tables.js';

/** Which transaction of which store is at work, so that it can be told afterwards whether it was committed. */
export interface Mark {
  readonly writer: string;
  readonly transaction: number;
}

/**
 * Locks the runs that a group concerns, in the order of their keys, so that no two processes wait for each other, and reads what
 * its claims depend on.
 */
export async function lockRuns(query: Query, tables: Tables, asks: readonly Ask<unknown>[]): Promise<Ledger> {
  const ledger = emptyLedger();
  const runs = new Set<string>();
  const leavers = new Set<string>();
  for (const ask of asks) {
    if (ask.kind === 'renew') continue;
    if (ask.kind !== 'release') runs.add(ask.run);
    else if (ask.run !== null) runs.add(ask.run);
    else leavers.add(ask.owner);
  }
  if (runs.size + leavers.size > 0) {
    const orHeld = leavers.size > 0 ? 'OR owner = ANY($2)' : '';
    const rows = await query(
      `SELECT run_key, seq, fence, dropped_to, owner FROM ${tables.runs}
       WHERE run_key = ANY($1) ${orHeld} ORDER BY run_key FOR UPDATE`,
      [[...runs], ...(leavers.size > 0 ? [[...leavers]] : [])],
    );
    for (const row of rows) ledger.runs.set(String(row['run_key']), stateOf(row));
  }
  // A statement of its own, after the locks: the one before does not see what was committed while it waited.
  if (asks.some((ask) => ask.kind === 'claim')) await readLeases(query, tables, { asks, ledger });
  return ledger;
}

function stateOf(row: Readonly<Record<string, unknown>>): RunState {
  const owner = row['owner'];
  return {
    seq: Number(row['seq']),
    fence: Number(row['fence']),
    droppedTo: Number(row['dropped_to']),
    owner: typeof owner === 'string' ? owner : null,
    isNew: false,
    isChanged: false,
  };
}

async function readLeases(
  query: Query,
  tables: Tables,
  { asks, ledger: { runs, leases } }: { readonly asks: readonly Ask<unknown>[]; readonly ledger: Ledger },
): Promise<void> {
  const owners = new Set<string>();
  for (const { owner } of runs.values()) if (owner !== null) owners.add(owner);
  for (const ask of asks) if (ask.kind !== 'commit') owners.add(ask.owner);
  const rows = await query(`SELECT owner, until_at FROM ${tables.leases} WHERE owner = ANY($1)`, [[...owners]]);
  for (const row of rows) leases.set(String(row['owner']), Number(row['until_at']));
}

/** Whether a group has anything to write. */
export const isChanged = ({ runs, changedLeases, endedLeases }: Ledger): boolean =>
  changedLeases.size > 0 || endedLeases.size > 0 || [...runs.values()].some((run) => run.isChanged);

/**
 * Writes new runs. Nobody can lock a run that is not there yet, so another process may have created one meanwhile: the answer is then `false`,
 * and the transaction has to begin anew.
 */
export async function createRuns(query: Query, tables: Tables, ledger: Ledger): Promise<boolean> {
  const created = [...ledger.runs].filter(([, run]) => run.isNew);
  if (created.length === 0) return true;
  const values = createValues();
  const rows = await query(
    `INSERT INTO ${tables.runs} (${columnNames}, summary)
     SELECT ${columnNames}, ${values.bytes()} FROM ${listings(values, created)} ORDER BY run_key COLLATE "C"
     ON CONFLICT DO NOTHING RETURNING run_key`,
    values.list(),
  );
  return rows.length === created.length;
}

/** Writes all else, in one statement. */
export async function writeLedger(query: Query, tables: Tables, { ledger, mark }: { ledger: Ledger; mark: Mark }): Promise<void> {
  const values = createValues();
  const steps = [updateRuns, addEntries, dropEntries, dropParts, setParts, endLeases, setLeases]
    .map((write) => write(values, tables, ledger))
    .filter((step) => step !== undefined)
    .map((step, index) => `step_${index} AS (${step})`);
  const marked = `${values.single('uuid', mark.writer)}, ${values.single('bigint', mark.transaction)}, now()`;
  await query(
    `${steps.length > 0 ? `WITH ${steps.join(', ')}` : ''}
     INSERT INTO ${tables.writers} (writer, transactions, written_at) VALUES (${marked})
     ON CONFLICT (writer) DO UPDATE SET transactions = excluded.transactions, written_at = excluded.written_at`,
    values.list(),
  );
}

type Listing = readonly [key: string, run: RunState];

// What no commit of the group has touched is null from `status` on.
const columns: readonly Column<Listing>[] = [
  { name: 'run_key', type: 'text', of: ([key]) => key },
  { name: 'seq', type: 'bigint', of: ([, run]) => run.seq },
  { name: 'fence', type: 'bigint', of: ([, run]) => run.fence },
  { name: 'dropped_to', type: 'bigint', of: ([, run]) => run.droppedTo },
  { name: 'owner', type: 'text', of: ([, run]) => run.owner },
  { name: 'status', type: 'text', of: ([, run]) => run.newest?.status },
  { name: 'parent_ticket', type: 'text', of: ([, run]) => run.newest?.parentTicket },
  { name: 'open', type: 'boolean', of: ([, run]) => run.newest?.isOpen },
];
const columnNames = columns.map(({ name }) => name).join(', ');

const listings = (values: Values, runs: readonly Listing[]): string =>
  values.rowsWithBytes(runs, { columns, bytes: ([, run]) => run.newest?.summary ?? null });

/** One step of the statement that writes; `undefined` where there is nothing to do. No two of them touch the same row. */
type Step = (values: Values, tables: Tables, ledger: Ledger) => string | undefined;

const updateRuns: Step = (values, { runs }, ledger) => {
  const changed = [...ledger.runs].filter(([, run]) => run.isChanged && !run.isNew);
  if (changed.length === 0) return undefined;
  return `
    UPDATE ${runs} AS run SET seq = given.seq, fence = given.fence, dropped_to = given.dropped_to, owner = given.owner,
      status = coalesce(given.status, run.status), open = coalesce(given.open, run.open),
      parent_ticket = CASE WHEN given.status IS NULL THEN run.parent_ticket ELSE given.parent_ticket END,
      summary = coalesce(${values.bytes()}, run.summary)
    FROM ${listings(values, changed)} WHERE run.run_key = given.run_key`;
};

const addEntries: Step = (values, { journal }, ledger) => {
  // What a later commit of the same group drops was never needed.
  const rows = ledger.journal.filter(({ run, last }) => last > (ledger.runs.get(run)?.droppedTo ?? 0));
  if (rows.length === 0) return undefined;
  const given = values.rowsWithBytes(rows, {
    columns: [
      { name: 'run_key', type: 'text', of: ({ run }) => run },
      { name: 'last_seq', type: 'bigint', of: ({ last }) => last },
      { name: 'first_seq', type: 'bigint', of: ({ first }) => first },
    ],
    bytes: ({ entries }) => entries,
  });
  return `
    INSERT INTO ${journal} (run_key, last_seq, first_seq, entries)
    SELECT run_key, last_seq, first_seq, ${values.bytes()} FROM ${given}`;
};

/** A row goes when the last entry in it does. Until then, readers leave out what was dropped. */
const dropEntries: Step = (values, { journal }, { runs, compacted }) => {
  if (compacted.size === 0) return undefined;
  const given = values.rows(
    [...compacted],
    [
      { name: 'run_key', type: 'text', of: (key) => key },
      { name: 'dropped_to', type: 'bigint', of: (key) => runs.get(key)?.droppedTo },
    ],
  );
  return `
    DELETE FROM ${journal} AS entry USING ${given}
    WHERE entry.run_key = given.run_key AND entry.last_seq <= given.dropped_to`;
};

interface PartChange {
  readonly run: string;
  readonly part: string;
  readonly value: Buffer | null;
}

const partColumns: readonly Column<PartChange>[] = [
  { name: 'run_key', type: 'text', of: ({ run }) => run },
  { name: 'name', type: 'text', of: ({ part }) => part },
];

const partsOf = ({ parts }: Ledger): readonly PartChange[] =>
  [...parts].flatMap(([run, changed]) => Array.from(changed, ([part, value]) => ({ run, part, value })));

const dropParts: Step = (values, { parts }, ledger) => {
  const dropped = partsOf(ledger).filter(({ value }) => value === null);
  if (dropped.length === 0) return undefined;
  return `
    DELETE FROM ${parts} AS part USING ${values.rows(dropped, partColumns)}
    WHERE part.run_key = given.run_key AND part.name = given.name`;
};

const setParts: Step = (values, { parts }, ledger) => {
  const set = partsOf(ledger).filter(({ value }) => value !== null);
  if (set.length === 0) return undefined;
  const given = values.rowsWithBytes(set, { columns: partColumns, bytes: ({ value }) => value });
  return `
    INSERT INTO ${parts} (run_key, name, value) SELECT run_key, name, ${values.bytes()} FROM ${given}
    ON CONFLICT (run_key, name) DO UPDATE SET value = excluded.value`;
};

const endLeases: Step = (values, { leases }, { changedLeases, endedLeases }) => {
  const ended = [...endedLeases].filter((owner) => !changedLeases.has(owner));
  return ended.length > 0 ? `DELETE FROM ${leases} WHERE owner = ANY(${values.single('text[]', ended)})` : undefined;
};

const setLeases: Step = (values, { leases }, ledger) => {
  if (ledger.changedLeases.size === 0) return undefined;
  const given = values.rows(
    [...ledger.changedLeases],
    [
      { name: 'owner', type: 'text', of: (owner) => owner },
      { name: 'until_at', type: 'double precision', of: (owner) => ledger.leases.get(owner) },
    ],
  );
  const ended = values.single('text[]', [...ledger.endedLeases]);
  return `
    INSERT INTO ${leases} AS lease (owner, until_at) SELECT owner, until_at FROM ${given} ORDER BY owner COLLATE "C"
    ON CONFLICT (owner) DO UPDATE SET until_at = CASE
      WHEN lease.owner = ANY(${ended}) THEN excluded.until_at ELSE greatest(lease.until_at, excluded.until_at) END`;
};
