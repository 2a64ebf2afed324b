/** What a query answers, as far as the store reads it. */
export interface PostgresResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** What the server says it did, as in `COMMIT`. */
  readonly command: string;
}

/** A statement as `pg` takes it. One that has a name is planned once for each connection. */
export interface PostgresStatement {
  name?: string;
  text: string;
  values?: unknown[];
}

/** A connection that a pool has lent out: the part of `pg`'s `PoolClient` that the store uses. */
export interface PostgresClient {
  query(statement: PostgresStatement): Promise<PostgresResult>;
  /** Gives the connection back, or ends it. */
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A pool of connections: the part of `pg`'s `Pool` that the store uses. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  /** Whether the pool is being ended, so that it is no use to ask it again. */
  readonly ending?: boolean;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  on?(event: 'acquire', listener: (client: PostgresClient) => void): unknown;
}

/** Carries out a statement inside a transaction. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<PostgresResult['rows']>;
