import { isPlanwrightError } from '../../core/shared/error.js';
import { StoreUnavailableError } from '../../core/shared/store-error.js';

const codeOf = (error: unknown): string | undefined => {
  const code = typeof error === 'object' && error !== null ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
};

/** The code of an error that PostgreSQL itself has sent. Five letters or digits; those of Node's own errors have no digit. */
const sqlStateOf = (error: unknown): string | undefined => {
  const code = codeOf(error);
  return code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
};

// Connection lost or refused; a deadlock or the like, broken up; server stopping or starting; too many connections; idle for too long,
// as after a freeze; and a server that only reads, which it does until it has taken over for another.
const passing = /^(?:08|40|57P0[1235]|53300|25P03|25006)/;

const passingOfNode = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  // Names may not resolve while a service moves, and a socket's file is not there while its server starts.
  ...['EAI_AGAIN', 'ENOTFOUND', 'ENOENT'],
]);

/** Whether to try again may help. What `pg` itself has to say of a connection has no code, and is about its loss. */
export function isPassing(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return passing.test(state);
  const code = codeOf(error);
  if (code !== undefined) return passingOfNode.has(code);
  return error instanceof Error && error.name === 'Error';
}

/** Whether the connection itself still works: PostgreSQL has refused a statement, and goes on. */
export const isRefusal = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state !== undefined && !/^(?:08|57P|25P0[34])/.test(state);
};

/** Whether PostgreSQL refused a value: too long for an index, or not to be held. Other requests of the group may be sound. */
export const isFaultOfValue = (error: unknown): boolean => /^(?:22|23|54)/.test(sqlStateOf(error) ?? '');

/** Whether a statement that was to be known by its name is unknown, or known already, or was planned for tables that have changed. */
export const isRefusalOfNames = (error: unknown): boolean => /^(?:26000|42P05|0A000)$/.test(sqlStateOf(error) ?? '');

/** What a caller is told. Errors of planwright are told as they are. */
export function failureOf(operation: string, error: unknown): Error {
  if (isPlanwrightError(error)) return error;
  const text = error instanceof Error && error.message !== '' ? error.message : (codeOf(error) ?? String(error));
  return new StoreUnavailableError(operation, `PostgreSQL: ${text}${/[.!?]$/.test(text) ? '' : '.'}`, { cause: error });
}
