import { type AgentFunction, createOrchestrator, type OrchestrationProposal } from 'planwright';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { expect, it } from 'vitest';

import { describeData } from '../support/real-data/data-set.js';
import { projects } from '../support/real-data/psplib.js';
import { taskMasterPlans } from '../support/real-data/taskmaster.js';
import { workflowInstances } from '../support/real-data/wfinstances.js';

interface Stay {
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Runs a proposal in virtual time, every ticket for as long as it is estimated, and notes when each began and ended. */
async function runInVirtualTime(proposal: OrchestrationProposal) {
  const clock = createVirtualClock({ startAt: 0 });
  const durations = new Map(proposal.tickets.map(({ key, estimate }) => [key, estimate?.durationMs ?? 0]));
  const stays = new Map<string, Stay>();
  const agent: AgentFunction = async ({ stepId }, { signal }) => {
    const startedAt = clock.now();
    await clock.sleep(durations.get(stepId) ?? 0, { signal });
    stays.set(stepId, { startedAt, endedAt: clock.now() });
    return { output: {} };
  };
  const agents = Object.fromEntries(proposal.roles.map((role) => [role.kind === 'existing' ? role.agentId : role.key, agent]));
  const orchestrator = createOrchestrator({ agents, clock, ids: createSequentialIds() });
  const { runId, revision, digest } = await clock.runUntil(orchestrator.propose(proposal));
  const approval = orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
  const run = await clock.runUntil(approval);
  const result = await clock.runUntil(run.result());
  const elapsedMs = clock.now();
  await clock.runUntil(orchestrator.close());
  return { result, stays, elapsedMs };
}

/** Every ticket ran, and none before those it depends on had ended. */
async function checkRun(proposal: OrchestrationProposal): Promise<number> {
  const { result, stays, elapsedMs } = await runInVirtualTime(proposal);
  expect(result).toMatchObject({ status: 'completed', gaps: [] });
  expect(stays.size).toBe(proposal.tickets.length + 1);
  const early = proposal.tickets.flatMap(({ key, dependsOn = [] }) =>
    dependsOn
      .filter((parent) => stays.get(parent)!.endedAt > stays.get(key)!.startedAt)
      .map((parent) => `${key} before ${parent}`),
  );
  expect(early).toEqual([]);
  return elapsedMs;
}

const workflows = workflowInstances();
describeData('runs of wfinstances', workflows, () => {
  it.each(workflows)('$file ends when its critical path does', async ({ proposal, criticalPathSec }) => {
    // The index gives whole milliseconds.
    expect(Math.abs((await checkRun(proposal)) - criticalPathSec * 1_000)).toBeLessThan(0.51);
  });
});

const plans = taskMasterPlans();
describeData('runs of taskmaster', plans, () => {
  it.each(plans)('$file runs to its end, with and without subtasks', async ({ proposal, flattened }) => {
    await checkRun(proposal);
    await checkRun(flattened);
  });
});

const all = projects();
describeData('runs of psplib', all, () => {
  it.each(all)('$file ends exactly at its critical path without capacities', async ({ proposal, mpmTime }) => {
    expect(await checkRun(proposal)).toBe(mpmTime);
  });
});
