import { quote } from '../shared/issue.js';
import { nearestName } from '../shared/nearest-name.js';

const longestName = 200;

/** A key or name as it stands in a message: in quotes, whole up to 200 characters. */
export const named = (name: string): string => (name.length > longestName ? quote(name) : JSON.stringify(name));

/** Names in a row: `"a", "b" and 3 more`. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map(named).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** How a message speaks of an element of `roles`, `tickets` or `policies`: `ticket "x"`, or by its place where it has no key to go by. */
export function labelOf(
  kind: 'role' | 'ticket' | 'policy',
  element: { readonly key: string | undefined; readonly index: number },
): string {
  const { key, index } = element;
  return key === undefined || key.trim() === '' ? `the ${kind} at index ${index}` : `${kind} ${named(key)}`;
}

/** Comparisons that all hints of one parse may take together: wrong names by the thousand must not make parsing quadratic. */
const mostComparisons = 50_000;

/**
 * Makes hints for names that are not known: `; did you mean "x"?` for a typo, `; known: "x", "y"` where the list is short, else nothing.
 */
export function createHints(known: Iterable<string>): (name: string) => string {
  const names = [...known];
  let comparisons = 0;
  return (name) => {
    if (names.length === 0) return '; there are none';
    if (comparisons < mostComparisons) {
      comparisons += names.length;
      const nearest = nearestName(name, names);
      if (nearest !== undefined) return `; did you mean ${named(nearest)}?`;
    }
    return names.length <= 8 ? `; known: ${listed(names)}` : '';
  };
}
