import { fstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { FileCall } from './file-tap.js';

/** Which files a disk may hold: of names and of contents, those that were synced, or all. */
export interface DiskState {
  readonly names: 'synced' | 'all';
  readonly contents: 'synced' | 'all';
}

export const diskStates: readonly DiskState[] = [
  { names: 'synced', contents: 'synced' },
  { names: 'synced', contents: 'all' },
  { names: 'all', contents: 'synced' },
  { names: 'all', contents: 'all' },
];

/** Follows what of a directory is on the disk for certain, and tells what would be left if the power failed. */
export function createDisk(directory: string) {
  const contents = new Map<number, Buffer>();
  const synced = new Map<number, Buffer>();
  let names = new Map<string, number>();

  const look = (): Map<string, number> => {
    const found = new Map<string, number>();
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      const { ino } = statSync(path);
      found.set(name, ino);
      contents.set(ino, readFileSync(path));
    }
    return found;
  };

  return {
    /** To be called after each call on a file. */
    note({ name, args }: FileCall): void {
      const all = look();
      if (name !== 'fsyncSync' && name !== 'fdatasync' && name !== 'fdatasyncSync') return;
      const { ino } = fstatSync(args[0] as number);
      const content = contents.get(ino);
      if (content) synced.set(ino, content);
      else if (statSync(directory).ino === ino) names = all;
    },
    /** Files that a disk would hold, by name. */
    left(state: DiskState): ReadonlyMap<string, Buffer> {
      const all = look();
      const files = new Map<string, Buffer>();
      for (const [name, inode] of state.names === 'all' ? all : names) {
        // Locks are for processes that live, and no power failure lets one live.
        if (name.endsWith('.lock')) continue;
        const content = state.contents === 'all' ? contents.get(inode) : synced.get(inode);
        files.set(name, content ?? Buffer.alloc(0));
      }
      return files;
    },
  };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
