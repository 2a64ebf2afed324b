import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from 'vitest';

/** Makes directories of its own for a test file, and removes them when the file is done. */
export function useDirectories() {
  const root = mkdtempSync(join(tmpdir(), 'planwright-file-'));
  let count = 0;
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const next = (): string => {
    count += 1;
    return join(root, String(count));
  };
  return {
    /** A path where nothing is yet. */
    next,
    /** A directory with the same files. */
    copyOf(directory: string): string {
      const copy = next();
      cpSync(directory, copy, { recursive: true });
      return copy;
    },
  };
}

/** The one log of a directory. */
export function logOf(directory: string): string {
  const [name, ...others] = readdirSync(directory).filter((file) => file.endsWith('.log'));
  if (name === undefined || others.length > 0) throw new RangeError(`${directory} holds ${others.length + 1} logs, not 1.`);
  return join(directory, name);
}
