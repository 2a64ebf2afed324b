import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A ticket that joins the outputs of its inputs, and has none: it can only fail. */
export const reduceOfNothing: Rule = {
  code: 'reduce-of-nothing',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps
      .filter(({ kind, reducer, input }) => kind !== 'reduce' && reducer !== undefined && input.length === 0)
      .map(({ id, reducer }) => ({
        message: `Step ${quote(id)} joins the outputs of its inputs with ${quote(reducer)}, and it has none. Let it depend on what it shall join.`,
        stepIds: [id],
      })),
};
