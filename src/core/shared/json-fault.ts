/** Where data stops being JSON, and why. */
export interface JsonFault {
  /** Members and positions from the root, as in `entries.3.output`; cut short where it is long. */
  readonly path: string;
  /** As a sentence that goes on after the path. */
  readonly detail: string;
}

/** Levels of nesting. What an agent gives has at most 2,000; `JSON.stringify` fails from about 4,500 on, and without saying why. */
const deepest = 2_500;

/**
 * The first place at which a value is not JSON: NaN, infinities, `undefined` or a hole in a list, bigint, functions, symbols, objects and
 * lists with a class of their own, nesting beyond 2,500 levels, and what refers to itself. Members that are `undefined`, or named by a
 * symbol, count as absent.
 */
export function jsonFault(root: unknown): JsonFault | undefined {
  const keys: string[] = [];
  const detail = faultOf(root, 0, keys);
  return detail === undefined ? undefined : { path: pathOf(keys.reverse()), detail };
}

const pathOf = (keys: readonly string[]): string => (keys.length <= 12 ? keys : [...keys.slice(0, 6), '…']).join('.');

/** `keys` is filled on the way back only, from the fault to the root: data is nearly always sound, and then costs no path. */
function faultOf(value: unknown, depth: number, keys: string[]): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : `it is ${value}`;
    case 'object':
      if (value === null) return undefined;
      if (depth > deepest) return `it is nested deeper than ${deepest} levels, or refers to itself`;
      return Array.isArray(value) ? faultOfList(value, depth, keys) : faultOfObject(value, depth, keys);
    default:
      return value === undefined ? 'it is undefined' : `it is a ${typeof value}`;
  }
}

function faultOfList(list: readonly unknown[], depth: number, keys: string[]): string | undefined {
  // The prototype of lists is a list itself, in every realm.
  if (!Array.isArray(Object.getPrototypeOf(list))) return classFault(list);
  // By index: a hole must be refused as the undefined that it reads as.
  for (let index = 0; index < list.length; index += 1) {
    const fault = faultOf(list[index], depth + 1, keys);
    if (fault === undefined) continue;
    keys.push(String(index));
    return fault;
  }
  return undefined;
}

function faultOfObject(object: object, depth: number, keys: string[]): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  // Plain objects of another realm, as a test runner or a worker makes them, have a prototype of their own with nothing above it.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return classFault(object);
  for (const key of Object.keys(object)) {
    const member = (object as Record<string, unknown>)[key];
    const fault = member === undefined ? undefined : faultOf(member, depth + 1, keys);
    if (fault === undefined) continue;
    keys.push(key);
    return fault;
  }
  return undefined;
}

function classFault(value: object): string {
  const { constructor } = Object.getPrototypeOf(value) as { readonly constructor?: unknown };
  return `it is an instance of ${(typeof constructor === 'function' && constructor.name) || 'a class'}`;
}
