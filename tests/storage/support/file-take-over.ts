import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';

import { onTestFinished } from 'vitest';

export type TakerOrder = { readonly type: 'take over'; readonly directory: string } | { readonly type: 'close' };

/** Entries, as `run seq`: those that were there, and those that were written and answered. */
export interface TakerAnswer {
  readonly found: readonly string[];
  readonly written: readonly string[];
  readonly error?: string;
}

export interface Taker {
  /** Believes that whoever holds the directory is gone, takes it over, writes two entries to each run, and keeps it. Nothing else runs meanwhile. */
  takeOver(directory: string): TakerAnswer;
  close(): void;
}

/** Starts a worker that is as good as another process: it shares no memory with this one. */
export function startTaker(): Taker {
  const { port1, port2 } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const script = new URL('file-taker.ts', import.meta.url).href;
  const loader = import.meta.resolve('tsx/esm/api');
  const worker = new Worker(`import('${loader}').then(({ register }) => void register()).then(() => import('${script}'))`, {
    eval: true,
    workerData: { port: port2, flag },
    transferList: [port2],
  });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const order = (what: TakerOrder): TakerAnswer => {
    Atomics.store(flag, 0, 0);
    port1.postMessage(what);
    if (Atomics.wait(flag, 0, 0, 60_000) === 'timed-out') throw new RangeError('The taker does not answer.');
    const { message } = receiveMessageOnPort(port1) as { readonly message: TakerAnswer };
    if (message.error !== undefined) throw new RangeError(message.error);
    return message;
  };
  return {
    takeOver(directory) {
      feignDeath(directory);
      return order({ type: 'take over', directory });
    },
    close: () => void order({ type: 'close' }),
  };
}

/** Makes it seem that the process is gone that holds a directory: no process has such a number. */
export function feignDeath(directory: string): void {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.lock'))) {
    const path = join(directory, name);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"pid":\d+/, '"pid":99999999'));
  }
}
