import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { createOrchestrator, type RunStore } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { createSqliteStore } from 'planwright/storage/sqlite';
import { createVirtualClock, type VirtualClock } from 'planwright/testing';

import { ada } from '../../running/support/world.js';
import { agentOf, scenarios } from './scenarios.js';

/** The stores that keep what they hold in files. */
export const goldenStores: Readonly<Record<string, (folder: string) => RunStore>> = {
  sqlite: (folder) => createSqliteStore({ path: join(folder, 'runs.db') }),
  file: (folder) => createFileStore({ directory: join(folder, 'runs') }),
};

/** The same store, whose work takes real time that a virtual clock waits for. */
export function heldBy(clock: VirtualClock, store: RunStore): RunStore {
  const held =
    <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      clock.hold(call(...args));
  return {
    commit: held(store.commit),
    load: held(store.load),
    journal: held(store.journal),
    list: held(store.list),
    claim: held(store.claim),
    renew: held(store.renew),
    release: held(store.release),
    close: held(store.close),
  };
}

/** When the recorded runs were left. */
export const leftAt = Date.UTC(2026, 0, 1);

/** Runs every scenario up to where it is left, in a store in this folder. The process ends there: nothing is closed in good order. */
export async function recordGolden(folder: string, open: (folder: string) => RunStore): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const store = open(folder);
  for (const { name, proposal, leave, status } of scenarios) {
    const clock = createVirtualClock({ startAt: leftAt });
    const agents = { worker: agentOf({ isFirst: true }) };
    const journalLimit = name.includes('talk') ? 50 : 10_000;
    const orchestrator = createOrchestrator({
      store: heldBy(clock, store),
      clock,
      agents,
      ids: () => name,
      owner: 'golden',
      journalLimit,
    });
    const proposed = await clock.runUntil(orchestrator.propose(proposal));
    if (status === 'proposed') continue;
    const run = await clock.runUntil(orchestrator.approve(name, { ...proposed, approvedBy: ada }));
    await leave({ run, orchestrator, clock });
  }
  await store.close();
}
