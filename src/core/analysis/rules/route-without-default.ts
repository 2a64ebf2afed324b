import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A route step whose rules may all fail to hold, and which then fails itself. */
export const routeWithoutDefault: Rule = {
  code: 'route-without-default',
  severity: 'warning',
  check: ({ plan }) =>
    plan.steps.flatMap(({ id, role, routes }) => {
      // Where no rule holds, its agent is asked.
      if (role !== undefined || routes === undefined || routes.some(({ when }) => when === undefined)) return [];
      const message = `Step ${quote(id)} fails when none of its ${routes.length} rules holds. End the table with a rule that has no "when".`;
      return [{ message, stepIds: [id] }];
    }),
};
