import { PlanwrightError } from './error.js';
import { pointerOf, quote } from './issue.js';

/** Thrown by {@link canonicalJson} for a value that has no canonical form. */
export class CanonicalJsonError extends PlanwrightError {
  readonly code = 'CANONICAL_JSON';
  constructor(
    readonly pointer: string,
    readonly reason: string,
  ) {
    super(`There is no canonical JSON for the value at "${pointer || '/'}": ${reason}.`);
  }
}

/**
 * The canonical JSON text of a value, as RFC 8785 (JCS) defines it: members sorted by UTF-16 code units, numbers as
 * ECMAScript writes them, no white space. Members that are `undefined` are left out.
 *
 * @throws CanonicalJsonError for what JSON cannot hold: non-finite numbers, bigint, functions, symbols, `undefined` in an
 * array, lone surrogates, class instances, and nesting beyond 2,000 levels (which a cycle always reaches).
 */
export const canonicalJson = (value: unknown): string => write(value, []);

const deepest = 2_000;

/** `path` is one stack for the whole walk: pushed before a member, popped after it. */
type Path = PropertyKey[];

function write(value: unknown, path: Path): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, path);
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalJsonError(pointerOf(path), `${value} is not a JSON number`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (path.length > deepest) throw new CanonicalJsonError(pointerOf(path.slice(0, 3)), tooDeep);
      return Array.isArray(value) ? writeArray(value, path) : writeObject(value, path);
    default:
      throw new CanonicalJsonError(pointerOf(path), `a value of type ${typeof value} is not JSON`);
  }
}

const tooDeep = `it is nested deeper than ${deepest} levels, or refers to itself`;

function writeString(text: string, path: Path): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new CanonicalJsonError(pointerOf(path), `the string ${quote(text)} has a lone surrogate`);
}

function writeMember(member: unknown, key: PropertyKey, path: Path): string {
  path.push(key);
  const text = write(member, path);
  path.pop();
  return text;
}

// Array.from, not map: a hole must be refused as the undefined that it reads as.
const writeArray = (items: readonly unknown[], path: Path): string =>
  `[${Array.from(items, (item, index) => writeMember(item, index, path)).join(',')}]`;

function writeObject(object: object, path: Path): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  // Plain objects of another realm have a prototype of their own, with nothing above it.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new CanonicalJsonError(pointerOf(path), `an instance of ${object.constructor.name} is not plain data`);
  }
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const member = (object as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${writeString(key, path)}:${writeMember(member, key, path)}`);
  }
  return `{${members.join(',')}}`;
}
