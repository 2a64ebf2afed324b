import type { Reducer } from '../../ports/reducer.js';
import { choose, groupEqual } from './reduced.js';

/** The output that most gave; equal JSON counts as one. Of those with equally many votes, the one that comes first in the plan. */
export const majority: Reducer = (contributions) => {
  const groups = groupEqual(contributions, ({ output }) => output);
  const most = Math.max(...groups.map(({ length }) => length));
  return choose(contributions, groups.find(({ length }) => length === most)![0]!);
};
