/** What the store binds to statements. No `null`: the types of better-sqlite3 would then not fit. */
export type SqliteValue = string | number | Uint8Array;

/** A prepared statement, as far as the store needs it. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown;
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** An open SQLite database: `better-sqlite3` and `DatabaseSync` of `node:sqlite` both fit. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** A database that the store has opened, and therefore closes. */
export interface OwnedDatabase extends SqliteDatabase {
  close(): unknown;
}

/** Runs SQL on an open database, and keeps each statement that it has prepared. */
export interface Session {
  run(sql: string, ...values: SqliteValue[]): void;
  get(sql: string, ...values: SqliteValue[]): unknown;
  all(sql: string, ...values: SqliteValue[]): unknown[];
}

/** The texts of statements are few and constant, so none is ever given up. */
export function createSession(database: SqliteDatabase): Session {
  const statements = new Map<string, SqliteStatement>();
  const prepared = (sql: string): SqliteStatement => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    run: (sql, ...values) => void prepared(sql).run(...values),
    get: (sql, ...values) => prepared(sql).get(...values),
    all: (sql, ...values) => prepared(sql).all(...values),
  };
}
