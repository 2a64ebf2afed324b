import fs from 'node:fs';

import { StoreUnavailableError } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { useDirectories } from './support/file-directories.js';
import { expectProgress } from './support/file-progress.js';
import { noProgress, playScenario } from './support/file-scenario.js';
import { type FileCall, tapFiles } from './support/file-tap.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000 });
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
    playScenario(directory, progress, (error) => codes.add((error as { code?: string }).code ?? String(error))),
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
