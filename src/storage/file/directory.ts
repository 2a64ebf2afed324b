import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';

/** Puts on the disk which names stand in a directory. */
export function syncDirectory(path: string): void {
  // Windows knows no such thing, and needs none.
  if (process.platform === 'win32') return;
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Removes what nobody needs. If it stays that does no harm, and the next to open the directory tries again. */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // See above.
  }
}
