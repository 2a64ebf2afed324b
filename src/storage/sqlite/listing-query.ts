import type { RunFilter } from '../../core/ports/store.js';
import type { SqliteValue } from './database.js';
import { keyOf } from './keys.js';
import { checkedColumns } from './rows.js';

/** SQL, and what is bound to it in order. */
export interface Query {
  readonly sql: string;
  readonly values: readonly SqliteValue[];
}

const columns = `run_id AS runKey, ${checkedColumns}`;

/**
 * Reads at most `rows` runs in the order of their keys. Each status is a query of its own, since an index has that order only within
 * one; SQLite merges them.
 */
export function listingQuery({ status, parentTicket, open, after }: RunFilter, rows: number): Query {
  const conditions: string[] = [];
  const values: SqliteValue[] = [];
  const narrow = (condition: string, ...bound: SqliteValue[]): void => {
    conditions.push(condition);
    values.push(...bound);
  };
  if (open !== undefined) narrow(`open = ${Number(open)}`);
  if (parentTicket !== undefined) narrow('parent_ticket = ?', keyOf(parentTicket));
  if (after !== undefined) narrow('run_id > ?', keyOf(after));
  if (status === undefined) return selectRuns({ conditions, values, rows });
  const queries = [...new Set(status)].map((one) =>
    selectRuns({ conditions: ['status = ?', ...conditions], values: [one, ...values], rows }),
  );
  if (queries.length === 0) return selectRuns({ conditions: ['FALSE'], values: [], rows });
  return {
    sql: `${queries.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ALL ')} ORDER BY runKey LIMIT ?`,
    values: [...queries.flatMap((query) => query.values), rows],
  };
}

function selectRuns({ conditions, values, rows }: Omit<Query, 'sql'> & { conditions: readonly string[]; rows: number }): Query {
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return { sql: `SELECT ${columns} FROM runs ${where} ORDER BY run_id LIMIT ?`, values: [...values, rows] };
}
