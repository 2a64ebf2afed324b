import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import type { RunStore } from 'planwright';
import type { FileStoreOptions } from 'planwright/storage/file';
import { onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('file-child.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What a call in another process rejects with. */
export class RemoteError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A store in another process, on which calls are made as if it were here. */
export interface StoreProcess extends RunStore {
  readonly pid: number;
  /** Writes runs one entry after the other until the process ends, and tells of each commit that was answered. */
  writeOn(runIds: readonly string[], tell: (runId: string, seq: number) => void): void;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGKILL; calls that were not answered reject with code KILLED. Resolves when all that it has said was heard. */
  kill(): Promise<void>;
}

export interface StoreProcessOptions extends FileStoreOptions {
  /** The user it runs as. Default: the same. */
  readonly uid?: number;
  /** The longest file that it may write, a multiple of 1,024. Default: any. */
  readonly maxFileBytes?: number;
}

/** Starts a process with a store, which is opened by the first call. It is killed when the test is over. */
export function startStore({ uid, maxFileBytes, ...options }: StoreProcessOptions): StoreProcess {
  const limit = maxFileBytes === undefined ? '' : `ulimit -f ${maxFileBytes / 1_024} && `;
  const command = [process.execPath, '--import', 'tsx', script, JSON.stringify(options)] as const;
  // The caches of tsx are files too.
  const env = { ...process.env, TSX_DISABLE_CACHE: '1', ...(uid !== undefined && { TMPDIR: '/tmp', HOME: '/tmp' }) };
  const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...command], {
    env,
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid }),
  });
  const tellers: ((runId: string, seq: number) => void)[] = [];
  const call = caller(child, (runId, seq) => tellers[0]?.(runId, seq));
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  const methods = ['commit', 'load', 'journal', 'list', 'claim', 'renew', 'release', 'close'] as const;
  const calls = Object.fromEntries(methods.map((name) => [name, (...values: readonly unknown[]) => call(name, values)]));
  return {
    ...(calls as unknown as RunStore),
    pid: child.pid ?? 0,
    writeOn(runIds, tell) {
      tellers[0] = tell;
      call('writeOn', [runIds]).catch(() => undefined);
    },
    signal: (name) => void child.kill(name),
    kill,
  };
}

type Child = ChildProcessByStdio<Writable, Readable, null>;
type Answer = readonly [id: number, value: unknown, error?: { readonly code: string; readonly message: string }];

function caller(child: Child, tell: (runId: string, seq: number) => void) {
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [id, value, error] = JSON.parse(line) as Answer;
    if (id === 0) return tell(value as string, error as unknown as number);
    if (error) waiting.get(id)?.reject(new RemoteError(error.code, error.message));
    // `undefined` has no JSON; the only answers that are null are those of methods which answer nothing.
    else waiting.get(id)?.resolve(value ?? undefined);
    waiting.delete(id);
  });
  // After the last line was read, not when the process has gone: answers may still be on their way.
  child.stdout.on('close', () => {
    for (const { reject } of waiting.values()) reject(new RemoteError('KILLED', 'the process has ended'));
    waiting.clear();
  });
  child.stdin.on('error', () => undefined);
  let calls = 0;
  return (method: string, values: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      calls += 1;
      waiting.set(calls, { resolve, reject });
      child.stdin.write(`${JSON.stringify([calls, method, ...values])}\n`);
    });
}
