import { createOrchestrator, projectAttempts, type Run } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { proposalOf } from 'planwright/testing';
import { expect, it } from 'vitest';

import { createWorld, eventsOf, ticket } from './support/world.js';

const retry = { attempts: 3, backoffMs: 100, factor: 1, maxBackoffMs: 100, jitter: 0 };
const tickets = [
  ticket('flaky', { retry }),
  ticket('slow', { retry: { ...retry, attempts: 2 }, timeoutMs: 50, dependsOn: ['flaky'] }),
  ticket('sound', { dependsOn: ['flaky'] }),
];
const usage = { inputTokens: 10, outputTokens: 1, costUsd: 0.01, provenance: 'measured' } as const;
const steps = {
  flaky: [
    { fail: 'no luck', usage, delayMs: 5 },
    { output: 'found', usage, delayMs: 7 },
  ],
  slow: { hang: true },
  sound: { usage, delayMs: 3 },
} as const;

it('FO-27 FO-28: keeps what was assigned to whom, and every attempt at it, for whoever opens the run later', async () => {
  const store = createMemoryStore();
  const world = createWorld({ script: { steps }, store });
  const proposed = await world.propose(proposalOf(tickets));
  const run = await world.approve(proposed);
  await world.end(run);
  const rowsOf = async (of: Run) => projectAttempts(proposed.plan, await eventsOf(of));
  const rows = await rowsOf(run);
  const linked = { runId: proposed.runId, kind: 'step', role: 'worker', agentId: 'worker', start: 1 };
  expect(rows.slice(0, 5)).toMatchObject([
    {
      ...linked,
      stepId: 'flaky',
      attempt: 1,
      outcome: 'failed',
      activeMs: 5,
      error: { message: 'no luck' },
      usage: { tokens: 11 },
    },
    { ...linked, stepId: 'flaky', attempt: 2, outcome: 'succeeded', activeMs: 7, usage: { costUsd: 0.01 } },
    { ...linked, stepId: 'slow', attempt: 1, outcome: 'timed-out', activeMs: 50 },
    { ...linked, stepId: 'sound', attempt: 1, outcome: 'succeeded', activeMs: 3 },
    { ...linked, stepId: 'slow', attempt: 2, outcome: 'timed-out' },
  ]);
  expect(rows.map(({ stepId }) => stepId).slice(5)).toEqual(['synthesis']);
  const view = run.view();
  await world.orchestrator.close();

  const later = createOrchestrator({ store, agents: {}, clock: world.clock });
  const stored = await later.run(proposed.runId);
  expect(await rowsOf(stored)).toEqual(rows);
  expect(stored.view()).toEqual(view);
  expect(stored.view()).toMatchObject({ scope: {}, goal: view.goal, startedAt: view.startedAt, endedAt: view.endedAt });
  await later.close();
});
