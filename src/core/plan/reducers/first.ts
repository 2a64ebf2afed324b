import type { Reducer } from '../../ports/reducer.js';
import { choose } from './reduced.js';

/** The output that comes first in the plan, whichever was there first. Others that differ are on record. */
export const first: Reducer = (contributions) => choose(contributions, contributions[0]!);
