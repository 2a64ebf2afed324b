import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';

/** What systems answer that keep names safe by themselves, or not at all. */
const needless: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EISDIR'];

/** Puts on the disk which names stand in a directory. */
export function syncDirectory(path: string): void {
  // Windows knows no such thing.
  if (process.platform === 'win32') return;
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } catch (error) {
    if (!needless.includes((error as NodeJS.ErrnoException).code)) throw error;
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
