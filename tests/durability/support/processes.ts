import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { afterAll } from 'vitest';

import type { PostgresServer } from '../../storage/support/postgres-server.js';
import { freshSchema } from '../../storage/support/postgres-store.js';
import type { ChildAnswer, ChildFault, ChildTask, ChildVerb, StorePlace } from './child-task.js';
import type { CountedLine } from './counter.js';
import { createTail, type ToldLine } from './witness.js';
import type { AppliedEffect } from 'planwright/testing';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Scripts that start in a tenth of a second. They lie where packages that are not bundled can be found. */
export interface Scripts {
  readonly child: string;
  readonly counter: string;
}

/** Bundles the scripts, once for a test file, and removes them after it. */
export async function bundleScripts(): Promise<Scripts> {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'planwright-processes-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  await build({
    absWorkingDir: root,
    entryPoints: { child: join(here, 'child.ts'), counter: join(here, 'counter.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['better-sqlite3', 'pg'],
    // Packages in the older format ask for `require`.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    logLevel: 'error',
  });
  return { child: join(folder, 'child.mjs'), counter: join(folder, 'counter.mjs') };
}

/** A folder for one test, with a world outside that counts, and a file that processes tell of themselves to. */
export interface Theatre {
  readonly folder: string;
  readonly world: string;
  readonly lines: () => readonly ToldLine[];
  readonly effects: () => readonly AppliedEffect[];
  /** Effects that were asked for again under a key that had been honoured. */
  readonly askedAgain: () => number;
  /** Starts a process that drives runs. */
  start(task: TheatreTask): Child;
  close(): void;
}
export type TheatreTask = Omit<ChildTask, 'world' | 'witness'>;

export async function openTheatre({ child, counter }: Scripts): Promise<Theatre> {
  const folder = mkdtempSync(join(tmpdir(), 'planwright-'));
  const [world, effects, witness] = [join(folder, 'world'), join(folder, 'effects'), join(folder, 'witness')];
  for (const file of [effects, witness]) writeFileSync(file, '');
  const counted = createTail(effects) as () => readonly CountedLine[];
  const started = new Set<ChildProcess>();
  const launch = (argv: readonly string[]): ChildProcess => {
    const process = spawn(globalThis.process.execPath, argv, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    started.add(process);
    process.on('exit', () => started.delete(process));
    return process;
  };
  const outside = launch([counter, world, effects]);
  await once(outside.stdout!, 'data');
  return {
    folder,
    world,
    lines: createTail(witness) as () => readonly ToldLine[],
    effects: () => counted().filter(({ isAgain }) => !isAgain),
    askedAgain: () => counted().filter(({ isAgain }) => isAgain).length,
    start: (task) => attach(launch([child, JSON.stringify({ ...task, world, witness } satisfies ChildTask)])),
    close() {
      for (const process of started) process.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a call in another process rejects with. */
export class RemoteError extends Error {
  constructor(readonly fault: ChildFault) {
    super(`${fault.code} (${fault.cause}): ${fault.message}`);
  }
}

/** A process that drives runs. */
export interface Child {
  readonly pid: number;
  /** Resolves when it is about to begin, or has ended before. */
  readonly ready: Promise<void>;
  /** How it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly errors: string }>;
  readonly isOver: boolean;
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGABRT'): void;
  /** Has a process that serves do something. @throws RemoteError */
  ask(verb: ChildVerb, ...given: readonly string[]): Promise<unknown>;
}

function attach(process: ChildProcess): Child {
  let errors = '';
  let isOver = false;
  let calls = 0;
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  process.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
  process.stdin!.on('error', () => undefined);
  const lines = createInterface({ input: process.stdout! });
  const ended = once(process, 'close').then(([code, signal]) => {
    isOver = true;
    for (const { reject } of waiting.values()) reject(new RemoteError({ code: 'ENDED', cause: '', message: errors }));
    return { code: code as number | null, signal: signal as string | null, errors };
  });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'ready') resolve();
      if (!line.startsWith('[')) return;
      const [id, value, fault] = JSON.parse(line) as ChildAnswer;
      if (fault) waiting.get(id)?.reject(new RemoteError(fault));
      else waiting.get(id)?.resolve(value);
      waiting.delete(id);
    });
    void ended.then(() => resolve());
  });
  return {
    pid: process.pid ?? 0,
    ready,
    ended,
    get isOver() {
      return isOver;
    },
    signal: (signal) => void process.kill(signal),
    ask(verb, ...given) {
      calls += 1;
      const id = calls;
      process.stdin!.write(`${JSON.stringify([id, verb, ...given])}\n`);
      return new Promise((resolve, reject) => void waiting.set(id, { resolve, reject }));
    },
  };
}

/** The files of a store in this folder. */
export function storeIn(folder: string, kind: 'sqlite' | 'file'): StorePlace {
  return kind === 'sqlite' ? { kind, path: join(folder, 'runs.db') } : { kind, directory: join(folder, 'runs') };
}

/** A schema of its own. */
export const postgresPlace = ({ connection }: PostgresServer): StorePlace => ({
  kind: 'postgres',
  connection,
  schema: freshSchema(),
});

/** Resolves when this is so; looks every few milliseconds. @throws after `limitMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const limit = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`It has not come about within ${limitMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
