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
export const canonicalJson = (value: unknown): string => write(value, { path: [], shapes: new Map() });

const deepest = 2_000;

/** What one walk over a value keeps. */
interface Walk {
  /** A stack: pushed before a member, popped after it. */
  readonly path: PropertyKey[];
  /** By number of members: the keys last met, which in long lists are mostly those of the next object too. */
  readonly shapes: Map<number, Shape>;
}

/** The keys of an object as they came, and as they are written. */
interface Shape {
  readonly keys: readonly string[];
  readonly sorted: readonly string[];
  /** `"key":` for each of `sorted`. */
  readonly labels: readonly string[];
}

function write(value: unknown, walk: Walk): string {
  const { path } = walk;
  switch (typeof value) {
    case 'string':
      return writeString(value, path);
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalJsonError(pointerOf(path), `${value} is not a JSON number`);
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (path.length > deepest) throw new CanonicalJsonError(pointerOf(path.slice(0, 3)), tooDeep);
      return Array.isArray(value) ? writeArray(value, walk) : writeObject(value, walk);
    default:
      throw new CanonicalJsonError(pointerOf(path), `a value of type ${typeof value} is not JSON`);
  }
}

const tooDeep = `it is nested deeper than ${deepest} levels, or refers to itself`;

/** Text that JSON writes as it stands. Nearly all text is, and to test it costs a fraction of what `JSON.stringify` does. */
const plain = /^[ !#-[\]-~]*$/;

function writeString(text: string, path: Walk['path']): string {
  if (plain.test(text)) return `"${text}"`;
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new CanonicalJsonError(pointerOf(path), `the string ${quote(text)} has a lone surrogate`);
}

function writeMember(member: unknown, key: PropertyKey, walk: Walk): string {
  walk.path.push(key);
  const text = write(member, walk);
  walk.path.pop();
  return text;
}

function writeArray(items: readonly unknown[], walk: Walk): string {
  const texts: string[] = [];
  // By index, not by `map`: a hole must be refused as the undefined that it reads as.
  for (let index = 0; index < items.length; index += 1) texts.push(writeMember(items[index], index, walk));
  return `[${texts.join(',')}]`;
}

function writeObject(object: object, walk: Walk): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  // Plain objects of another realm have a prototype of their own, with nothing above it.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new CanonicalJsonError(pointerOf(walk.path), `an instance of ${object.constructor.name} is not plain data`);
  }
  const { sorted, labels } = shapeOf(object, walk);
  const members: string[] = [];
  for (let index = 0; index < sorted.length; index += 1) {
    const key = sorted[index]!;
    const member = (object as Record<string, unknown>)[key];
    if (member !== undefined) members.push(labels[index]! + writeMember(member, key, walk));
  }
  return `{${members.join(',')}}`;
}

/** To sort the keys of each of 10,000 steps anew would cost more than all the rest. */
function shapeOf(object: object, { path, shapes }: Walk): Shape {
  const keys = Object.keys(object);
  const known = shapes.get(keys.length);
  if (known?.keys.every((key, index) => key === keys[index])) return known;
  const sorted = keys.toSorted();
  const shape = { keys, sorted, labels: sorted.map((key) => `${writeString(key, path)}:`) };
  shapes.set(keys.length, shape);
  return shape;
}
