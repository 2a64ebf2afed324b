import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type DirectoryLock, lockDirectory } from '../../src/storage/file/lock-directory.js';
import { livenessOf, ownIdentity } from '../../src/storage/file/process-identity.js';
import { useDirectories } from './support/file-directories.js';
import { feignDeath } from './support/file-take-over.js';

const directories = useDirectories({ isVolatile: true });
/** Small, so that nobody waits long; a holder shows itself far more often than it must. */
const options = { beatMs: 5, staleMs: 1_000 };
/** A holder that never shows itself while a test lasts. */
const silent = { ...options, beatMs: 3_600_000 };

let directory: string;
let locks: DirectoryLock[];
beforeEach(() => {
  directory = directories.next();
  mkdirSync(directory);
  locks = [];
});
afterEach(() => {
  for (const lock of locks) lock.release({ isClosed: false });
  directories.clear();
});

async function lock(how = options): Promise<DirectoryLock> {
  const taken = await lockDirectory(directory, how);
  locks.push(taken);
  return taken;
}

const lockNames = () => readdirSync(directory).filter((name) => name.endsWith('.lock'));
/** Changes what the one lock says of its holder. */
function rewriteLock(change: (holder: Record<string, unknown>) => object): void {
  const path = join(directory, lockNames()[0]!);
  const text = readFileSync(path, 'utf8');
  const holder = JSON.parse(text.slice(5)) as Record<string, unknown>;
  writeFileSync(path, `${text.slice(0, 5)}${JSON.stringify(change(holder))}\n`);
}

describe('the lock of a directory', () => {
  it('gives each holder a higher number, also when the locks of those before it are gone', async () => {
    const numbers: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { number, release } = await lock();
      numbers.push(number);
      release({ isClosed: true });
      locks = [];
      expect(lockNames()).toHaveLength(1);
    }
    expect(numbers).toEqual([1, 2, 3]);
    rmSync(join(directory, lockNames()[0]!));
    writeFileSync(join(directory, '00000007-00000002.log'), '');
    expect((await lock()).number).toBe(8);
  });

  it.each([true, false])('says whether the last holder has left it in good order: %s', async (isClosed) => {
    (await lock()).release({ isClosed });
    locks = [];
    expect((await lock()).wasClosed).toBe(isClosed);
  });

  it('is refused where the holder lives', async () => {
    await lock();
    await expect(lock()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(`process ${process.pid} on`) as unknown,
    });
  });

  it.each([
    ['of another host', { host: 'elsewhere' }],
    ['in another container', { namespace: 'pid:[1]' }],
    ['of which the system does not say when it began', { startedAt: undefined }],
  ])('is refused where a holder %s shows itself, and not where it is silent', async (_, facts) => {
    const first = await lock();
    rewriteLock((holder) => ({ ...holder, ...facts }));
    await expect(lock()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    first.release({ isClosed: false });
    locks = [];
    const second = await lock(silent);
    rewriteLock((holder) => ({ ...holder, ...facts }));
    const third = await lock();
    expect([second.isHeld(), third.isHeld(), third.wasClosed]).toEqual([false, true, false]);
  });

  it.each([
    ['another process has its number now', { startedAt: '1' }],
    ['the system was started anew', { boot: 'another' }],
    ['its number is nobody’s', { pid: 99_999_999 }],
    ['its directory was copied', { inode: 1 }],
  ])('is taken over at once where %s', async (_, facts) => {
    await lock(silent);
    rewriteLock((holder) => ({ ...holder, ...facts }));
    // Or else this would wait for an hour.
    expect((await lock({ ...options, staleMs: 3_600_000 })).wasClosed).toBe(false);
  });

  it('is lost to each holder that was passed over, however many came after it', async () => {
    const holders: DirectoryLock[] = [];
    for (let count = 0; count < 4; count += 1) {
      feignDeath(directory);
      holders.push(await lock(silent));
      expect(holders.filter((holder) => holder.isHeld())).toEqual(holders.slice(-1));
    }
  });

  it.each(['', 'held {"pid":', 'held {}\n'])('that holds no more than %j is taken over after a while', async (text) => {
    writeFileSync(join(directory, '00000003.lock'), text);
    expect(await lock()).toMatchObject({ number: 4, wasClosed: false });
  });
});

it('a process lives as long as it does, and no other by its number', () => {
  const self = ownIdentity();
  expect(livenessOf(self)).toBe(self.startedAt === undefined ? 'unknown' : 'alive');
  expect(livenessOf({ ...self, pid: 99_999_999 })).toBe('gone');
  expect(livenessOf({ ...self, host: 'elsewhere', pid: 99_999_999 })).toBe('unknown');
});
