import {
  approvePlan,
  materialize,
  planProposal,
  type ApprovedPlan,
  type MaterializedRun,
  type OrchestrationProposal,
  type Plan,
  type Result,
} from 'planwright';

/** Who fills the one role of the sample proposals. */
export const roles = { worker: { agentId: 'worker' } };

/** @throws TypeError for a failure: a bench measures what succeeds. */
export function valueOf<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new TypeError(`Expected success, got ${JSON.stringify(result.error).slice(0, 500)}.`);
}

export const approved = (plan: Plan): ApprovedPlan =>
  valueOf(approvePlan(plan, { digest: plan.digest, revision: plan.revision, approvedBy: { kind: 'user', id: 'bench' } }));

export const materialized = (proposal: OrchestrationProposal): MaterializedRun =>
  materialize(approved(valueOf(planProposal(proposal))), roles);

/** Every tenth ticket may be tried twice. */
export const withRetries = (proposal: OrchestrationProposal): OrchestrationProposal => ({
  ...proposal,
  tickets: proposal.tickets.map((ticket, index) =>
    failsOnce(index) ? { ...ticket, retry: { attempts: 2, backoffMs: 1 } } : ticket,
  ),
});

/** Whether the first attempt of a ticket fails, by its position. */
export const failsOnce = (index: number): boolean => index % 10 === 9;
