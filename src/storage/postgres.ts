import { InvariantError } from '../core/shared/error.js';
import { StoreClosedError } from '../core/shared/store-error.js';
import type { ClaimAnswer, CommitReceipt, RunStore } from '../core/ports/store.js';
import { checkCommitShape } from '../core/storing/check-commit.js';
import { createGroupCommit } from '../core/storing/group-commit.js';
import { noteText } from '../core/storing/note-text.js';
import type { PostgresPool } from './postgres/client.js';
import { createDatabase } from './postgres/database.js';
import { monotonicNow } from './postgres/deadline.js';
import type { Answer, Ask } from './postgres/decide.js';
import { commitAskOf } from './postgres/encode-commit.js';
import { keyOf } from './postgres/keys.js';
import { hearLossesOf } from './postgres/losses.js';
import { encodeNote, readNote, writeNote } from './postgres/notes.js';
import { performGroup, type TimedAsk } from './postgres/perform-group.js';
import { readJournal, readPage, readStoredRun } from './postgres/read.js';
import { tablesIn } from './postgres/tables.js';

export type { PostgresClient, PostgresPool, PostgresResult, PostgresStatement } from './postgres/client.js';

/** Where the runs are kept, and how long to wait for it. */
export interface PostgresStoreOptions {
  /**
   * A `Pool` of `pg`, or what has the same methods. Its owner ends it after the store. The store writes over one connection at a time and
   * takes another for each call that reads.
   */
  readonly pool: PostgresPool;
  /** The schema that the tables are in; made with them where it is not there. Default: `planwright`. */
  readonly schema?: string;
  /** How long a call waits for locks, and for a server that is away, in milliseconds. Default: 15,000. */
  readonly lockTimeoutMs?: number;
}

/**
 * A store in a PostgreSQL database, which processes on any number of machines may share. Its tables are made when they are first needed.
 * Commits of all runs that come in one turn of the event loop go into one transaction.
 *
 * @throws InvariantError for options that cannot be.
 * @example
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL });
 * const orchestrator = createOrchestrator({ store: createPostgresStore({ pool }), agents });
 */
export function createPostgresStore({ pool, schema = 'planwright', lockTimeoutMs = 15_000 }: PostgresStoreOptions): RunStore {
  if (!(lockTimeoutMs >= 1 && lockTimeoutMs <= longest)) {
    throw new InvariantError(`lockTimeoutMs is ${lockTimeoutMs}; give 1 to ${longest}.`);
  }
  hearLossesOf(pool);
  const database = createDatabase({ pool, tables: tablesIn(schema), lockTimeoutMs });
  const { tables } = database;
  const writes = createGroupCommit<TimedAsk, Answer>({ perform: (group) => performGroup(database, { group, lockTimeoutMs }) });
  let closing: Promise<void> | undefined;
  let newestNote: Promise<void> = Promise.resolve();

  const guard = (): void => {
    if (closing) throw new StoreClosedError();
  };
  const write = (ask: Ask<string>): Promise<Answer> => writes.add({ ask, at: monotonicNow() });

  return {
    async commit(commit) {
      guard();
      checkCommitShape(commit);
      return write(commitAskOf(commit)) as Promise<CommitReceipt>;
    },
    async load(runId) {
      guard();
      return database.read({ operation: 'load', isByKeys: true }, (query) => readStoredRun(query, tables, runId));
    },
    async journal(runId, range) {
      guard();
      return database.read({ operation: 'read the journal', isByKeys: true }, (query) =>
        readJournal(query, tables, { runId, range }),
      );
    },
    async list(filter = {}) {
      guard();
      return database.read({ operation: 'list', isByKeys: false }, (query) => readPage(query, tables, filter));
    },
    async claim({ runId, owner, at, leaseMs, insteadOf }) {
      guard();
      const instead = insteadOf === undefined ? null : keyOf(insteadOf);
      const until = at + leaseMs;
      return write({
        kind: 'claim',
        run: keyOf(runId),
        owner: keyOf(owner),
        insteadOf: instead,
        at,
        until,
      }) as Promise<ClaimAnswer>;
    },
    async renew({ owner, at, leaseMs }) {
      guard();
      await write({ kind: 'renew', owner: keyOf(owner), until: at + leaseMs });
    },
    async release({ owner, runId }) {
      guard();
      await write({ kind: 'release', owner: keyOf(owner), run: runId === undefined ? null : keyOf(runId) });
    },
    notes: {
      async read(name) {
        guard();
        return database.read({ operation: 'read a note', isByKeys: false }, (query) => readNote(query, tables, name));
      },
      async write(name, value) {
        guard();
        const text = noteText(name, value);
        const writing = newestNote.then(async () => {
          const encoded = await encodeNote(text);
          await database.writeAgain('write a note', (query) => writeNote(query, tables, { name, value: encoded }));
        });
        // One after the other, so that the newest is the one that stays.
        newestNote = writing.catch(() => undefined);
        return writing;
      },
    },
    close() {
      closing ??= Promise.all([writes.idle(), newestNote]).then(() => database.forget());
      return closing;
    },
  };
}

/** The longest time that PostgreSQL and timers can be set to, with room for what is added to it. */
const longest = 2_000_000_000;
