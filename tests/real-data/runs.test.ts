import { type AgentFunction, createOrchestrator, type OrchestrationProposal, type ResourceUse } from 'planwright';
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

const isAtWork = ({ startedAt, endedAt }: Stay, at: number): boolean => startedAt <= at && endedAt > at;

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

  it('HB-41 with capacities breaks none, beats no proven optimum, and comes within 7 % of it on the mean', async () => {
    const ratios: number[] = [];
    for (const { constrained, capacity, optimalMakespan, serialDuration } of all) {
      const { result, stays, elapsedMs } = await runInVirtualTime(constrained);
      expect(result).toMatchObject({ status: 'completed', gaps: [] });
      expect(elapsedMs).toBeGreaterThanOrEqual(optimalMakespan);
      expect(elapsedMs).toBeLessThanOrEqual(serialDuration);
      for (const { startedAt } of stays.values())
        capacity.forEach((most, index) => {
          const atWork = constrained.tickets.filter(({ key }) => isAtWork(stays.get(key)!, startedAt));
          const held = atWork.flatMap(({ resources = [] }) => resources.map((use) => use as ResourceUse));
          const sum = held.filter(({ name }) => name === `R${index + 1}`).reduce((total, { amount = 1 }) => total + amount, 0);
          expect(sum).toBeLessThanOrEqual(most);
        });
      ratios.push(elapsedMs / optimalMakespan);
    }
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    console.info(`Makespan over the proven optimum, mean of ${ratios.length}: ${mean.toFixed(4)}`);
    expect(mean).toBeLessThanOrEqual(1.07);
  });
});
