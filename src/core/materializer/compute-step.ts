import { reducers, type Contribution } from '../plan/reduce.js';
import type { Branch, StoredError } from '../ports/run.js';
import { chooseRoute, type ChosenRoute } from '../schema/choose-route.js';
import type { Json } from '../shared/json.js';
import { err, ok, type Result } from '../shared/result.js';
import type { StepDefinition } from './definition.js';

/** What a step without an agent computes from. */
export interface ComputeInput {
  /** Its inputs by name, as an agent would get them. */
  readonly input: Readonly<Record<string, Json>>;
  /** The same, each with the role it came from. */
  readonly from: readonly Contribution[];
}

export interface Computed {
  readonly output: Json;
  /** Where a route step leads. */
  readonly branch?: Branch;
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

/** Carries out a step that calls no agent: a reduce step joins its inputs, a route step takes the first rule that holds. Pure. */
export function computeStep(step: StepDefinition, { input, from }: ComputeInput): Result<Computed, StoredError> {
  const { id, kind, routes = [], reducer = '' } = step;
  if (kind === 'route') {
    const route = chooseRoute(routes, input);
    if (route) return ok(followed(route));
    const message = `None of the ${routes.length} rules of "${id}" holds for its input. End the table with a rule that has no "when".`;
    return err({ code: 'NO_ROUTE', message });
  }
  const reduce = reducers.get(reducer);
  if (reduce) return ok({ output: reduce(from) });
  const message = `Step "${id}" names the reducer "${reducer}"; there are ${[...reducers.keys()].join(', ')}.`;
  return err({ code: 'UNKNOWN_REDUCER', message });
}
