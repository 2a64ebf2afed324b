import type { Json } from '../shared/json.js';
import { createChances } from './random.js';

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
 * A route as some agent or other might give it: sound ones, ones that ask for too much, and nonsense. The seed decides, and nothing else: the
 * same seed gives the same route.
 */
export function randomRoute(seed: number, { roles, role, steps }: RouteScene): Json {
  const chances = createChances(seed);
  const { pick, below, oneIn } = chances;
  const assignment = (): Json => ({
    role: pick(roles),
    task: `Task ${below(7)}. {{input.reports}}`,
    ...(oneIn(4) && { input: pick<Json>([{ topic: 'x' }, 'text', null, [1, 2]]) }),
    ...(oneIn(6) && steps.length > 0 && { from: [pick(steps)] }),
    ...(oneIn(6) && steps.length > 0 && { supersedes: pick(steps) }),
  });
  const several = (most: number): Json => ({ delegate: Array.from({ length: 1 + below(most) }, assignment) });
  const kinds: readonly (() => Json)[] = [
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
