import { quote } from '../../shared/issue.js';
import { isKnownReducer, reducerNames } from '../../shared/reducer-names.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** A step that names a reducer which does not exist. One of somebody's own only the orchestrator knows, which looks for it. */
export const unknownReducer: Rule = {
  code: 'unknown-reducer',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps.flatMap(({ id, reducer }) => {
      if (reducer === undefined || isKnownReducer(reducer)) return [];
      const known = listIds(reducerNames());
      return [
        {
          message: `Step ${quote(id)} names the reducer ${quote(reducer)}, which does not exist. Known: ${known}, and "custom:" with the name of one of your own.`,
          stepIds: [id],
        },
      ];
    }),
};
