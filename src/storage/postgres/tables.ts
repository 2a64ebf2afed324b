import { InvariantError } from '../../core/shared/error.js';
import { StoreFormatError } from '../../core/shared/store-error.js';
import type { Query } from './client.js';

/** The version of what is written. A newer one gets a number of its own, and reads or migrates what older ones wrote. */
const formatVersion = 1;

/** Any number that no other program is likely to take: processes that make the tables wait for each other under it. */
const setupLock = '7955827714653876329';

/** What crashed processes left behind is forgotten after so long. */
const forgottenAfterDays = 30;

/** Quoted names of the tables. */
export interface Tables {
  /** As people call it. */
  readonly schemaName: string;
  readonly schema: string;
  readonly format: string;
  readonly runs: string;
  readonly journal: string;
  readonly parts: string;
  readonly leases: string;
  readonly writers: string;
  /** Made when it is first needed. */
  readonly notes: string;
}

/** @throws InvariantError for a name that PostgreSQL would cut short or cannot hold. */
export function tablesIn(schemaName: string): Tables {
  const isHeld = schemaName !== '' && !schemaName.includes('\0') && schemaName.isWellFormed();
  if (!isHeld || Buffer.byteLength(schemaName) > 63) {
    throw new InvariantError(`${JSON.stringify(schemaName)} cannot be a schema of PostgreSQL: give 1 to 63 bytes without NUL.`);
  }
  const schema = `"${schemaName.replaceAll('"', '""')}"`;
  const table = (name: string): string => `${schema}.${name}`;
  return {
    schemaName,
    schema,
    format: table('format'),
    runs: table('runs'),
    journal: table('journal'),
    parts: table('parts'),
    leases: table('leases'),
    writers: table('writers'),
    notes: table('notes'),
  };
}

/** Makes the tables where there are none, in the transaction at hand. @throws StoreFormatError */
export async function prepareTables(query: Query, tables: Tables): Promise<void> {
  // Before anything is looked at: what a transaction has looked up by name once, it takes for granted from then on.
  await lockSetup(query);
  if (!(await isTableThere(query, tables, 'format'))) await createTables(query, tables);
  const found = (await query(`SELECT version FROM ${tables.format}`))[0]?.['version'] ?? null;
  if (found !== formatVersion) throw new StoreFormatError(`The schema ${tables.schemaName}`, found, [formatVersion]);
  await forgetTheDead(query, tables);
}

/** Who makes tables does so alone, to the end of its transaction. */
export async function lockSetup(query: Query): Promise<void> {
  await query(`SELECT pg_advisory_xact_lock(${setupLock})`);
}

export async function isTableThere(query: Query, { schemaName }: Tables, name: string): Promise<boolean> {
  const rows = await query(
    `SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = $1 AND relname = $2`,
    [schemaName, name],
  );
  return rows.length > 0;
}

async function createTables(query: Query, tables: Tables): Promise<void> {
  const rows = await query('SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1', [tables.schemaName]);
  // Asked for first: who may not create schemas may not say IF NOT EXISTS either.
  if (rows.length === 0) await query(`CREATE SCHEMA ${tables.schema}`);
  await query(definitions(tables));
  await query(`INSERT INTO ${tables.format} (version) VALUES (${formatVersion})`);
}

// Keys sort by bytes, whatever the language of the database. Rows of runs are updated with each commit, mostly in columns
// without an index, and then fit beside the old row where their page has room.
const definitions = ({ format, runs, journal, parts, leases, writers }: Tables): string => `
  CREATE TABLE ${format} (version integer NOT NULL);
  CREATE TABLE ${runs} (
    run_key text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    fence bigint NOT NULL,
    dropped_to bigint NOT NULL,
    owner text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    parent_ticket text COLLATE "C",
    open boolean NOT NULL,
    summary bytea NOT NULL
  ) WITH (fillfactor = 60);
  CREATE INDEX runs_by_owner ON ${runs} (owner) WHERE owner IS NOT NULL;
  CREATE INDEX runs_by_status ON ${runs} (status, run_key);
  CREATE INDEX runs_by_parent ON ${runs} (parent_ticket, run_key) WHERE parent_ticket IS NOT NULL;
  CREATE INDEX runs_open ON ${runs} (run_key) WHERE open;
  CREATE TABLE ${journal} (
    run_key text COLLATE "C" NOT NULL,
    last_seq bigint NOT NULL,
    first_seq bigint NOT NULL,
    entries bytea NOT NULL,
    PRIMARY KEY (run_key, last_seq)
  );
  CREATE TABLE ${parts} (
    run_key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (run_key, name)
  );
  CREATE TABLE ${leases} (owner text COLLATE "C" PRIMARY KEY, until_at double precision NOT NULL);
  CREATE TABLE ${writers} (writer uuid PRIMARY KEY, transactions bigint NOT NULL, written_at timestamptz NOT NULL)`;

/** Each process that was not closed leaves two small rows. */
async function forgetTheDead(query: Query, { runs, leases, writers }: Tables): Promise<void> {
  const day = `now() - interval '${forgottenAfterDays} days'`;
  await query(`DELETE FROM ${writers} WHERE written_at < ${day}`);
  await query(
    `DELETE FROM ${leases} AS lease WHERE until_at < extract(epoch FROM ${day}) * 1000
     AND NOT EXISTS (SELECT FROM ${runs} WHERE owner = lease.owner)`,
  );
}
