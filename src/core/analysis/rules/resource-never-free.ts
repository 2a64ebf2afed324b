import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A step that takes more of a resource than there is. */
export const resourceNeverFree: Rule = {
  code: 'resource-never-free',
  severity: 'error',
  check({ plan }) {
    const limits = new Map(Object.entries(plan.resources));
    return plan.steps.flatMap(({ id, resources }) =>
      resources.flatMap(({ name, amount }) => {
        const most = limits.get(name)?.concurrency;
        if (most === undefined || amount <= most) return [];
        const message = `Step ${quote(id)} takes ${amount} of the resource ${quote(name)}, of which there are ${most} in all. Take less, or raise the resource's concurrency.`;
        return [{ message, stepIds: [id] }];
      }),
    );
  },
};
