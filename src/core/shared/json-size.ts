import type { Json, JsonObject } from './json.js';

/** About how many bytes JSON data takes in memory: texts by their length, 16 for every value and member. Linear in the data. */
export function jsonSize(value: Json): number {
  let bytes = 0;
  // A stack of our own: data may be nested deeper than calls can be.
  const pending: (Json | undefined)[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    bytes += 16;
    if (typeof next === 'string') bytes += next.length;
    // Not by its entries: a long list would get a text for every place.
    else if (Array.isArray(next)) for (const item of next as readonly Json[]) pending.push(item);
    else if (typeof next === 'object' && next !== null) {
      for (const key of Object.keys(next)) {
        bytes += key.length;
        pending.push((next as JsonObject)[key]);
      }
    }
  }
  return bytes;
}
