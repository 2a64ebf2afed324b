/** Freezes plain data all the way down and returns it. Stops at what is frozen already. */
export function deepFreeze<T>(value: T): T {
  const pending: object[] = isObject(value) ? [value] : [];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (Object.isFrozen(next)) continue;
    Object.freeze(next);
    for (const member of Object.values(next)) if (isObject(member)) pending.push(member);
  }
  return value;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
