import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, expect, it } from 'vitest';

import { createOrchestrator, type AgentFunction, type RunHaltedError } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';
import { layeredProposal } from 'planwright/testing';

import { ada, eventsOf, rejectionOf } from '../running/support/world.js';

interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...values: unknown[]): unknown;
    get(...values: unknown[]): unknown;
    all(...values: unknown[]): unknown[];
  };
  close(): void;
}
const open = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database;

const folders: string[] = [];
const newPath = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'planwright-faults-'));
  folders.push(folder);
  return join(folder, 'runs.db');
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const tickets = 60;

/** Counts what it did by key, and calls back when it has done so much. */
function countingAgent(at: number, then: () => void) {
  const done = new Map<string, number>();
  const agent: AgentFunction = async ({ idempotencyKey, stepId, attempt }) => {
    const effect = `${stepId} ${attempt} ${idempotencyKey}`;
    done.set(effect, (done.get(effect) ?? 0) + 1);
    if (done.size === at) then();
    return { output: { of: stepId, text: '.'.repeat(500) } };
  };
  return { agent, done };
}

it('HB-04: a run whose disk is full stops, says so, loses nothing, and goes on when there is room', async () => {
  const database = new open(newPath());
  const { agent, done } = countingAgent(20, () => {
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { readonly page_count: number };
    database.exec(`PRAGMA max_page_count = ${pages}`);
  });
  const store = createSqliteStore({ database });
  const orchestrator = createOrchestrator({ store, agents: { worker: agent } });
  const proposed = await orchestrator.propose(layeredProposal({ tickets }));
  const run = await orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada });
  const halted = (await rejectionOf(run.result())) as unknown as RunHaltedError;
  expect(halted).toMatchObject({ code: 'RUN_HALTED', runId: proposed.runId, cause: { code: 'STORE_UNAVAILABLE' } });
  expect(halted.message).toMatch(/full/i);
  const told = await eventsOf(run);
  database.exec('PRAGMA max_page_count = 1000000');
  const [again] = await orchestrator.recover();
  expect(await again?.result()).toMatchObject({ status: 'completed' });
  // What somebody was told of before is still true, in the same order.
  expect((await eventsOf(again!)).slice(0, told.length)).toEqual(told);
  expect(again?.durability()).toMatchObject({ recoveries: 1 });
  // Each step under one key, whichever process it ran in.
  expect([...done.keys()].map((effect) => effect.split(' ')[0]).sort()).toEqual(
    again
      ?.view()
      .steps.map(({ id }) => id)
      .sort(),
  );
  await orchestrator.close();
  await store.close();
  database.close();
});

it('HB-61: what keeping a run has cost, and what it has spared, is told', async () => {
  const path = newPath();
  const store = createSqliteStore({ path });
  const { agent } = countingAgent(1e9, () => undefined);
  const orchestrator = createOrchestrator({ store, agents: { worker: agent } });
  const proposed = await orchestrator.propose(layeredProposal({ tickets }));
  const run = await orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada });
  await run.result();
  const { commits, entries, bytes, checkpoints, commitMs, recoveries, stepsKept } = run.durability();
  expect(entries).toBeGreaterThan(2 * tickets);
  expect(commits).toBeLessThan(entries / 2);
  expect(bytes).toBeGreaterThan(tickets * 100);
  expect([checkpoints, recoveries, stepsKept]).toEqual([1, 0, 0]);
  expect(commitMs).toBeGreaterThanOrEqual(0);
  await orchestrator.close();
  await store.close();
});

it('a lock that somebody else holds for a while holds up the run, and nothing else', async () => {
  const path = newPath();
  const store = createSqliteStore({ path });
  const other = new open(path);
  let turns = 0;
  const { agent, done } = countingAgent(20, () => {
    other.exec('BEGIN IMMEDIATE');
    const count = setInterval(() => {
      turns += 1;
      if (turns < 30) return;
      clearInterval(count);
      other.exec('COMMIT');
    }, 10);
  });
  const orchestrator = createOrchestrator({ store, agents: { worker: agent } });
  const proposed = await orchestrator.propose(layeredProposal({ tickets }));
  const run = await orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada });
  expect(await run.result()).toMatchObject({ status: 'completed' });
  // The event loop went round while the run waited.
  expect(turns).toBe(30);
  expect([...done.values()].every((times) => times === 1)).toBe(true);
  await orchestrator.close();
  await store.close();
  other.close();
});
