import { isPlanwrightError } from './error.js';
import { quote } from './issue.js';

/** A message for whatever was thrown, never empty and never throwing itself. `who` threw it, for what is no error. */
export function messageOf(thrown: unknown, who = 'The agent'): string {
  try {
    if (thrown instanceof Error) return (thrown.message || thrown.name || 'Error').toWellFormed();
    if (typeof thrown === 'string' && thrown !== '') return thrown.toWellFormed();
    return typeof thrown === 'object' && thrown !== null ? messageIn(thrown, who) : `${who} threw ${quote(thrown)}.`;
  } catch {
    return `${who} threw something that cannot be read.`;
  }
}

/** What is thrown as a plain object may hold headers, and those hold secrets: only its message is told, or what its members are called. */
function messageIn(thrown: object, who: string): string {
  const { message } = thrown as { readonly message?: unknown };
  if (typeof message === 'string' && message !== '') return message.toWellFormed();
  const names = Object.keys(thrown).slice(0, 10);
  return `${who} threw an object${names.length === 0 ? '' : ` with ${names.map(quote).join(', ')}`}.`;
}

/** The code of an error of planwright's, else `fallback`. */
export function codeOf(thrown: unknown, fallback: string): string {
  try {
    return isPlanwrightError(thrown) ? thrown.code : fallback;
  } catch {
    return fallback;
  }
}

/** Whether something that was thrown is of a class. A proxy may throw where it is asked that. */
export function isThrown<T>(thrown: unknown, kind: new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof kind;
  } catch {
    return false;
  }
}
