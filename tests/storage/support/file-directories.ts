import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

export interface Directories {
  /** A path where nothing is yet. */
  next(): string;
  /** A directory with the same files. */
  copyOf(directory: string): string;
  /** Removes all that were given out so far. */
  clear(): void;
}

/**
 * Makes directories of its own for a test file, and removes them when the file is done. `isVolatile`: where writing waits for no disk, if that
 * can be had, for files whose loss is staged.
 */
export function useDirectories({ isVolatile = false } = {}): Directories {
  const root = mkdtempSync(join(isVolatile && existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'planwright-file-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }), 60_000);
  let count = 0;
  const next = (): string => {
    count += 1;
    return join(root, String(count));
  };
  return {
    next,
    copyOf(directory) {
      const copy = next();
      cpSync(directory, copy, { recursive: true });
      return copy;
    },
    clear() {
      for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
    },
  };
}

/** The one log of a directory. */
export function logOf(directory: string): string {
  const [name, ...others] = readdirSync(directory).filter((file) => file.endsWith('.log'));
  if (name === undefined || others.length > 0) throw new RangeError(`${directory} holds ${others.length + 1} logs, not 1.`);
  return join(directory, name);
}
