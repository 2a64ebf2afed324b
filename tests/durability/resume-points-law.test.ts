import fc from 'fast-check';
import {
  type Agent,
  type AgentResult,
  type JournalEntry,
  type OrchestrationProposal,
  planProposal,
  type Run,
  type RunResult,
} from 'planwright';
import { type Outcomes, outcomesArbitrary, proposalArbitrary, scriptedAgent, scriptOf } from 'planwright/testing';
import { expect, it } from 'vitest';

import { ada } from '../running/support/world.js';
import { createRestartWorld, type Life, nthMoment, type Process } from './support/restart-world.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const timeout = isLong ? 900_000 : 60_000;

/** Answers gates, and gives up where the money is gone. */
async function attend(run: Run): Promise<void> {
  for await (const event of run.events()) {
    if (event.type === 'step.gated') run.decide(event.stepId, { approve: true, by: 'ada' }).catch(() => undefined);
    if (event.type === 'run.paused') run.cancel().catch(() => undefined);
  }
}

/** An agent that follows a script, and afterwards knows what it did. */
const honest =
  (proposal: OrchestrationProposal, outcomes: Outcomes, known: Map<string, AgentResult>) =>
  (life: Life): Readonly<Record<string, Agent>> => {
    const plan = planProposal(proposal);
    const scripted = scriptedAgent(plan.ok ? scriptOf(plan.value.steps, outcomes) : {}, life);
    const agent: Agent = {
      async run(request, context) {
        const result = await scripted(request, context);
        known.set(request.idempotencyKey, result);
        life.effect(request.idempotencyKey);
        return result;
      },
      async probe({ idempotencyKey }) {
        const result = known.get(idempotencyKey);
        return result ? { happened: true, ...result } : { happened: false };
      },
    };
    const ids = proposal.roles.map((role) => (role.kind === 'existing' ? role.agentId : role.key));
    return Object.fromEntries(ids.map((id) => [id, agent]));
  };

/** Brings a proposal to its end through processes that die, each at one of its moments. */
async function bringToEnd(proposal: OrchestrationProposal, outcomes: Outcomes, deaths: readonly number[]) {
  const known = new Map<string, AgentResult>();
  const world = createRestartWorld({ agents: honest(proposal, outcomes, known), maxLostStarts: 1_000 });
  /** What was finished when a process died, and how many calls there had been. */
  const done: { readonly calls: number; readonly steps: ReadonlySet<string> }[] = [];
  const repeated = (): string[] =>
    done.flatMap(({ calls, steps }) =>
      world.calls
        .slice(calls)
        .flatMap(({ request: { kind, stepId } }) => (steps.has(stepId) && kind !== 'compensation' ? [stepId] : [])),
    );
  let approval: { readonly runId: string; readonly revision: number; readonly digest: string } | undefined;
  const drive = async ({ orchestrator }: Process): Promise<{ readonly run: Run; readonly result: RunResult }> => {
    approval ??= await orchestrator.propose(proposal);
    const { runId, revision, digest } = approval;
    const run = await orchestrator.approve(runId, { revision, digest, approvedBy: ada });
    void attend(run);
    return { run, result: await run.result() };
  };
  for (const nth of deaths) {
    const dying = world.boot({ dieAt: nthMoment(nth + 1) });
    const end = await world.clock.runUntil(Promise.race([drive(dying), dying.died]));
    if (end) return { world, repeated: repeated(), ...end };
    if (approval) done.push({ calls: world.calls.length, steps: succeeded(await world.journal(approval.runId)) });
  }
  const end = await world.clock.runUntil(drive(world.boot()));
  return { world, repeated: repeated(), ...end };
}

const succeeded = (entries: readonly JournalEntry[]): Set<string> =>
  new Set(entries.flatMap((entry) => (entry.type === 'step.succeeded' ? [entry.stepId] : [])));

it(
  'HB-13, HB-55, HB-56: any run, through processes that die at any of their moments, ends as it would have without',
  { timeout },
  async () => {
    let deaths = 0;
    await fc.assert(
      fc.asyncProperty(
        proposalArbitrary({ maxTickets: 6, gates: true }),
        outcomesArbitrary(),
        fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 4 }),
        async (proposal, outcomes, moments) => {
          const plan = planProposal(proposal);
          fc.pre(plan.ok);
          const expected = await bringToEnd(proposal, outcomes, []);
          const actual = await bringToEnd(proposal, outcomes, moments);
          deaths += new Set(actual.world.calls.map(({ process }) => process)).size - 1;
          expect(actual.result.status).toBe(expected.result.status);
          // How far a run came that did not complete is a matter of time, and so of how often it began again.
          if (expected.result.status === 'completed') {
            expect(actual.result.deliverable).toEqual(expected.result.deliverable);
            const ends = ({ run }: typeof actual) => run.view().steps.map(({ id, status, output }) => [id, status, output]);
            expect(ends(actual)).toEqual(ends(expected));
            // Every effect once, as long as its key is heeded.
            expect(new Set(actual.world.effects).size).toBe(new Set(expected.world.effects).size);
          }
          // What may happen only once has happened once, whether or not a key is heeded.
          const once = new Set(proposal.tickets.flatMap(({ key, effect }) => (effect === 'once' ? [key] : [])));
          const keys = actual.world.calls.flatMap(({ request: { stepId, kind, idempotencyKey } }) =>
            once.has(stepId) && kind !== 'compensation' ? [idempotencyKey] : [],
          );
          for (const key of new Set(keys)) expect(actual.world.effects.filter((effect) => effect === key).length).toBeLessThan(2);
          // What was finished when a process died is not begun again.
          expect(actual.repeated).toEqual([]);
        },
      ),
      { numRuns: isLong ? 2_000 : 60 },
    );
    expect(deaths).toBeGreaterThan(10);
  },
);
