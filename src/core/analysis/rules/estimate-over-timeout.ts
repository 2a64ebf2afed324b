import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A step that is expected to take longer than its timeout allows. */
export const estimateOverTimeout: Rule = {
  code: 'estimate-over-timeout',
  severity: 'warning',
  check: ({ plan }) =>
    plan.steps.flatMap(({ id, estimate, timeoutMs }) => {
      const expectedMs = estimate?.durationMs;
      if (expectedMs === undefined || timeoutMs === undefined || expectedMs <= timeoutMs) return [];
      const message = `Step ${quote(id)} is estimated at ${expectedMs} ms, but an attempt is cut off after ${timeoutMs} ms. Raise timeoutMs or mend the estimate.`;
      return [{ message, stepIds: [id] }];
    }),
};
