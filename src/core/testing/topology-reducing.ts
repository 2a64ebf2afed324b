import { computeStep } from '../materializer/compute-step.js';
import type { StepDefinition } from '../materializer/definition.js';
import { contributions } from '../materializer/step-request.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan, PlanStep } from '../ports/plan.js';
import type { Json } from '../shared/json.js';
import { ConformanceError, expectSame } from './conformance-case.js';

/** Outputs that writers may give: ones that agree, ones that do not, and such as some reducers refuse. */
const outputsOf: readonly ((place: number) => Json)[] = [
  () => 1,
  (place) => place,
  (place) => ({ place, same: true, inner: { [`m${place % 2}`]: place } }),
  (place) => [`c${place}`, `c${(place + 1) % 3}`],
];

/**
 * Whether every step of a plan that joins outputs has a reducer which is at hand, and comes to the same, in whatever order they came, and whichever of
 * them are missing.
 *
 * @throws ConformanceError where one does not.
 */
export function checkReducing(rule: string, plan: Plan, reducers: CustomReducers): void {
  const places = new Map(plan.steps.map(({ id }, place) => [id, place]));
  for (const step of plan.steps.filter(({ kind, reducer }) => kind === 'reduce' || reducer !== undefined)) {
    for (const outputOf of outputsOf) {
      const join = (input: readonly string[], isThere: (id: string) => boolean) =>
        joinAs(
          { ...step, input },
          { plan, places, reducers, outputOf: (id) => (isThere(id) ? outputOf(places.get(id)!) : undefined) },
        );
      for (const isThere of [() => true, (id: string) => id !== step.input[0]]) {
        const expected = join(step.input, isThere);
        if (!expected.ok && expected.error.code === 'UNKNOWN_REDUCER')
          throw new ConformanceError(rule, 'a reducer that is at hand', step.reducer);
        for (const input of [step.input, step.input.toReversed(), rotated(step.input)])
          expectSame(rule, { actual: join(input, isThere), expected });
      }
    }
  }
}

interface Joining {
  readonly plan: Plan;
  readonly places: ReadonlyMap<string, number>;
  readonly reducers: CustomReducers;
  readonly outputOf: (id: string) => Json | undefined;
}

function joinAs(step: PlanStep, { plan, places, reducers, outputOf }: Joining) {
  const definition: StepDefinition = { ...step, chart: step.kind };
  const placeOf = (id: string): number | undefined => places.get(id);
  const roleOf = (id: string): string | undefined => plan.steps[places.get(id) ?? -1]?.role;
  return computeStep(definition, { input: {}, from: contributions(definition, { outputOf, roleOf, placeOf }), reducers });
}

const rotated = <T>(items: readonly T[]): readonly T[] => [...items.slice(1), ...items.slice(0, 1)];
