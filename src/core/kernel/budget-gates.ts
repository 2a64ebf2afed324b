import { askedBudgetError, budgetError, isExact } from './budget-errors.js';
import { isHard } from './exceed-budget.js';
import { failStep } from './fail-step.js';
import type { Shortfall } from './ledger-accounts.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import type { AskedPolicy } from './asked-policy.js';
import { closeWaiting, comingAttempt, isApproved, waitingFor } from './policy-approvals.js';
import { gateStep } from './policy-gates.js';
import { statusOf, type RunCore } from './run-core.js';

/** Stands in the place of a policy's key where an exhausted budget has a step wait for a person. */
export const budgetGate = 'budget:exhausted';

const asked = (core: RunCore, index: number, reason: string): AskedPolicy => ({
  ...{ policy: budgetGate, verdict: 'require-approval', transition: 'spend', reason },
  attempt: comingAttempt(core, index),
});

/** Whether a person has said that what was only estimated does not count against the attempt that begins next. */
export const isEstimateForgiven = (core: RunCore, index: number): boolean =>
  core.approvals.has(index) && isApproved(core, index, asked(core, index, ''));

/**
 * The budget of a role, or of the step itself, is exhausted. The step fails, and nothing else does; or it waits for a person, where the
 * plan says so, or where what is missing was only estimated.
 */
export function refuseStep(
  core: RunCore,
  {
    index,
    shortfall,
    stepId,
    at,
  }: { readonly index: number; readonly shortfall: Shortfall; readonly stepId: string; readonly at: number },
): void {
  // Who has let it go on without raising anything has been heard.
  const isAnswered = isEstimateForgiven(core, index);
  if (isAnswered || (isHard(core) && isExact(shortfall)))
    failStep(core, index, { error: budgetError(shortfall, stepId), spend: noSpend, at });
  else gateStep(core, index, { asked: asked(core, index, askedBudgetError(shortfall, stepId).message), at });
}

/** A budget was raised: what waits for that looks again. */
export function openBudgetGates(core: RunCore, at: number): void {
  const waiting = [...core.approvals.keys()].sort((a, b) => a - b);
  for (const index of waiting) {
    if (waitingFor(core, index)?.policy !== budgetGate || statusOf(core, index) !== 'gated') continue;
    closeWaiting(core, index, false);
    mustMoveStep(core, index, 'APPROVE', { at });
  }
}
