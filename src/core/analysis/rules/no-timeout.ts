import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Steps that an agent which never answers would hold up for good. */
export const noTimeout: Rule = {
  code: 'no-timeout',
  severity: 'info',
  check({ plan }) {
    if (plan.budget.maxDurationMs !== undefined) return [];
    const stepIds = plan.steps.filter(({ role, timeoutMs }) => role !== undefined && timeoutMs === undefined).map(({ id }) => id);
    if (stepIds.length === 0) return [];
    const message = `${stepIds.length} of ${plan.steps.length} steps have no timeoutMs, and the run has no maxDurationMs, so an agent that never answers holds the run until it is cancelled: ${listIds(stepIds)}.`;
    return [{ message, stepIds }];
  },
};
