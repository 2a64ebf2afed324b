import fc from 'fast-check';

import { approvePlan, type ApprovedPlan } from '../../src/core/approval/approve-plan.js';
import { materialize, type MaterializedRun } from '../../src/core/materializer/materialize.js';
import { definePlan, type PlanDraft } from '../../src/core/plan/define-plan.js';
import { planProposal } from '../../src/core/plan/plan-proposal.js';
import { planDigest } from '../../src/core/plan/plan-digest.js';
import type { Plan } from '../../src/core/ports/plan.js';
import type { PlanPolicy, PolicyVerdict } from '../../src/core/ports/policy.js';
import type { OrchestrationProposal } from '../../src/core/ports/proposal.js';
import type { Effect, StepKind } from '../../src/core/ports/step-traits.js';
import type { StepDraft } from '../../src/core/ports/topology.js';
import type { Result } from '../../src/core/shared/result.js';
import { proposalArbitrary } from '../../src/core/testing/proposal-arbitrary.js';
import { planArbitrary, type PlanArbitraryOptions } from '../../src/core/testing/plan-arbitrary.js';
import { builtInTopologies } from '../../src/topologies/index.js';

/** The value of a result that a test takes for granted. */
export function unwrap<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error, null, 2));
}

export const ada = { kind: 'user', id: 'ada' } as const;

export const approved = (plan: Plan): ApprovedPlan =>
  unwrap(approvePlan(plan, { digest: plan.digest, revision: plan.revision, approvedBy: ada }));

/** An agent for every role of a plan, each with a name of its own. */
export const agentsOf = (plan: Plan): Record<string, { readonly agentId: string }> =>
  Object.fromEntries(plan.roles.map(({ key }) => [key, { agentId: `agent of ${key}` }]));

export const materialized = (plan: Plan): MaterializedRun =>
  materialize(approved(plan), agentsOf(plan), { topologies: builtInTopologies });

export const planned = (proposal: OrchestrationProposal): Plan =>
  unwrap(planProposal(proposal, { topologies: builtInTopologies }));

/** A plan of tickets for the role `worker` and whatever else is named, ended by a `synthesis` step that waits for every ticket. */
export function handWritten(
  steps: readonly (Partial<StepDraft> & { readonly id: string })[],
  parts: Partial<Omit<PlanDraft, 'steps'>> = {},
): Plan {
  const drafts = steps.map((step) => ({ kind: 'ticket' as const, role: 'worker', instructions: 'Do it.', ...step }));
  const last = {
    id: 'synthesis',
    kind: 'synthesis',
    phase: 'synthesis',
    role: 'worker',
    join: 'all-settled',
    onFailure: 'fail-run',
    dependsOn: drafts.map(({ id }) => id),
  } as const;
  const roles = [{ key: 'worker', kind: 'existing', agentId: 'agent-1' }] as const;
  return unwrap(definePlan({ goal: 'A goal', roles, ...parts, steps: [...drafts, last] }));
}

/** Those whose plans have all their steps from the beginning. */
export const staticTopologies = builtInTopologies.filter(({ expand }) => expand === undefined);

/** Plans of every shape with gates, and the machines they become. */
export const anyMaterialized = (options: Partial<PlanArbitraryOptions> = {}): fc.Arbitrary<MaterializedRun> =>
  planArbitrary({ topologies: staticTopologies, maxTickets: 8, gates: true, ...options }).map(shownAsPlan);

/** Plans to which steps are added while they run. */
export const anyTeam = (options: Partial<PlanArbitraryOptions> = {}): fc.Arbitrary<MaterializedRun> => {
  const topologies = builtInTopologies.filter(({ expand }) => expand !== undefined);
  return planArbitrary({ topologies, maxTickets: 3, gates: true, ...options }).map(shownAsPlan);
};

/** Plans of every shape in which tickets, or the synthesis, are verified. */
export const anyVerified = (): fc.Arbitrary<MaterializedRun> => {
  const kinds = builtInTopologies.map(({ kind }) => kind);
  const proposals = proposalArbitrary({ topologies: kinds, maxTickets: 4, gates: true });
  return fc.tuple(proposals, fc.integer({ min: 0, max: 3 }), fc.nat({ max: 2 })).map(([proposal, which, maxReworks]) => {
    const verify = { role: proposal.roles[0]!.key, instructions: 'Is it right? {{input.result}}', maxReworks };
    const tickets = which === 1 ? proposal.tickets : proposal.tickets.map((ticket) => ({ ...ticket, verify }));
    const synthesis = which === 0 ? proposal.synthesis : { ...proposal.synthesis, verify };
    // Ceilings leave room for what is done once.
    const { budget: _, ...unlimited } = proposal;
    return shownAsPlan(planned({ ...unlimited, tickets, synthesis }));
  });
};

/** Policies of every kind, over the roles and steps of a plan. */
const policiesOf = (plan: Plan): fc.Arbitrary<readonly PlanPolicy[]> => {
  const some = <T>(values: readonly T[]) => fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined, freq: 2 });
  const policy = fc.record({
    verdict: fc.constantFrom<PolicyVerdict[]>('allow', 'deny', 'require-approval', 'require-approval'),
    on: fc.oneof(
      fc.constantFrom<PlanPolicy['on'][]>({ type: 'start' }, { type: 'retry' }, { type: 'tool' }),
      fc.record({ type: fc.constant('spend' as const), aboveMicroUsd: fc.constantFrom(0, 1_000, 1_000_000, 5_000_000) }),
    ),
    roles: some(plan.roles.map(({ key }) => key)),
    tickets: some(plan.steps.map(({ id }) => id)),
    kinds: some<StepKind>(['ticket', 'route', 'delegation', 'handoff', 'verification', 'synthesis']),
    effects: some<Effect>(['none', 'idempotent', 'once']),
  });
  return fc.array(policy, { minLength: 1, maxLength: 4 }).map((policies) =>
    policies.map((given, place) => {
      const named = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      return { key: `p${place}`, reason: 'So it is.', ...named } as unknown as PlanPolicy;
    }),
  );
};

/** Plans of every shape, with policies. */
export const anyGoverned = (): fc.Arbitrary<MaterializedRun> =>
  planArbitrary({ topologies: builtInTopologies, maxTickets: 4, gates: true })
    .chain((plan) => policiesOf(plan).map((policies) => ({ ...plan, policies })))
    .map((plan) => shownAsPlan({ ...plan, digest: planDigest(plan) }));

/** The machines of a plan; a counterexample shows the plan alone. */
export const shownAsPlan = (plan: Plan): MaterializedRun =>
  ({ ...materialized(plan), [fc.toStringMethod]: () => JSON.stringify(plan) }) as MaterializedRun;
