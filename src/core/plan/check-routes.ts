import type { PlanStep } from '../ports/plan.js';
import { type Issue, quote } from '../shared/issue.js';

/** Rules that lead to a step which does not wait for the route, and so would run whatever was chosen: issue `route-target`. */
export function checkRoutes(
  steps: readonly PlanStep[],
  pointerOf: (id: string, ...path: readonly PropertyKey[]) => string,
): Issue[] {
  const routing = steps.filter(({ routes }) => routes !== undefined);
  if (routing.length === 0) return [];
  const byId = new Map(steps.map((step) => [step.id, step]));
  return routing.flatMap(({ id, routes = [] }) =>
    routes.flatMap(({ to }, rule) =>
      to
        .filter((target) => !byId.get(target)?.dependsOn.includes(id))
        .map((target) => ({
          code: 'route-target',
          pointer: pointerOf(id, 'routes', rule, 'to'),
          message: `Rule ${rule} of ${quote(id)} leads to ${quote(target)}, which is no step that depends on ${quote(id)}.`,
        })),
    ),
  );
}
