import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A compensation for a step that says it changes nothing. */
export const compensationWithoutEffect: Rule = {
  code: 'compensation-without-effect',
  severity: 'warning',
  check: ({ plan }) =>
    plan.steps
      .filter(({ effect, compensation, expands }) => effect === 'none' && compensation !== undefined && expands === undefined)
      .map(({ id }) => ({
        message: `Step ${quote(id)} declares a compensation, but its effect "none" says there is nothing to undo. Drop the one or correct the other.`,
        stepIds: [id],
      })),
};
