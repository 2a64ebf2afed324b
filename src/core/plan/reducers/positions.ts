import type { Contribution, Reducer } from '../../ports/reducer.js';
import { pointerOf } from '../../shared/issue.js';
import { groupEqual, valuesOf, withConflicts } from './reduced.js';

/** Outputs by role, as of a round of discussion. Of several by one role the first counts. Roles that gave none are left out. */
export const positions: Reducer = (contributions) => {
  const byRole = new Map<string, Contribution[]>();
  for (const contribution of contributions) {
    const known = byRole.get(contribution.role);
    if (known) known.push(contribution);
    else byRole.set(contribution.role, [contribution]);
  }
  const disputed = [...byRole].filter(([, given]) => groupEqual(given, ({ output }) => output).length > 1);
  return withConflicts(
    Object.fromEntries(Array.from(byRole, ([role, [first]]) => [role, first!.output])),
    disputed.map(([role, given]) => ({ pointer: pointerOf([role]), values: valuesOf(given), chosen: given[0]!.stepId })),
  );
};
