import type { Json } from './json.js';

type Target = Json[] | Record<string, Json>;

/**
 * A deep copy of JSON data, frozen all the way down, so that nobody can change it any more, neither here nor there. Members that
 * are `undefined` are left out, as they are in JSON text. Any depth; a value that refers to itself never ends.
 */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const root = emptyLike(value);
  // A stack of our own: data may be nested deeper than calls can be.
  const pending: (readonly [from: object, to: Target])[] = [[value, root]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [from, to] = next;
    for (const [key, member] of Object.entries(from) as [string, Json | undefined][]) {
      if (member === undefined) continue;
      if (typeof member !== 'object' || member === null) put(to, key, member);
      else {
        const copy = emptyLike(member);
        put(to, key, copy);
        pending.push([member, copy]);
      }
    }
    Object.freeze(to);
  }
  return root as T;
}

const emptyLike = (value: object): Target => (Array.isArray(value) ? [] : {});

function put(target: Target, key: string, value: Json): void {
  // Assigning to `__proto__` would change what the copy inherits instead of giving it a member.
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true });
  else (target as Record<string, Json>)[key] = value;
}
