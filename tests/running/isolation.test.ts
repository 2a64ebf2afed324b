import fc from 'fast-check';
import type { AgentFunction, AgentRequest, OrchestrationProposal, Run } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createTeam, handoff, networked, type Time } from './support/play-team.js';
import { delegate, finish, role, supervised, wait } from './support/team.js';
import { eventsOf } from './support/world.js';

const tag = (runId: string): string => `<<${runId}>>`;
const tagsIn = (seen: unknown): Set<string> => new Set(JSON.stringify(seen).match(/<<.*?>>/g));

interface Noted {
  readonly request: AgentRequest;
  readonly costUsd: number;
}

/**
 * One registry of agents for all runs. Each needs a time by chance, and puts the id of the run in all that it makes, so that whatever gets to
 * another run shows there.
 */
function sharedAgents(time: Time, delays: readonly number[], calls: Noted[]): Readonly<Record<string, AgentFunction>> {
  let turn = 0;
  const asRole =
    (answer: (request: AgentRequest) => object): AgentFunction =>
    async (request) => {
      const costUsd = (1 + (calls.length % 7)) / 1_000;
      calls.push({ request, costUsd });
      await time.sleep(delays[turn++ % delays.length]!);
      return { output: `made in ${tag(request.runId)}`, usage: { costUsd }, ...answer(request) };
    };
  const lead = asRole(({ input, runId }) => {
    const { reports, board } = input as unknown as { reports: { role: string }[]; board: { inProgress: object[] } };
    if (reports.length === 0)
      return { route: delegate(['coder', `For ${tag(runId)}`, { note: tag(runId) }], ['tester', tag(runId)]) };
    if (board.inProgress.length > 0) return { route: wait };
    return finish(`finished in ${tag(runId)}`);
  });
  const peer = asRole(({ runId, stepId }) => {
    if (stepId === 'goal/1') return { route: delegate(['second', `For ${tag(runId)}`, { note: tag(runId) }]) };
    if (stepId === 'goal/3') return { route: handoff('second', `Take ${tag(runId)}`, { note: tag(runId) }) };
    return finish(`finished in ${tag(runId)}`);
  });
  const worker = asRole(() => ({}));
  return { lead, coder: worker, tester: worker, first: peer, second: peer, judge: worker, clerk: worker };
}

/** Runs that are alike in everything: two topologies, with the same key, goal and roles in each of their runs. */
const inputs: readonly OrchestrationProposal[] = [
  supervised([role('coder', { clear: false }), 'tester'], { budget: { maxCostUsd: 1 } }),
  networked(['first', role('second', { clear: false })], { budget: { maxCostUsd: 1 } }),
];

async function expectApart(count: number, delays: readonly number[]): Promise<void> {
  const calls: Noted[] = [];
  const world = createTeam((time) => sharedAgents(time, delays, calls));
  const runs: Run[] = [];
  const proposed = await world.clock.runUntil(
    Promise.all(Array.from({ length: count }, (_, nth) => world.orchestrator.propose(inputs[nth % inputs.length]))),
  );
  for (const one of proposed) runs.push(await world.approve(one));
  const results = await world.clock.runUntil(Promise.all(runs.map((run) => run.result())));

  for (const { request } of calls) {
    // Only the first that is asked has not been given anything of the run.
    expect(tagsIn(request)).toEqual(new Set(request.stepId === 'goal/1' ? [] : [tag(request.runId)]));
    expect(request.session.startsWith(`${request.runId}/`)).toBe(true);
    expect(request.idempotencyKey.startsWith(`${request.runId}:`)).toBe(true);
  }
  const sessions = new Map(calls.map(({ request: { session, runId } }) => [session, runId]));
  for (const { request } of calls) expect(sessions.get(request.session)).toBe(request.runId);
  for (const [nth, run] of runs.entries()) {
    const own = calls.filter(({ request }) => request.runId === run.runId);
    const costUsd = own.reduce((sum, call) => sum + call.costUsd, 0);
    expect(results[nth]).toMatchObject({ status: 'completed', deliverable: `made in ${tag(run.runId)}` });
    expect(results[nth]!.usage.costUsd).toBeCloseTo(costUsd, 9);
    const events = await eventsOf(run);
    expect(tagsIn([run.view(), events])).toEqual(new Set([tag(run.runId)]));
    expect(new Set(events.map(({ runId }) => runId))).toEqual(new Set([run.runId]));
    // Every call of its agents is one of its own steps, and each of those was told its reports once.
    const ids = new Set(run.view().steps.map(({ id }) => id));
    expect(own.filter(({ request }) => !ids.has(request.stepId))).toEqual([]);
    const told = own.flatMap(({ request }) =>
      ((request.input as { reports?: { delegationId: string }[] }).reports ?? []).map((one) => one.delegationId),
    );
    expect(told.length).toBe(new Set(told).size);
  }
}

describe('runs with equal names, roles and goals in one process', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 40 });

  it('DD-04 DD-47 DD-50 two of them: no message, report, session or spend of one gets to the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 4 }), delays, (count, given) => expectApart(count, given)),
      { numRuns: 40 },
    );
  });

  it('DD-04 DD-47 DD-50 two hundred of them', async () => {
    await fc.assert(
      fc.asyncProperty(delays, (given) => expectApart(200, given)),
      { numRuns: 2 },
    );
  });

  it('DD-04 what one run is told of another by id means nothing to it', async () => {
    const refused: unknown[] = [];
    const seen: string[] = [];
    const lead: AgentFunction = async ({ runId, input, stepId }) => {
      const { reports = [] } = input as unknown as { reports?: { output: unknown }[] };
      if (stepId === 'goal/1' && seen.length === 0) seen.push(runId);
      if (stepId === 'goal/2') refused.push(...reports.map(({ output }) => (output as { code?: string }).code));
      if (stepId !== 'goal/1') return finish();
      const id = `${seen[0]}/goal/1.1`;
      return {
        output: null,
        route: {
          delegate: [
            { role: 'coder', task: 'x', from: [id] },
            { role: 'coder', task: 'y', supersedes: id },
          ],
        },
      };
    };
    const world = createTeam({ lead, coder: async () => ({ output: 'code' }) });
    for (let nth = 0; nth < 2; nth += 1) await world.run(supervised(['coder']));
    expect(refused).toEqual(Array<string>(4).fill('UNKNOWN_DELEGATION'));
  });
});
