import type { Plan } from '../ports/plan.js';
import type { Conflict, Contribution, Reducer } from '../ports/reducer.js';
import type { Json } from '../shared/json.js';
import { ownJson } from '../shared/own-json.js';
import { type BuiltInReducer, customReducerName } from '../shared/reducer-names.js';
import { err, ok, type Result } from '../shared/result.js';
import { messageOf } from '../shared/thrown.js';
import { collect } from './reducers/collect.js';
import { first } from './reducers/first.js';
import { majority } from './reducers/majority.js';
import { merge } from './reducers/merge.js';
import { positions } from './reducers/positions.js';
import { ranked } from './reducers/ranked.js';
import { isReduced } from './reducers/reduced.js';
import { sum } from './reducers/sum.js';

const builtIn: Readonly<Record<BuiltInReducer, Reducer>> = { collect, first, majority, merge, positions, ranked, sum };

/** Reducers of one's own, by name. */
export type CustomReducers = Readonly<Record<string, Reducer>>;

/** The reducer that a plan means by a name, or `undefined` where it is not at hand. */
export function findReducer(name: string, custom: CustomReducers = {}): Reducer | undefined {
  const own = customReducerName(name);
  const among: CustomReducers = own === undefined ? builtIn : custom;
  return Object.hasOwn(among, own ?? name) ? among[own ?? name] : undefined;
}

/** Reducers that a plan names, each once, with the steps that do; of steps that may be added, the templates. */
export function reducersOf({ steps, templates = {} }: Pick<Plan, 'steps' | 'templates'>): ReadonlyMap<string, readonly string[]> {
  const named = new Map<string, string[]>();
  const note = (place: string, reducer: string | undefined): void => {
    if (reducer === undefined) return;
    const known = named.get(reducer);
    if (known) known.push(place);
    else named.set(reducer, [place]);
  };
  for (const { id, reducer } of steps) note(id, reducer);
  for (const [name, { reducer }] of Object.entries(templates)) note(name, reducer);
  return named;
}

/** What came of joining: a frozen value, and what its writers did not agree on. */
export interface Joined {
  readonly output: Json;
  /** Absent where they agreed. */
  readonly conflicts?: readonly Conflict[];
}

/** Has a reducer join contributions. It may be someone else's code: whatever goes wrong comes back as a sentence. */
export function reduceWith(reducer: Reducer, contributions: readonly Contribution[]): Result<Joined, string> {
  try {
    const given = reducer(contributions) as unknown;
    if (given === undefined) return err('It returned nothing.');
    const { output, conflicts } = isReduced(given) ? given : { output: given, conflicts: [] };
    const owned = ownJson({ output, conflicts });
    if (!owned.ok) return err(`What it returned is not JSON ${owned.error}.`);
    const joined = owned.value as unknown as Required<Joined>;
    return ok(joined.conflicts.length > 0 ? joined : { output: joined.output });
  } catch (error) {
    return err(messageOf(error, 'It'));
  }
}
