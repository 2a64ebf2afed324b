// A store of its own in a worker, which is told what to do by a thread that stands still meanwhile. `workerData` holds a port, and a flag that
// is raised when an answer lies in the port.
import { type MessagePort, workerData } from 'node:worker_threads';

import type { RunStore } from '../../../src/core/ports/store.js';
import { createFileStore } from '../../../src/storage/file.js';
import { noProgress, writeNext } from './file-scenario.js';
import type { TakerAnswer, TakerOrder } from './file-take-over.js';

const { port, flag } = workerData as { readonly port: MessagePort; readonly flag: Int32Array };
let store: RunStore | undefined;

async function carryOut(order: TakerOrder): Promise<TakerAnswer> {
  if (order.type === 'close') {
    await store?.close();
    return { found: [], written: [] };
  }
  store = createFileStore({ directory: order.directory });
  const progress = noProgress();
  const found: string[] = [];
  const written: string[] = [];
  for (const runId of ['a', 'b']) {
    const { seq = 0 } = (await store.load(runId)) ?? {};
    for (let known = 1; known <= seq; known += 1) found.push(`${runId} ${known}`);
    progress.acknowledged.set(runId, seq);
    for (let count = 1; count <= 2; count += 1) {
      await writeNext(store, runId, progress);
      written.push(`${runId} ${seq + count}`);
    }
  }
  return { found, written };
}

port.on('message', (order: TakerOrder) => {
  void carryOut(order)
    .catch((error: unknown) => ({ found: [], written: [], error: String(error) }))
    .then((answer) => {
      port.postMessage(answer);
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
});
