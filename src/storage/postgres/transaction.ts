import { InvariantError } from '../../core/shared/error.js';
import type { PostgresClient, PostgresPool, PostgresResult, Query } from './client.js';
import { type Deadline, type Guard, guardOf } from './deadline.js';
import { isRefusal } from './failures.js';
import { hearLossOf } from './losses.js';
import type { Plans } from './plans.js';

export interface TransactionOptions {
  readonly pool: PostgresPool;
  readonly mode: 'read' | 'write';
  readonly deadline: Deadline;
  /** What it is for, in the words of errors. */
  readonly operation: string;
  /** Given where all statements come again and again, and ask for rows by their keys. */
  readonly plans?: Plans;
}

export type TransactionEnd<T> =
  /** Committed, or rolled back where `work` asked for it. */
  | { readonly kind: 'done'; readonly value: T }
  /** Nothing was written. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The answer to COMMIT was lost: all was written, or nothing. `value` is what holds if it was. */
  | { readonly kind: 'unknown'; readonly value: T; readonly error: unknown };

/** What `work` has to say of its transaction. */
export interface Work<T> {
  readonly value: T;
  readonly end: 'commit' | 'roll back';
}

/** Does work in one transaction on a connection of the pool. Never throws, and never waits much longer than the deadline. */
export async function transact<T>(
  options: TransactionOptions,
  work: (query: Query) => Promise<Work<T>>,
): Promise<TransactionEnd<T>> {
  const guard = guardOf(options.deadline, options.operation);
  try {
    const client = await lend(options.pool, guard);
    return await workOn(client, { ...options, guard }, work);
  } catch (error) {
    return { kind: 'failed', error };
  } finally {
    guard.stop();
  }
}

async function workOn<T>(
  client: PostgresClient,
  { mode, deadline, plans, guard }: TransactionOptions & { readonly guard: Guard },
  work: (query: Query) => Promise<Work<T>>,
): Promise<TransactionEnd<T>> {
  const ask = (text: string) => guard.within(client.query({ text }));
  const query: Query = async (text, values = []) => {
    const statement = plans && values.length > 0 ? plans.named(text, [...values]) : { text, values: [...values] };
    return (await guard.within(client.query(statement))).rows;
  };
  let isSound = false;
  try {
    await ask(`${opening(mode, deadline.leftMs())} ${plans ? byKeys : ''}`);
    const { value, end } = await work(query);
    if (end === 'roll back') {
      await ask('ROLLBACK');
      isSound = true;
      return { kind: 'done', value };
    }
    const committed = await commit(ask);
    isSound = committed.kind === 'done';
    return committed.kind === 'unknown' ? { ...committed, value } : { kind: 'done', value };
  } catch (error) {
    isSound = isRefusal(error) && (await rolledBack(ask));
    return { kind: 'failed', error };
  } finally {
    client.release(!isSound);
  }
}

type Commit = { readonly kind: 'done' } | { readonly kind: 'unknown'; readonly error: unknown };

/** Whatever comes instead of the answer to COMMIT says nothing about what became of it. */
const commit = (ask: (text: string) => Promise<PostgresResult>): Promise<Commit> =>
  ask('COMMIT').then(
    ({ command }) =>
      command === 'COMMIT'
        ? { kind: 'done' }
        : { kind: 'unknown', error: new InvariantError(`COMMIT was answered by ${command}.`) },
    (error: unknown) => ({ kind: 'unknown', error }),
  );

const rolledBack = (ask: (text: string) => Promise<unknown>): Promise<boolean> =>
  ask('ROLLBACK').then(
    () => true,
    () => false,
  );

/** A connection, waited for as long as the guard allows; one that comes later goes back. */
async function lend(pool: PostgresPool, guard: Guard): Promise<PostgresClient> {
  const lent = pool.connect();
  try {
    const client = await guard.within(lent);
    hearLossOf(client);
    return client;
  } catch (error) {
    lent.then((client) => client.release()).catch(() => undefined);
    throw error;
  }
}

/**
 * Each transaction brings its own settings, whatever those of the server, the role or the connection are: what was committed is on
 * disk, nothing waits for longer than the deadline, and a process that is frozen in the middle keeps its locks for a third of that.
 */
function opening(mode: 'read' | 'write', leftMs: number): string {
  const settings = `
    SET LOCAL statement_timeout = ${leftMs}; SET LOCAL lock_timeout = ${leftMs};
    SET LOCAL idle_in_transaction_session_timeout = ${Math.max(1_000, Math.ceil(leftMs / 3))};`;
  if (mode === 'read') return `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ${settings}`;
  return `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${settings}
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';`;
}

/** A plan that is kept was made when the tables were small, and must not be to read them whole. */
const byKeys = 'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;';
