import { Pool, type PoolConfig } from 'pg';
import { onTestFinished } from 'vitest';

import type { RunStore } from 'planwright';
import { createPostgresStore, type PostgresStoreOptions } from 'planwright/storage/postgres';

/** A pool that is ended when the test is over. */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  onTestFinished(() => pool.end());
  return pool;
}

let schemas = 0;

/** A schema that no other test uses. */
export const freshSchema = (): string => `test ${process.pid} ${(schemas += 1)}`;

/** A store that is closed when the test is over. In a schema of its own unless one is given. */
export function openStore(options: PostgresStoreOptions): RunStore {
  const store = createPostgresStore({ schema: freshSchema(), ...options });
  onTestFinished(() => store.close());
  return store;
}

/** The only value of a row: `valueIn(pool, 'SELECT 1')`. */
export async function valueIn(pool: Pool, sql: string, values: readonly unknown[] = []): Promise<unknown> {
  const { rows } = await pool.query<Record<string, unknown>>(sql, [...values]);
  return Object.values(rows[0] ?? {})[0];
}
