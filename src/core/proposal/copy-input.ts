import { quote } from '../shared/issue.js';
import type { IssueList } from './issue-list.js';
import type { ProposalLimits } from './proposal-limits.js';

/** A copy of what was handed in that holds nothing but JSON. */
export interface InputCopy {
  readonly value: unknown;
  /** Pointers at which the copy holds `null` for want of something better; an issue says why. */
  readonly refused: ReadonlySet<string>;
}

interface Frame {
  readonly source: object;
  readonly target: unknown[] | Record<string, unknown>;
  /** Absent for a list. */
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  next: number;
}

/**
 * Copies a value, refusing what JSON cannot hold (`not-json-value`, `lone-surrogate`), what is too deep or too long, and members
 * called `__proto__` (`unsafe-key`), each with its place. `undefined` when it is too large or cannot be read at all. Works with a
 * stack of its own, so any depth and any cycle will do.
 */
export function copyInput(
  input: unknown,
  context: { readonly limits: ProposalLimits; readonly issues: IssueList },
): InputCopy | undefined {
  try {
    return new InputCopier(context.limits, context.issues).copy(input);
  } catch (error) {
    // Getters and proxies run foreign code.
    const reason = error instanceof Error ? error.message : quote(error);
    context.issues.add('not-json-value', [], `the proposal cannot be read: ${reason}`);
    return undefined;
  }
}

class InputCopier {
  readonly #frames: Frame[] = [];
  readonly #ancestors = new Set<object>();
  readonly #refused = new Set<string>();
  #size = 0;

  constructor(
    readonly limits: ProposalLimits,
    readonly issues: IssueList,
  ) {}

  copy(input: unknown): InputCopy | undefined {
    const value = this.#take(input);
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      if (this.#size > this.limits.maxBytes) {
        this.issues.add('too-large', [], `the proposal is larger than ${this.limits.maxBytes} bytes; send a smaller one`);
        return undefined;
      }
      if (frame.next === frame.length) {
        this.#frames.pop();
        this.#ancestors.delete(frame.source);
      } else this.#copyMember(frame);
    }
    return { value, refused: this.#refused };
  }

  #copyMember(frame: Frame): void {
    const { source, target, keys, next } = frame;
    frame.next += 1;
    if (keys === undefined) {
      (target as unknown[])[next] = this.#take((source as readonly unknown[])[next]);
      return;
    }
    const key = keys[next]!;
    const member = (source as Readonly<Record<string, unknown>>)[key];
    if (member === undefined) return;
    this.#size += key.length + 3;
    if (key === '__proto__') this.#refuse('unsafe-key', 'the key "__proto__" is not safe; choose another');
    else if (!key.isWellFormed())
      this.#refuse('lone-surrogate', `the key ${quote(key)} has a lone surrogate; write whole characters`);
    else (target as Record<string, unknown>)[key] = this.#take(member);
  }

  #take(value: unknown): unknown {
    this.#size += 2;
    switch (typeof value) {
      case 'string':
        this.#size += value.length;
        if (value.isWellFormed()) return value;
        return this.#refuse('lone-surrogate', `${quote(value)} has a lone surrogate; write whole characters`);
      case 'number':
        if (Number.isFinite(value)) return value === 0 ? 0 : value;
        return this.#refuse('not-json-value', `${value} is not a JSON number`);
      case 'boolean':
        return value;
      case 'object':
        return value === null ? null : this.#enter(value);
      default:
        return this.#refuse('not-json-value', `a value of type ${typeof value} is not JSON`);
    }
  }

  #enter(source: object): unknown {
    if (this.#ancestors.has(source)) return this.#refuse('not-json-value', 'the value refers to itself; JSON cannot');
    if (this.#frames.length >= this.limits.maxDepth) {
      return this.#refuse('too-deep', `the proposal is nested deeper than ${this.limits.maxDepth} levels; make it flatter`);
    }
    const isList = Array.isArray(source);
    if (!isList && !isPlain(source)) {
      return this.#refuse('not-json-value', `an instance of ${className(source)} is not plain data`);
    }
    if (Object.getOwnPropertySymbols(source).length > 0) {
      return this.#refuse('not-json-value', 'a member whose key is a symbol is not JSON');
    }
    const keys = isList ? undefined : Object.keys(source);
    const length = isList ? source.length : (keys?.length ?? 0);
    if (length > this.limits.maxListLength) {
      return this.#refuse('too-long', `too many entries (${length}); max is ${this.limits.maxListLength}`);
    }
    const target = isList ? [] : {};
    this.#ancestors.add(source);
    this.#frames.push({ source, target, keys, length, next: 0 });
    return target;
  }

  #refuse(code: string, message: string): null {
    const path = this.#frames.map(({ keys, next }) => keys?.[next - 1] ?? next - 1);
    this.issues.add(code, path, message);
    // Once the issues are full, nobody will see a second one for the same place.
    if (this.#refused.size <= this.issues.maxIssues) this.#refused.add(JSON.stringify(path));
    return null;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Plain objects of another realm have a prototype of their own, with nothing above it.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function className(value: object): string {
  const { constructor } = value as { readonly constructor?: unknown };
  return typeof constructor === 'function' ? constructor.name : 'an unnamed class';
}
