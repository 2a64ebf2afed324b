import { randomUUID } from 'node:crypto';

import { StoreUnavailableError } from '../../core/shared/store-error.js';
import type { PostgresPool, Query } from './client.js';
import { type Deadline, deadlineAt, monotonicNow, pauseAfter } from './deadline.js';
import { failureOf, isPassing } from './failures.js';
import { createPlans } from './plans.js';
import { prepareTables, type Tables } from './tables.js';
import { transact, type Work } from './transaction.js';
import type { Mark } from './write-group.js';

export interface DatabaseOptions {
  readonly pool: PostgresPool;
  readonly tables: Tables;
  /** How long one call may wait for locks, and for a server that is away. */
  readonly lockTimeoutMs: number;
}

export interface ReadOptions {
  /** In the words of errors. */
  readonly operation: string;
  /** Whether its statements ask for rows by their keys. */
  readonly isByKeys: boolean;
}

/** The tables of one store, made when they are first needed. */
export interface Database {
  readonly tables: Tables;
  /** Reads in one transaction, again where the server was away. @throws PlanwrightError */
  read<T>(options: ReadOptions, work: (query: Query) => Promise<T>): Promise<T>;
  /**
   * Writes in one transaction, again where that may help. `undefined` from `work` begins anew. Calls must not overlap. @throws what PostgreSQL or `pg` has thrown, and StoreUnavailableError where it cannot be known whether it was committed.
   */
  write<T>(deadline: Deadline, work: (query: Query, mark: Mark) => Promise<Work<T> | undefined>): Promise<T>;
  /** Writes in a transaction of its own what may as well be written twice, again where that may help. Calls may overlap. @throws PlanwrightError */
  writeAgain(operation: string, work: (query: Query) => Promise<void>): Promise<void>;
  /** Takes away what was needed to know which transactions were committed. */
  forget(): Promise<void>;
}

export function createDatabase({ pool, tables, lockTimeoutMs }: DatabaseOptions): Database {
  const writer = randomUUID();
  let transactions = 0;
  let prepared: Promise<void> | undefined;
  const plans = createPlans();
  const inTime = (): Deadline => deadlineAt(monotonicNow() + lockTimeoutMs);

  const prepare = (deadline: Deadline): Promise<void> => {
    prepared ??= setUp(deadline).catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  const setUp = async (deadline: Deadline): Promise<void> => {
    const end = await transact({ pool, mode: 'write', deadline, operation: 'make its tables' }, async (query) => {
      await prepareTables(query, tables);
      return { value: undefined, end: 'commit' };
    });
    // Where the outcome is unknown, another attempt finds out.
    if (end.kind !== 'done') throw end.error;
  };

  /** Repeats what fails for a reason that passes. `attempt` gives `undefined` to be called again at once. */
  const untilDone = async <T>(deadline: Deadline, attempt: () => Promise<T | undefined>): Promise<T> => {
    for (let count = 1; ; count += 1) {
      try {
        await prepare(deadline);
        const value = await attempt();
        if (value !== undefined) return value;
        if (deadline.isOver()) throw new StoreUnavailableError('write', 'other processes came first, over and over.');
      } catch (error) {
        if (plans.giveUp(error)) continue;
        if (!isPassing(error) || pool.ending === true || deadline.isOver()) throw error;
        await pauseAfter(count, deadline);
      }
    }
  };

  /**
   * Whether a transaction whose end was not seen was committed. It may still be at work: it has written its mark, so that to write another waits
   * until it has ended.
   */
  const wasCommitted = async ({ transaction }: Mark): Promise<boolean> => {
    const deadline = inTime();
    const find = async (query: Query): Promise<Work<number>> => {
      const rows = await query(
        `INSERT INTO ${tables.writers} AS mark (writer, transactions, written_at) VALUES ($1, 0, now())
         ON CONFLICT (writer) DO UPDATE SET written_at = mark.written_at RETURNING transactions`,
        [writer],
      );
      return { value: Number(rows[0]?.['transactions']), end: 'roll back' };
    };
    try {
      return await untilDone(deadline, async () => {
        const end = await transact({ pool, mode: 'write', deadline, operation: 'find out' }, find);
        if (end.kind !== 'done') throw end.error;
        return end.value === transaction;
      });
    } catch (cause) {
      const detail = 'the connection was lost in a commit, and whether it was made could not be found out. Load the runs to see.';
      throw new StoreUnavailableError('write', detail, { cause });
    }
  };

  return {
    tables,

    async read({ operation, isByKeys }, work) {
      const deadline = inTime();
      const options = { pool, mode: 'read', deadline, operation, ...(isByKeys && { plans }) } as const;
      try {
        const { value } = await untilDone(deadline, async () => {
          const end = await transact(options, async (query) => ({
            value: await work(query),
            end: 'commit' as const,
          }));
          if (end.kind === 'failed') throw end.error;
          return { value: end.value };
        });
        return value;
      } catch (error) {
        throw failureOf(operation, error);
      }
    },

    write<T>(deadline: Deadline, work: (query: Query, mark: Mark) => Promise<Work<T> | undefined>) {
      return untilDone(deadline, async () => {
        transactions += 1;
        const mark = { writer, transaction: transactions };
        const end = await transact<T | undefined>({ pool, mode: 'write', deadline, operation: 'write', plans }, async (query) => {
          const done = await work(query, mark);
          return done ?? { value: undefined, end: 'roll back' };
        });
        if (end.kind === 'failed') throw end.error;
        if (end.kind === 'unknown' && !(await wasCommitted(mark))) throw end.error;
        return end.value;
      });
    },

    async writeAgain(operation, work) {
      const deadline = inTime();
      try {
        await untilDone(deadline, async () => {
          const end = await transact({ pool, mode: 'write', deadline, operation }, async (query) => {
            await work(query);
            return { value: true, end: 'commit' };
          });
          // Where the outcome is unknown, another attempt makes sure of it.
          if (end.kind !== 'done') throw end.error;
          return end.value;
        });
      } catch (error) {
        throw failureOf(operation, error);
      }
    },

    async forget() {
      if (transactions === 0) return;
      const deadline = deadlineAt(monotonicNow() + Math.min(lockTimeoutMs, 1_000));
      // Where it cannot be done now, it is done when another process makes sure of its tables in a month.
      await transact({ pool, mode: 'write', deadline, operation: 'close' }, async (query) => {
        await query(`DELETE FROM ${tables.writers} WHERE writer = $1`, [writer]);
        return { value: undefined, end: 'commit' };
      });
    },
  };
}
