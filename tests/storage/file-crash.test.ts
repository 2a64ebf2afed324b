import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createFileStore } from 'planwright/storage/file';
import { afterEach, expect, it, vi } from 'vitest';

import { useDirectories } from './support/file-directories.js';
import { createDisk, diskStates } from './support/file-disk.js';
import { expectProgress } from './support/file-progress.js';
import { noProgress, playScenario, type Progress } from './support/file-scenario.js';
import { type FileCall, tapFiles } from './support/file-tap.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
afterEach(() => directories.clear());

/** What a disk holds at some moment, and how far the writers had got by then. */
interface Moment {
  readonly call: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly progress: Progress;
}

/** Every state in which a power failure may leave the directory of the scenario, each once. */
async function momentsOf(directory: string): Promise<readonly Moment[]> {
  const disk = createDisk(directory);
  const progress = noProgress();
  const moments = new Map<string, Moment>();
  const after = (call: FileCall): void => {
    disk.note(call);
    for (const state of diskStates) {
      const files = disk.left(state);
      const digest = createHash('sha1').update(JSON.stringify([...progress.acknowledged]));
      for (const [name, content] of files) digest.update(name).update(content);
      const { acknowledged, attempted } = progress;
      moments.set(digest.digest('hex'), {
        call: `after ${call.name} ${JSON.stringify(state)}`,
        files,
        progress: { acknowledged: new Map(acknowledged), attempted: new Map(attempted) },
      });
    }
  };
  await tapFiles({ after }, () => playScenario(directory, progress));
  expect([...progress.acknowledged.values()]).toEqual([12, 12]);
  return [...moments.values()];
}

it('FO-26: loses nothing that was acknowledged when the power fails between any two calls on a file', async () => {
  const moments = await momentsOf(directories.next());
  // Or else the log was not written anew while others wrote to it.
  expect(moments.some(({ files }) => files.has('00000001-00000002.log'))).toBe(true);
  for (const { call, files, progress } of moments.filter((_, index) => isLong || index % 3 === 0)) {
    const directory = directories.next();
    mkdirSync(directory);
    for (const [name, content] of files) writeFileSync(join(directory, name), content);
    const store = createFileStore({ directory });
    await expectProgress(store, progress).catch((cause: unknown) => expect.fail(`${call}: ${String(cause)}`));
    await store.close();
    directories.clear();
  }
});

it('FO-26: a store that does not wait for the disk has everything there when it is closed', async () => {
  const directory = directories.next();
  const disk = createDisk(directory);
  const progress = noProgress();
  await tapFiles({ after: (call) => disk.note(call) }, () => playScenario(directory, progress, { synchronous: 'NORMAL' }));
  const left = directories.next();
  mkdirSync(left);
  for (const [name, content] of disk.left({ names: 'synced', contents: 'synced' })) writeFileSync(join(left, name), content);
  const store = createFileStore({ directory: left });
  await expectProgress(store, progress);
  await store.close();
});
