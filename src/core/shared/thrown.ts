import { isPlanwrightError } from './error.js';
import { quote } from './issue.js';

/** A message for whatever was thrown, never empty and never throwing itself. `who` threw it, for what is no error. */
export function messageOf(thrown: unknown, who = 'The agent'): string {
  try {
    if (thrown instanceof Error) return (thrown.message || thrown.name || 'Error').toWellFormed();
    return typeof thrown === 'string' && thrown !== '' ? thrown.toWellFormed() : `${who} threw ${quote(thrown)}.`;
  } catch {
    return `${who} threw something that cannot be read.`;
  }
}

/** The code of an error of planwright's, else `fallback`. */
export function codeOf(thrown: unknown, fallback: string): string {
  try {
    return isPlanwrightError(thrown) ? thrown.code : fallback;
  } catch {
    return fallback;
  }
}
