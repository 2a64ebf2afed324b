import { existsSync, fstatSync, futimesSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { StoreUnavailableError } from '../../core/shared/store-error.js';
import { closeLog, isInPlace, type LogFile } from './log-file.js';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.js';

/**
 * The right to use a directory. Every holder has a number, higher than that of each before it, and the newest holds the directory,
 * whatever the others believe. That is what safety rests on, not on whether a holder that was passed over was really gone:
 *
 * - Who takes over first puts down its number, and then reads what there is.
 * - Who holds first writes, and then asks whether its number is still the newest, before it says that anything is written and
 *   before it removes anything.
 *
 * So whatever an old holder has answered for was there to be read, and what it writes later goes into a log that nobody reads.
 */
export interface DirectoryLock {
  readonly number: number;
  /** Whether the holder before closed the directory in good order. */
  readonly wasClosed: boolean;
  /** Whether no other has taken the directory over, and nobody has removed it. */
  isHeld(): boolean;
  /** `isClosed`: whether the directory is left in good order. */
  release(options: { readonly isClosed: boolean }): void;
}

export interface LockOptions {
  /** How often a holder shows that it lives, in milliseconds. Default: 1,000. */
  readonly beatMs?: number;
  /** A holder of whom nothing else is known is gone when it has not shown itself for so long, in milliseconds. Default: 10,000. */
  readonly staleMs?: number;
}

/** The first word of a lock. */
type LockState = 'held' | 'done' | 'left';

interface FoundLock {
  readonly state: LockState;
  readonly holder: ProcessIdentity & { readonly inode: number };
}

const lockName = /^(\d{8})\.lock$/;
const anyNumber = /^(\d{8})(?:\.lock|-\d{8}\.log)$/;
const lockPath = (directory: string, number: number): string => join(directory, `${String(number).padStart(8, '0')}.lock`);

/** Locks that this process has left and could not say so in, by {@link fileKey}. */
const leftInSilence = new Set<string>();
const fileKey = (path: string, inode: number): string => `${inode} ${path}`;

/** @throws StoreUnavailableError that names the holder, where another process holds the directory. */
export async function lockDirectory(directory: string, options: LockOptions = {}): Promise<DirectoryLock> {
  // Each round is lost to another process that came first, which soon is alive and holds it.
  for (let round = 0; round < 100; round += 1) {
    const newest = newestNumber(directory);
    const found = await waitForFreedom(lockPath(directory, newest), directory, options);
    const lock = createLock(directory, newest + 1, { ...options, wasClosed: found?.state === 'done' });
    if (lock) return lock;
  }
  throw new StoreUnavailableError('open', `too many processes want ${directory} at once. Try again.`);
}

/** The highest number that was ever given out, as far as can be seen. */
function newestNumber(directory: string): number {
  const numbersIn = (): number => Math.max(0, ...readdirSync(directory).map((name) => Number(anyNumber.exec(name)?.[1] ?? 0)));
  // While names come and go, one reading may miss both an old and a new one.
  let newest = numbersIn();
  for (let again = numbersIn(); again !== newest; again = numbersIn()) newest = again;
  return newest;
}

/** Resolves with the lock of a holder that holds it no more; `undefined` where there is no lock. */
async function waitForFreedom(
  path: string,
  directory: string,
  { staleMs = 10_000 }: LockOptions,
): Promise<FoundLock | undefined> {
  let unchangedMs = 0;
  let lastBeat: number | undefined;
  while (true) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) return undefined;
    const found = readLock(path);
    if (leftInSilence.has(fileKey(path, stats.ino))) return found;
    // A lock that was copied along with its directory holds nothing there.
    if (found && (found.state !== 'held' || found.holder.inode !== stats.ino)) return found;
    const liveness = found ? livenessOf(found.holder) : 'unknown';
    if (liveness === 'gone') return found;
    if (liveness === 'alive' || (lastBeat ?? stats.mtimeMs) !== stats.mtimeMs) throw heldBy(directory, found?.holder);
    // One that cannot be read is just being written, or never was.
    if (unchangedMs >= (found ? staleMs : staleMs / 10)) return found;
    lastBeat = stats.mtimeMs;
    const pauseMs = Math.ceil(staleMs / 50);
    await delay(pauseMs);
    unchangedMs += pauseMs;
  }
}

function readLock(path: string): FoundLock | undefined {
  try {
    const [, state, holder] = /^(held|done|left) (\{.*\})\n$/.exec(readFileSync(path, 'utf8')) ?? [];
    return holder === undefined ? undefined : { state: state as LockState, holder: JSON.parse(holder) as FoundLock['holder'] };
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `undefined` where another came first. */
function createLock(
  directory: string,
  number: number,
  { beatMs = 1_000, wasClosed }: LockOptions & { readonly wasClosed: boolean },
): DirectoryLock | undefined {
  const path = lockPath(directory, number);
  const handle = openExclusively(path);
  if (handle === undefined) return undefined;
  let file: LockFile | undefined;
  try {
    const inode = fstatSync(handle).ino;
    file = { handle, path, inode };
    writeSync(handle, `held ${JSON.stringify({ ...ownIdentity(), inode })}\n`);
    const next = lockPath(directory, number + 1);
    // The order matters: locks are removed from the lowest on, so that whoever misses a next one that is gone again misses its own too.
    const isHeld = (): boolean => !existsSync(next) && isInPlace({ path, inode });
    if (newestNumber(directory) === number && isHeld()) {
      removeLocksBelow(directory, number);
      return heldLock(file, { number, wasClosed, isHeld, beatMs });
    }
    // It took so long to get here that the number is an old one.
    leave(file, 'left');
    return undefined;
  } catch (error) {
    if (file) leave(file, 'left');
    else closeLog({ handle });
    throw error;
  }
}

type LockFile = Pick<LogFile, 'handle' | 'path' | 'inode'>;

function heldLock(
  file: LockFile,
  { beatMs, ...known }: Pick<DirectoryLock, 'number' | 'wasClosed' | 'isHeld'> & Required<Pick<LockOptions, 'beatMs'>>,
): DirectoryLock {
  const beat = setInterval(() => showLife(file.handle), beatMs).unref();
  return {
    ...known,
    release({ isClosed }) {
      clearInterval(beat);
      leave(file, isClosed ? 'done' : 'left');
    },
  };
}

/** The lock stays: who comes next must count on from its number. */
function leave({ handle, path, inode }: LockFile, state: LockState): void {
  try {
    writeSync(handle, state, 0);
  } catch {
    // To other processes it looks held until this one has ended.
    leftInSilence.add(fileKey(path, inode));
  }
  closeLog({ handle });
}

function openExclusively(path: string): number | undefined {
  try {
    return openSync(path, 'wx+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function removeLocksBelow(directory: string, number: number): void {
  const names = readdirSync(directory).filter((name) => Number(lockName.exec(name)?.[1] ?? number) < number);
  try {
    for (const name of names.sort()) rmSync(join(directory, name), { force: true });
  } catch {
    // Those that stay do no harm, and the next holder tries again.
  }
}

function showLife(handle: number): void {
  const now = Date.now() / 1_000;
  try {
    futimesSync(handle, now, now);
  } catch {
    // Whoever takes the directory over for that is noticed at the next write.
  }
}

function heldBy(directory: string, holder: ProcessIdentity | undefined): StoreUnavailableError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'a process that is just opening it';
  const remedy = 'A file store serves one process at a time: close the other first, or share runs through SQLite or PostgreSQL.';
  return new StoreUnavailableError('open', `${directory} is in use by ${who}. ${remedy}`);
}
