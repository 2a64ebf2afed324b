import { createFileStore } from 'planwright/storage/file';
import { expect, it, vi } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { contentOf } from './support/file-acts.js';
import { useDirectories } from './support/file-directories.js';
import { startStore } from './support/file-processes.js';
import { expectProgress } from './support/file-progress.js';
import { noProgress } from './support/file-scenario.js';

const directories = useDirectories();
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 1_800_000 });

const refused = (directory: string, pid: number) => ({
  code: 'STORE_UNAVAILABLE',
  message: expect.stringContaining(`${directory} is in use by process ${pid} on`) as unknown,
});

it('CC-21: keeps every commit that was answered before its process was killed, and is open to the next at once', async () => {
  const directory = directories.next();
  const progress = noProgress();
  const kills = isLong ? 200 : 10;
  for (let count = 0; count < kills; count += 1) {
    const child = startStore({ directory, synchronous: count % 3 === 2 ? 'NORMAL' : 'FULL' });
    // Another number of commits each time, so that the log is now and then being written anew.
    const enough = 1 + ((count * 37) % 60);
    let told = 0;
    await new Promise<void>((resolve) => {
      child.writeOn(['a', 'b', 'c'], (runId, seq) => {
        progress.acknowledged.set(runId, seq);
        told += 1;
        if (told === enough) resolve();
      });
    });
    await child.kill();
    // Each writer may have had a commit on its way, and have been told of another without telling us.
    for (const runId of ['a', 'b', 'c']) progress.attempted.set(runId, (progress.acknowledged.get(runId) ?? 0) + 3);
    const store = createFileStore({ directory });
    await expectProgress(store, progress);
    await store.close();
  }
});

it('is used by one process at a time: another is told who has it, until that one has closed it or was killed', async () => {
  const directory = directories.next();
  const [first, second] = [startStore({ directory }), startStore({ directory })];
  await first.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
  await expect(second.load('r')).rejects.toMatchObject(refused(directory, first.pid));
  await expect(second.commit(commitOf({ runId: 's', expectedSeq: 0 }))).rejects.toMatchObject(refused(directory, first.pid));
  const here = createFileStore({ directory });
  await expect(here.list()).rejects.toMatchObject(refused(directory, first.pid));
  await first.close();
  await second.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
  await expect(here.list()).rejects.toMatchObject(refused(directory, second.pid));
  await second.kill();
  expect((await here.load('r'))?.seq).toBe(2);
  await here.close();
});

it('lets no other process in while its own is frozen', async () => {
  const directory = directories.next();
  const child = startStore({ directory });
  await child.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
  child.signal('SIGSTOP');
  const here = createFileStore({ directory });
  await expect(here.load('r')).rejects.toMatchObject(refused(directory, child.pid));
  child.signal('SIGCONT');
  await child.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
  await here.close();
});

it('is shared by stores of one process, until the last of them is closed', async () => {
  const directory = directories.next();
  const [first, second] = [
    createFileStore({ directory }),
    createFileStore({ directory: `${directory}/../${directory.split('/').at(-1)}` }),
  ];
  await first.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
  const writers = [first, second].map((store) => store.commit(commitOf({ runId: 'r', expectedSeq: 1 })));
  expect((await Promise.allSettled(writers)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await contentOf(second)).toEqual(await contentOf(first));
  await first.close();
  await second.commit(commitOf({ runId: 'r', expectedSeq: 2 }));
  await second.close();
});

it('is opened anew while it is being closed, at whatever moment that begins', async () => {
  const directory = directories.next();
  for (let moment = 0; moment < 40; moment += 1) {
    const [first, second] = [createFileStore({ directory }), createFileStore({ directory })];
    await first.commit(commitOf({ runId: 'r', expectedSeq: moment }));
    const closing = first.close();
    for (let turn = 0; turn < moment; turn += 1) await Promise.resolve();
    expect((await second.load('r'))?.seq).toBe(moment + 1);
    await Promise.all([closing, second.close()]);
  }
});

it('is opened by one of several processes that come at the same time', async () => {
  const directory = directories.next();
  const first = startStore({ directory });
  await first.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
  await first.kill();
  const others = Array.from({ length: 4 }, () => startStore({ directory }));
  const outcomes = await Promise.allSettled(others.map((store) => store.commit(commitOf({ runId: 'r', expectedSeq: 1 }))));
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  const losers = outcomes.filter((_, index) => index !== winner);
  for (const outcome of losers) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: refused(directory, others[winner]!.pid) });
  }
  expect((await others[winner]!.load('r'))?.seq).toBe(2);
});
