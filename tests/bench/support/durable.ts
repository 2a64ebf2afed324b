import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createOrchestrator, type AgentFunction, type Orchestrator, type OrchestratorOptions, type Proposed } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

/** The part of better-sqlite3 that the hand-written loops use. */
interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): unknown };
  close(): void;
}

/** A fresh folder for a database, gone when `work` has ended. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'planwright-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes one row a step, each in a transaction of its own, as durable as planwright's store is by default. */
export function openRows(path: string): {
  readonly write: (stepId: string, output: unknown) => void;
  readonly close: () => void;
} {
  const open = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database;
  const database = new open(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE steps (id TEXT PRIMARY KEY, output TEXT)');
  const insert = database.prepare('INSERT INTO steps VALUES (?, ?)');
  return { write: (stepId, output) => void insert.run(stepId, JSON.stringify(output)), close: () => database.close() };
}

export interface Opened {
  readonly orchestrator: Orchestrator;
  /** Closes both, after which the database file is complete. */
  close(): Promise<void>;
}

/** An orchestrator on a SQLite file, with one agent for everything. */
export function openOn(path: string, agent: AgentFunction, options: Partial<OrchestratorOptions> = {}): Opened {
  const store = createSqliteStore({ path });
  const orchestrator = createOrchestrator({ store, agents: { worker: agent }, ...options });
  return {
    orchestrator,
    async close() {
      await orchestrator.close();
      await store.close();
    },
  };
}

export const approval = ({ revision, digest }: Proposed) =>
  ({ revision, digest, approvedBy: { kind: 'user', id: 'bench' } }) as const;

export const fileBytes = (path: string): number => statSync(path).size;

/** Two hundred characters that no compression gets far with, and the same for the same number. */
export function text200(nth: number): string {
  let state = (nth * 2_654_435_761 + 1) >>> 0;
  let text = '';
  while (text.length < 200) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += (state >>> 8).toString(36);
  }
  return text.slice(0, 200);
}
