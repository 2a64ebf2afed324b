/** Where data stops being JSON, and why. */
export interface JsonFault {
  /** Members and positions from the root, as in `entries.3.output`. */
  readonly path: string;
  readonly detail: string;
}

/**
 * The first place at which a value is not JSON: NaN, infinities, `undefined` in a list, bigint, functions, symbols, objects with a class of
 * their own, and what refers to itself. Members that are `undefined` count as absent. Any depth.
 */
export function jsonFault(root: unknown): JsonFault | undefined {
  const fault = scalarFault(root);
  if (fault !== undefined) return { path: '', detail: fault };
  if (typeof root !== 'object' || root === null) return undefined;
  const open = new Set<object>();
  const pending: { readonly value: object; readonly path: string; readonly leave?: true }[] = [{ value: root, path: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, path } = next;
    if (next.leave) {
      open.delete(value);
      continue;
    }
    if (open.has(value)) return { path, detail: 'it refers to itself' };
    open.add(value);
    pending.push({ value, path, leave: true });
    const isList = Array.isArray(value);
    for (const [key, member] of Object.entries(value) as [string, unknown][]) {
      if (member === undefined && !isList) continue;
      const detail = scalarFault(member);
      if (detail !== undefined) return { path: path === '' ? key : `${path}.${key}`, detail };
      if (typeof member === 'object' && member !== null)
        pending.push({ value: member, path: path === '' ? key : `${path}.${key}` });
    }
  }
  return undefined;
}

/** What is wrong with a value itself, whatever is in it. */
function scalarFault(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : `it is ${value}`;
    case 'object':
      return value === null || isPlain(value) ? undefined : `it is an instance of ${value.constructor.name || 'a class'}`;
    default:
      return value === undefined ? 'it is undefined' : `it is a ${typeof value}`;
  }
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also one of another realm, as a test runner or a worker makes.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
