/** Longer names are not compared. */
const longest = 200;

/** The known name that a wrong one was most likely meant to be, a typo or two away from it; `undefined` where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const text = name.trim().toLowerCase();
  const tolerance = text.length <= 5 ? 1 : 2;
  let nearest: string | undefined;
  let least = tolerance + 1;
  for (const candidate of names) {
    if (Math.abs(candidate.length - text.length) > tolerance || candidate.length > longest) continue;
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
