import { execFileSync } from 'node:child_process';
import fs, { chmodSync, chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Json, StoreUnavailableError } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { logOf, useDirectories } from './support/file-directories.js';
import { startStore } from './support/file-processes.js';
import { expectProgress } from './support/file-progress.js';
import { noProgress, playScenario } from './support/file-scenario.js';
import { type FileCall, tapFiles } from './support/file-tap.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
afterEach(() => directories.clear());

const fault = (code: string): Error => Object.assign(new Error(`${code}: a fault was planted`), { code, errno: -1 });

/** Plays the scenario with faults from the call `first` on, `count` of them. Gives the number of calls there were. */
async function playWithFaults(code: string, first: number, count: number): Promise<{ calls: number; codes: Set<string> }> {
  const directory = directories.next();
  const progress = noProgress();
  const codes = new Set<string>();
  let calls = 0;
  const before = ({ name, args }: FileCall): void => {
    calls += 1;
    if (calls < first || calls >= first + count) return;
    // A disk that is full takes what still fits.
    if (name === 'writeSync' && code === 'ENOSPC' && Buffer.isBuffer(args[1])) {
      fs.writeSync(args[0] as number, args[1], 0, args[1].length >> 1, args[4] as number);
    }
    throw fault(code);
  };
  await tapFiles({ before }, () =>
    playScenario(directory, progress, { note: (error) => codes.add((error as { code?: string }).code ?? String(error)) }),
  );
  const store = createFileStore({ directory });
  await expectProgress(store, progress).catch((cause: unknown) => expect.fail(`${code} from call ${first} on: ${String(cause)}`));
  await store.close();
  directories.clear();
  return { calls, codes };
}

describe('FO-26: a call on a file that fails', () => {
  it.each(['ENOSPC', 'EIO'])('with %s, wherever it is, ends in StoreUnavailableError or is made up for', async (code) => {
    let last = 1;
    for (let first = 1; first <= last; first += isLong ? 1 : 4) {
      const { calls, codes } = await playWithFaults(code, first, 1);
      last = calls;
      // Never a conflict: what was refused was not written.
      expect([first, [...codes].filter((code) => code !== 'STORE_UNAVAILABLE')]).toEqual([first, []]);
    }
  });

  it.each([2, 5, 1_000])('along with those after it, %d in all, loses nothing that was acknowledged', async (count) => {
    let last = 1;
    for (let first = 1; first <= last; first += isLong ? 1 : 9) last = (await playWithFaults('EIO', first, count)).calls;
  });
});

describe('FO-26: a group that was written but did not reach the disk, and could not be taken back', () => {
  const long = commitOf({ runId: 'r', expectedSeq: 1, output: 'long '.repeat(1_000) });
  const short = commitOf({ runId: 'r', expectedSeq: 1, output: 'short' });

  /** A store of one entry that has failed to write another and to take it back. */
  async function failedStore() {
    const directory = directories.next();
    const store = createFileStore({ directory });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const before = ({ name }: FileCall): void => {
      if (name === 'fdatasync' || name === 'ftruncateSync') throw fault('EIO');
    };
    await expect(tapFiles({ before }, () => store.commit(long))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect((await store.load('r'))?.seq).toBe(1);
    return { directory, store };
  }

  it('does not stand behind what is written next', async () => {
    const { directory, store } = await failedStore();
    await store.commit(short);
    const crashed = createFileStore({ directory: directories.copyOf(directory) });
    expect((await crashed.load('r'))?.journal.at(-1)).toEqual(short.entries[0]);
    await Promise.all([crashed.close(), store.close()]);
  });

  it('is not there after the store was closed', async () => {
    const { directory, store } = await failedStore();
    await store.close();
    const again = createFileStore({ directory });
    expect((await again.load('r'))?.seq).toBe(1);
    await again.commit(short);
    await again.close();
  });
});

describe('FO-26: the file store', () => {
  const unavailable = (message: string) => ({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining(message) as unknown });
  const commit = (seq: number, output: Json = 'done') => commitOf({ runId: 'r', expectedSeq: seq, output });

  it.skipIf(!canMount())('on a disk that is full keeps what was there, and goes on when there is room', async () => {
    const mounted = mkdtempSync(join(tmpdir(), 'planwright-mount-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]);
    onTestFinished(() => {
      execFileSync('umount', [mounted]);
      rmSync(mounted, { recursive: true });
    });
    const directory = join(mounted, 'runs');
    const store = createFileStore({ directory });
    await store.commit(commit(0));
    const together = await Promise.allSettled([
      store.commit(commit(1, 'long '.repeat(500_000))),
      store.commit(commitOf({ runId: 's', expectedSeq: 0 })),
    ]);
    for (const outcome of together)
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable('The disk is full. Free some space') });
    await store.commit(commit(1));
    writeFileSync(join(mounted, 'ballast'), Buffer.alloc(4_096 * Math.floor(statfsSync(mounted).bavail)));
    const refused = Array.from({ length: 30 }, () => store.commit(commit(2, 'x'.repeat(5_000))).catch((error: unknown) => error));
    for (const outcome of await Promise.all(refused)) expect(outcome).toMatchObject(unavailable('The disk is full'));
    expect((await store.load('r'))?.seq).toBe(2);
    await store.close();
    const again = createFileStore({ directory });
    await expect(again.load('r')).rejects.toMatchObject(unavailable('The disk is full'));
    rmSync(join(mounted, 'ballast'));
    await again.commit(commit(2));
    expect((await again.load('r'))?.seq).toBe(3);
    await again.close();
  });

  it('in a process that may write no larger files keeps what was there', async () => {
    // SIGXFSZ is ignored by Node, so that the limit shows as an error.
    const directory = directories.next();
    const child = startStore({ directory, maxFileBytes: 64 << 10 });
    await child.commit(commit(0));
    await expect(child.commit(commit(1, 'x'.repeat(100_000)))).rejects.toMatchObject(
      unavailable('The process may not write files so large'),
    );
    await child.commit(commit(1));
    await child.kill();
    const store = createFileStore({ directory });
    expect((await store.load('r'))?.seq).toBe(2);
    await store.close();
  });

  it.skipIf(process.platform === 'win32')('without the right to its directory says so, until it is given back', async () => {
    const directory = directories.next();
    // Nobody takes a right from root, so the store runs as somebody else.
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    mkdirSync(directory);
    if (uid !== undefined) chownSync(directory, uid, uid);
    chmodSync(dirname(directory), 0o755);
    chmodSync(directory, 0o500);
    const child = startStore({ directory, ...(uid !== undefined && { uid }) });
    await expect(child.commit(commit(0))).rejects.toMatchObject(unavailable('Give this process the right'));
    chmodSync(directory, 0o700);
    await child.commit(commit(0));
    chmodSync(directory, 0o000);
    await expect(child.commit(commit(1))).rejects.toMatchObject(unavailable('Give this process the right'));
    await expect(child.load('r')).rejects.toMatchObject(unavailable('Give this process the right'));
    chmodSync(directory, 0o700);
    await child.commit(commit(1));
    expect((await child.load('r'))?.seq).toBe(2);
  });

  it.each(['removed', 'moved', 'emptied'])('whose directory was %s says so, and does not begin a new one', async (how) => {
    const directory = directories.next();
    const store = createFileStore({ directory });
    await store.commit(commit(0));
    if (how === 'moved') renameSync(directory, directories.next());
    else rmSync(directory, { recursive: true });
    if (how === 'emptied') mkdirSync(directory);
    for (const call of [() => store.commit(commit(1)), () => store.load('r'), () => store.commit(commit(0))]) {
      await expect(call()).rejects.toMatchObject(unavailable('Create the store anew'));
    }
    const anew = createFileStore({ directory });
    expect(await anew.list()).toEqual({ runs: [] });
    await anew.commit(commit(0));
    await store.close();
    await anew.commit(commit(1));
    await anew.close();
  });

  it('whose log was removed, and nothing else, says so', async () => {
    const directory = directories.next();
    const store = createFileStore({ directory });
    await store.commit(commit(0));
    rmSync(logOf(directory));
    await expect(store.commit(commit(1))).rejects.toMatchObject(unavailable('it was removed'));
    await store.close();
  });

  it.each([
    ['is a file', join('runs')],
    ['leads through a file', join('runs', 'of', 'mine')],
  ])('whose directory %s says so, and opens when that is mended', async (_, path) => {
    const parent = directories.next();
    mkdirSync(parent);
    writeFileSync(join(parent, 'runs'), '');
    const store = createFileStore({ directory: join(parent, path) });
    await expect(store.list()).rejects.toBeInstanceOf(StoreUnavailableError);
    rmSync(join(parent, 'runs'));
    await store.commit(commit(0));
    await store.close();
  });
});

function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'planwright-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
