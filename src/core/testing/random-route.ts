import type { Json } from '../shared/json.js';

/** Whom and what a made-up decision can speak of. */
export interface RouteScene {
  /** Roles of the plan. */
  readonly roles: readonly string[];
  /** Role of the step that decides. */
  readonly role: string;
  /** Ids of steps that were added to its goal. */
  readonly steps: readonly string[];
}

/**
 * A route as some agent or other might give it: sound ones, ones that ask for too much, and nonsense. `chance` decides, and nothing else: the
 * same number gives the same route.
 */
export function randomRoute(chance: number, { roles, role, steps }: RouteScene): Json {
  const next = createChances(chance);
  const pick = <T>(list: readonly T[]): T => list[next() % list.length]!;
  const assignment = (): Json => ({
    role: pick(roles),
    task: `Task ${next() % 7}. {{input.reports}}`,
    ...(next() % 4 === 0 && { input: pick<Json>([{ topic: 'x' }, 'text', null, [1, 2]]) }),
    ...(next() % 6 === 0 && steps.length > 0 && { from: [pick(steps)] }),
    ...(next() % 6 === 0 && steps.length > 0 && { supersedes: pick(steps) }),
  });
  const several = (most: number): Json => ({ delegate: Array.from({ length: 1 + (next() % most) }, assignment) });
  const kinds: readonly (() => Json)[] = [
    () => ({ finish: true }),
    () => ({ finish: true }),
    () => several(1),
    () => several(2),
    () => several(5),
    () => ({ delegate: [] }),
    () => ({ handoff: assignment() }),
    () => ({ handoff: assignment() }),
    () => ({ delegate: [{ role, task: 'Do it myself.' }] }),
    () => ({ delegate: [{ role: 'nobody', task: 'Do it.' }, assignment()] }),
    () => ({ delegate: Array.from({ length: 100 }, (_, nth) => ({ role: pick(roles), task: `Task ${nth}` })) }),
    () => pick<Json>([null, 'finish', 42, [], {}, { finish: false }, { finish: true, delegate: [] }]),
    () => pick<Json>([{ delegate: 'coder' }, { delegate: [7] }, { delegate: [{ role: 3, task: '' }] }, { handoff: [] }]),
  ];
  return pick(kinds)();
}

/** Numbers from a number: the linear congruential generator of Numerical Recipes. */
function createChances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
