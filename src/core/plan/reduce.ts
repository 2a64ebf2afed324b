import type { Json } from '../shared/json.js';

/** One input of a reduce step: where it came from, and what it is. */
export interface Contribution {
  readonly stepId: string;
  /** Role of the step that it came from. */
  readonly role: string;
  readonly output: Json;
}

/** Joins outputs into one. Must not depend on the order in which they came. */
export type Reducer = (contributions: readonly Contribution[]) => Json;

/** The positions of a discussion round by role. Roles that gave none are left out. */
const positions: Reducer = (contributions) => Object.fromEntries(contributions.map(({ role, output }) => [role, output]));

/** Every output by the step that it came from. */
const collect: Reducer = (contributions) => Object.fromEntries(contributions.map(({ stepId, output }) => [stepId, output]));

/** Reducers by the name that a `reduce` step uses. */
export const reducers: ReadonlyMap<string, Reducer> = new Map([
  ['collect', collect],
  ['positions', positions],
]);
