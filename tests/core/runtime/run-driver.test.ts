import { createOrchestrator } from 'planwright';
import { chainProposal, layeredProposal, starProposal } from 'planwright/testing';
import { expect, it } from 'vitest';

// Agents that answer at once leave the event loop no gap of their own: a server in the same process would hang as long as the run.
it.each([
  ['a chain', chainProposal({ tickets: 1_000 })],
  ['layers', layeredProposal({ tickets: 1_000 })],
  ['a star', starProposal({ dependents: 999 })],
])('lets other work of the process in between the steps of %s', async (_, proposal) => {
  const orchestrator = createOrchestrator({ agents: { worker: async () => ({ output: {} }) } });
  const { runId, revision, digest } = await orchestrator.propose(proposal);
  const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
  let turns = 0;
  let steps = 0;
  const turn = (): void => {
    turns += 1;
    pending = setImmediate(turn);
  };
  let pending = setImmediate(turn);
  for await (const { type } of run.events()) if (type === 'step.succeeded') steps += 1;
  clearImmediate(pending);
  expect(steps).toBe(1_001);
  expect(turns).toBeGreaterThan(steps / 100);
  await orchestrator.close();
});
