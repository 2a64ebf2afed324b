import { quote } from '../shared/issue.js';

const most = 10;

/** Ids as they stand in a message: quoted, the first ten. */
export function listIds(ids: readonly string[]): string {
  const shown = ids.slice(0, most).map(quote).join(', ');
  return ids.length > most ? `${shown} and ${ids.length - most} more` : shown;
}
