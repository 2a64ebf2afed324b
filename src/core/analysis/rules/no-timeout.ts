import { createTimeoutLookup, defaultTimeoutMs } from '../../plan/step-timeout.js';
import { listIds } from '../list-ids.js';
import type { PlanStep } from '../../ports/plan.js';
import type { Rule } from '../rule.js';

/** Steps that an agent which never answers would hold up for a day. */
export const noTimeout: Rule = {
  code: 'no-timeout',
  severity: 'info',
  check({ plan }) {
    if (plan.budget.maxDurationMs !== undefined) return [];
    const timeoutOf = createTimeoutLookup(plan);
    const isOpen = (step: PlanStep): boolean => timeoutOf(step) === defaultTimeoutMs && step.totalTimeoutMs === undefined;
    const stepIds = plan.steps.filter(isOpen).map(({ id }) => id);
    if (stepIds.length === 0) return [];
    const message = `${stepIds.length} of ${plan.steps.length} steps have no timeoutMs, and the run has no maxDurationMs, so an agent that never answers holds its step for 24 hours: ${listIds(stepIds)}.`;
    return [{ message, stepIds }];
  },
};
