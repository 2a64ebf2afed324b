import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** The calls by which a file store changes what is on a disk. */
const tapped = [
  'closeSync',
  'fdatasync',
  'fdatasyncSync',
  'fsyncSync',
  'ftruncateSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'writeSync',
] as const;

export interface FileCall {
  readonly name: (typeof tapped)[number];
  readonly args: readonly unknown[];
}

export interface FileTap {
  /** May look around, and may throw: then the call fails with that. */
  readonly before?: (call: FileCall) => void;
  /** After a call that did not fail. */
  readonly after?: (call: FileCall) => void;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Puts something between Node's file system and all who use it, while `work` is under way. What `before` and `after` do themselves passes. */
export async function tapFiles<T>({ before, after }: FileTap, work: () => Promise<T>): Promise<T> {
  const originals = new Map(tapped.map((name) => [name, fs[name] as AnyFunction]));
  let isInside = false;
  const inside = (look: ((call: FileCall) => void) | undefined, call: FileCall): void => {
    if (isInside) return;
    isInside = true;
    try {
      look?.(call);
    } finally {
      isInside = false;
    }
  };
  const mutable = fs as unknown as Record<string, AnyFunction>;
  for (const [name, original] of originals) {
    mutable[name] = (...args) => {
      const call = { name, args };
      if (name !== 'fdatasync') {
        inside(before, call);
        const answer = original(...args);
        inside(after, call);
        return answer;
      }
      const callback = args.at(-1) as (error: unknown) => void;
      try {
        inside(before, call);
      } catch (error) {
        return setImmediate(callback, error);
      }
      return original(...args.slice(0, -1), (error: unknown) => {
        if (!error) inside(after, call);
        callback(error);
      });
    };
  }
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    for (const [name, original] of originals) mutable[name] = original;
    syncBuiltinESMExports();
  }
}
