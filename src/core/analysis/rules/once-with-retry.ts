import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Steps that must not be run twice blindly, with more than one attempt. */
export const onceWithRetry: Rule = {
  code: 'once-with-retry',
  severity: 'warning',
  check({ plan }) {
    const stepIds = plan.steps.filter(({ effect, retry }) => effect === 'once' && retry.attempts > 1).map(({ id }) => id);
    if (stepIds.length === 0) return [];
    const message =
      'These steps have the effect "once" and more than one attempt. An attempt that reported its failure is repeated; one whose ' +
      `outcome is unknown is not. Set one attempt where a failure may have taken effect: ${listIds(stepIds)}.`;
    return [{ message, stepIds }];
  },
};
