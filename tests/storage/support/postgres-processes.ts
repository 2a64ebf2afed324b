import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { PoolConfig } from 'pg';
import { onTestFinished } from 'vitest';

import type { ChildTask } from './postgres-child.js';

const script = fileURLToPath(new URL('postgres-child.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A process of tests/storage/support/postgres-child.ts. */
export interface StoreChild {
  /** What it has printed. */
  readonly lines: readonly string[];
  /** Resolves when it has printed a line that begins so, after the first `after` lines. @throws when it ends without. */
  said(beginning: string, after?: number): Promise<string>;
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  readonly ended: Promise<unknown>;
}

/** Starts it. It is killed when the test is over. */
export function startChild(
  connection: PoolConfig,
  { lockTimeoutMs = 15_000, ...task }: Omit<ChildTask, 'lockTimeoutMs'> & Partial<ChildTask>,
): StoreChild {
  const argv = ['--import', 'tsx', script, JSON.stringify(connection), JSON.stringify({ ...task, lockTimeoutMs })];
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  // After the last line was read, which may be later than the end of the process.
  const ended = once(output, 'close');
  let isOver = false;
  void ended.then(() => (isOver = true));
  return {
    lines,
    ended,
    signal: (signal) => void child.kill(signal),
    async said(beginning, after = 0) {
      for (;;) {
        const line = lines.slice(after).find((text) => text.startsWith(beginning));
        if (line !== undefined) return line;
        if (isOver) throw new Error(`The process ended without "${beginning}": ${lines.slice(-3).join(', ')}`);
        await Promise.race([once(output, 'line'), ended]);
      }
    },
  };
}
