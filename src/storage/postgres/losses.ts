import type { PostgresClient, PostgresPool } from './client.js';

const ignore = (): void => undefined;
const heard = new WeakSet<object>();

/**
 * Hears of a connection that is lost. Whoever waits for an answer on it is told anyway, and the pool replaces it; but an error that nobody
 * hears ends the process.
 */
export function hearLossOf(client: PostgresClient): void {
  if (heard.has(client)) return;
  heard.add(client);
  client.on('error', ignore);
}

/** The same for all connections of a pool. */
export function hearLossesOf(pool: PostgresPool): void {
  if (heard.has(pool)) return;
  heard.add(pool);
  pool.on?.('error', ignore);
  // A pool stops listening to a connection before it gives it to whoever waits, and it may be lost in between.
  pool.on?.('acquire', hearLossOf);
}
