import { quote } from '../../shared/issue.js';
import { createTimeoutLookup } from '../../plan/step-timeout.js';
import type { Rule } from '../rule.js';

/** A step that is expected to take longer than its timeout allows. */
export const estimateOverTimeout: Rule = {
  code: 'estimate-over-timeout',
  severity: 'warning',
  check({ plan }) {
    const timeoutOf = createTimeoutLookup(plan);
    return plan.steps.flatMap((step) => {
      const { id, estimate } = step;
      const timeoutMs = timeoutOf(step);
      const expectedMs = estimate?.durationMs;
      if (expectedMs === undefined || timeoutMs === undefined || expectedMs <= timeoutMs) return [];
      const message = `Step ${quote(id)} is estimated at ${expectedMs} ms, but an attempt is cut off after ${timeoutMs} ms. Raise timeoutMs or mend the estimate.`;
      return [{ message, stepIds: [id] }];
    });
  },
};
