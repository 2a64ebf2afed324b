import type { Json } from './json.js';

/** About how many bytes JSON data takes in memory: texts by their length, 16 for every value and member. Linear in the data. */
export function jsonSize(value: Json): number {
  let bytes = 0;
  // A stack of our own: data may be nested deeper than calls can be.
  const pending: (Json | undefined)[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    bytes += 16;
    if (typeof next === 'string') bytes += next.length;
    else if (typeof next === 'object' && next !== null) {
      for (const [key, member] of Object.entries(next)) {
        if (!Array.isArray(next)) bytes += key.length;
        pending.push(member);
      }
    }
  }
  return bytes;
}
