import { type CustomReducers, findReducer, reduceWith } from '../plan/reduce.js';
import type { Conflict, Contribution } from '../ports/reducer.js';
import type { Branch, StoredError } from '../ports/run.js';
import { chooseRoute, type ChosenRoute } from '../schema/choose-route.js';
import { outputFaults } from '../schema/output-faults.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { reducerNames } from '../shared/reducer-names.js';
import { err, ok, type Result } from '../shared/result.js';
import type { StepDefinition } from './definition.js';

/** What a step without an agent computes from. */
export interface ComputeInput {
  /** Its inputs by name, as an agent would get them. */
  readonly input: Readonly<Record<string, Json>>;
  /** The same, each with the role it came from, in plan order. */
  readonly from: readonly Contribution[];
  /** Reducers besides the built-in ones. */
  readonly reducers: CustomReducers;
}

export interface Computed {
  readonly output: Json;
  /** Where a route step leads. */
  readonly branch?: Branch;
  /** What the writers of the joined outputs did not agree on; absent where they did. */
  readonly conflicts?: readonly Conflict[];
}

/** A rule that holds, as what its step comes to. */
const followed = (route: ChosenRoute): Computed => ({
  output: { ...route },
  branch: { to: route.to, reason: route.reason, by: 'rule' },
});

/** What the rules of a step come to that has an agent as well; `undefined` where none holds, and the agent is to be asked. */
export function computeRules({ routes = [] }: StepDefinition, input: ComputeInput['input']): Computed | undefined {
  const route = chooseRoute(routes, input);
  return route && followed(route);
}

/** Carries out a step that calls no agent: a route step takes the first rule that holds, any other joins its inputs. Pure. */
export function computeStep(step: StepDefinition, given: ComputeInput): Result<Computed, StoredError> {
  const { id, kind, routes = [] } = step;
  if (kind !== 'route') return join(step, given);
  const route = chooseRoute(routes, given.input);
  if (route) return ok(followed(route));
  const message = `None of the ${routes.length} rules of "${id}" holds for its input. End the table with a rule that has no "when".`;
  return err({ code: 'NO_ROUTE', message });
}

function join(
  { id, kind, reducer = '', outputSchema }: StepDefinition,
  { from, reducers }: ComputeInput,
): Result<Computed, StoredError> {
  const reduce = findReducer(reducer, reducers);
  if (!reduce) {
    const message = `Step "${id}" names the reducer "${reducer}"; there are ${reducerNames(Object.keys(reducers)).join(', ')}.`;
    return err({ code: 'UNKNOWN_REDUCER', message });
  }
  // A round of discussion in which nobody had a position is an empty round; a ticket or a deliverable made of nothing is none.
  const isOfNothing = from.length === 0 && !(kind === 'reduce' && mayBeEmpty.has(reducer));
  const joined = isOfNothing ? err('None of the steps that it joins has an output.') : reduceWith(reduce, from);
  if (!joined.ok) return err(failure(id, reducer, joined.error));
  const faults = outputFaults(joined.value.output, outputSchema);
  return faults === undefined ? joined : err({ code: 'OUTPUT_INVALID', message: faults });
}

const mayBeEmpty: ReadonlySet<string> = new Set(['collect', 'positions']);

const failure = (stepId: string, reducer: string, reason: string): StoredError => ({
  code: 'REDUCER_FAILED',
  message: `The reducer ${quote(reducer)} of step ${quote(stepId)} gave no result: ${reason}`,
  reducer,
});
