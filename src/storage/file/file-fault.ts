import { isPlanwrightError } from '../../core/shared/error.js';
import { StoreUnavailableError } from '../../core/shared/store-error.js';

/** What the user can do about each fault, by the code that the system gives it. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Free some space; the store then goes on by itself.',
  EDQUOT: 'The disk quota is used up. Free some space or raise it; the store then goes on by itself.',
  EFBIG: 'The process may not write files so large. Raise its limit.',
  EACCES: 'Give this process the right to read and write the directory and what is in it.',
  EPERM: 'Give this process the right to read and write the directory and what is in it.',
  EROFS: 'The file system can only be read. Mount it so that it can be written.',
  EIO: 'The disk reports a fault. Look at the log of the system, and move the directory to another disk.',
  ENOENT: 'The directory or a file in it was removed. Restore it and create the store anew.',
  ENOTDIR: 'The path leads through something that is no directory. Name another.',
  EEXIST: 'There is something else by that name. Name another directory.',
  EMFILE: 'The process has too many files open. Close some or raise its limit.',
  ENFILE: 'The system has too many files open. Close some or raise its limit.',
};

/** A fault of the file system as a StoreUnavailableError; what is none stays what it is. */
export function unavailable(operation: string, error: unknown): unknown {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (isPlanwrightError(error) || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  return new StoreUnavailableError(operation, `${message}. ${remedies[code] ?? ''}`.trimEnd(), { cause: error });
}
