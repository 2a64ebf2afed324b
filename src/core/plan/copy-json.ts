import type { Json } from '../shared/json.js';

/** A copy of plain JSON data that shares nothing with it, so that freezing one leaves the other alone. Drops `undefined`. */
export function copyJson<T>(value: T): T {
  return copy(value as Json) as T;
}

function copy(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  const members: [string, Json][] = [];
  for (const [key, member] of Object.entries(value)) if (member !== undefined) members.push([key, copy(member)]);
  // Not a literal: a member called __proto__ must stay a member.
  return Object.fromEntries(members);
}
