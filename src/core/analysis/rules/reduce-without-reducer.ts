import { quote } from '../../shared/issue.js';
import { reducerNames } from '../../shared/reducer-names.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Outputs come together in one, and nothing says how: two writers to one value. */
export const reduceWithoutReducer: Rule = {
  code: 'reduce-without-reducer',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps
      .filter(({ kind, reducer }) => kind === 'reduce' && reducer === undefined)
      .map(({ id, input }) => ({
        message: `Step ${quote(id)} joins outputs (${listIds(input)}) into one without a reducer. Name one of: ${listIds(reducerNames())}.`,
        stepIds: [id],
      })),
};
