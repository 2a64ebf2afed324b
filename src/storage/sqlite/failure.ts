import { isPlanwrightError, type PlanwrightError } from '../../core/shared/error.js';
import { StoreCorruptError, StoreUnavailableError } from '../../core/shared/store-error.js';

/** Result codes of SQLite by number, for drivers that give no names: https://www.sqlite.org/rescode.html */
const names: Readonly<Record<number, string>> = {
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  7: 'NOMEM',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  19: 'CONSTRAINT',
  20: 'MISMATCH',
  26: 'NOTADB',
};

/** Name of the primary result code; empty for what is not an error of SQLite. */
function resultName(error: unknown): string {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === 'number') return names[errcode & 0xff] ?? 'ERROR';
  return typeof code === 'string' ? (/^SQLITE_([A-Z]+)/.exec(code)?.[1] ?? '') : '';
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether someone else is at work on the database, and it can be had again when they have done. */
export function isLocked(error: unknown): boolean {
  if (isPlanwrightError(error)) return false;
  return (
    ['BUSY', 'LOCKED', 'PROTOCOL'].includes(resultName(error)) ||
    // The owner of the database has a transaction of its own open on it.
    messageOf(error).includes('within a transaction')
  );
}

/** Whether a database may work again when it is opened anew, and not before. */
export const wantsReopening = (error: unknown): boolean =>
  ['READONLY', 'PERM', 'IOERR', 'CORRUPT', 'NOTADB', 'CANTOPEN'].includes(resultName(error));

/** What went wrong, and what to do. */
export function failureOf(
  error: unknown,
  { operation, place }: { readonly operation: string; readonly place: string },
): PlanwrightError {
  if (isPlanwrightError(error)) return error;
  const message = messageOf(error);
  const unavailable = (detail: string) => new StoreUnavailableError(operation, detail, { cause: error });
  switch (resultName(error)) {
    case 'FULL':
      return unavailable(`the disk that ${place} lies on is full, or its limit is reached. Make room and try again.`);
    case 'READONLY':
    case 'PERM':
      return unavailable(
        `${place} can only be read. Let this process write the file, its directory, and the -wal and -shm beside it.`,
      );
    case 'CANTOPEN':
      return unavailable(`${place} cannot be opened. Let this process read and write the file and its directory.`);
    case 'IOERR':
      return unavailable(`the disk that ${place} lies on fails (${message}). See what the system says of it, and try again.`);
    case 'CORRUPT':
      return new StoreCorruptError(place, `SQLite finds it malformed (${message}).`, { cause: error });
    case 'NOTADB':
      return new StoreCorruptError(place, 'it is no SQLite database.', { cause: error });
    case 'CONSTRAINT':
    case 'MISMATCH':
      return new StoreCorruptError(place, `its rows contradict each other (${message}).`, { cause: error });
    default:
      break;
  }
  if (message.startsWith('no such ')) return new StoreCorruptError(place, `there is ${message} in it.`, { cause: error });
  return unavailable(`SQLite says "${message}".`);
}
