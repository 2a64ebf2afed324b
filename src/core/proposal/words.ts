import { quote } from '../shared/issue.js';

const longestName = 200;

/** A key or name as it stands in a message: in quotes, whole up to 200 characters. */
export const named = (name: string): string => (name.length > longestName ? quote(name) : JSON.stringify(name));

/** Names in a row: `"a", "b" and 3 more`. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map(named).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** How a message speaks of an element of `roles` or `tickets`: `ticket "x"`, or by its place where it has no key to go by. */
export function labelOf(kind: 'role' | 'ticket', element: { readonly key: string | undefined; readonly index: number }): string {
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
      const nearest = nearestOf(name, names);
      if (nearest !== undefined) return `; did you mean ${named(nearest)}?`;
    }
    return names.length <= 8 ? `; known: ${listed(names)}` : '';
  };
}

function nearestOf(name: string, names: readonly string[]): string | undefined {
  const text = name.trim().toLowerCase();
  const tolerance = text.length <= 5 ? 1 : 2;
  let nearest: string | undefined;
  let least = tolerance + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - text.length) > tolerance || candidate.length > longestName) continue;
    const distance = editDistance(text, candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

/** Insertions, deletions, replacements and swaps of neighbours that make one text of the other (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1, isSwap ? before[j - 2]! + 1 : Infinity));
    }
    before = row;
    row = next;
  }
  return row[to.length]!;
}
