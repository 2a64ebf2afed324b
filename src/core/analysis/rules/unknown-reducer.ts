import { reducers } from '../../plan/reduce.js';
import { quote } from '../../shared/issue.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** A reduce step that names a reducer which does not exist. */
export const unknownReducer: Rule = {
  code: 'unknown-reducer',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps.flatMap(({ id, reducer }) => {
      if (reducer === undefined || reducers.has(reducer)) return [];
      const known = listIds([...reducers.keys()]);
      return [
        {
          message: `Step ${quote(id)} names the reducer ${quote(reducer)}, which does not exist. Known: ${known}.`,
          stepIds: [id],
        },
      ];
    }),
};
