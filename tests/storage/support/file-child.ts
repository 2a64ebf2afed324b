// A store in a process of its own. Each line of standard input is a call, `[id, method, ...arguments]` as JSON; each line of standard output
// is an answer, `[id, value]` or `[id, null, { code, message }]`. The method `writeOn` plays writers that never end: a line `[0, runId, seq]`
// for each commit that was answered. Arguments of the process: the options of the store as JSON.
import { createInterface } from 'node:readline';

import type { RunStore } from '../../../src/core/ports/store.js';
import { createFileStore, type FileStoreOptions } from '../../../src/storage/file.js';
import { noProgress, writeNext } from './file-scenario.js';

const store = createFileStore(JSON.parse(process.argv[2] ?? '{}') as FileStoreOptions);

const say = (...values: readonly unknown[]): void => void process.stdout.write(`${JSON.stringify(values)}\n`);

async function writeOn(runIds: readonly string[]): Promise<void> {
  const progress = noProgress();
  await Promise.all(
    runIds.map(async (runId) => {
      progress.acknowledged.set(runId, (await store.load(runId))?.seq ?? 0);
      while (true) {
        await writeNext(store, runId, progress);
        say(0, runId, progress.acknowledged.get(runId));
      }
    }),
  );
}

async function call(method: string, values: readonly unknown[]): Promise<unknown> {
  if (method === 'writeOn') return writeOn(values[0] as readonly string[]);
  const act = store[method as keyof RunStore] as (...values: readonly unknown[]) => Promise<unknown>;
  return act(...values);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [id, method, ...values] = JSON.parse(line) as [number, string, ...unknown[]];
  call(method, values).then(
    (value) => say(id, value ?? null),
    (error: unknown) => {
      const { code = '', message } = error as NodeJS.ErrnoException;
      say(id, null, { code, message });
    },
  );
});
