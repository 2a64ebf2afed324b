import { reducers } from '../../plan/reduce.js';
import { quote } from '../../shared/issue.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Several outputs come together in one, and nothing says how: two writers to one value. */
export const reduceWithoutReducer: Rule = {
  code: 'reduce-without-reducer',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps
      .filter(({ kind, reducer, input }) => kind === 'reduce' && reducer === undefined && input.length > 1)
      .map(({ id, input }) => ({
        message: `Step ${quote(id)} joins ${input.length} outputs (${listIds(input)}) into one without a reducer. Name one of: ${listIds([...reducers.keys()])}.`,
        stepIds: [id],
      })),
};
