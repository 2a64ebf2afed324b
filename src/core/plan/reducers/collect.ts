import type { Reducer } from '../../ports/reducer.js';

/** Every output by the step that it came from, in plan order. */
export const collect: Reducer = (contributions) =>
  Object.fromEntries(contributions.map(({ stepId, output }) => [stepId, output]));
