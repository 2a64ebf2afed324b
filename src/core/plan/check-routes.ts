import type { PlanStep } from '../ports/plan.js';
import { type Issue, quote } from '../shared/issue.js';

/** Rules and choices that lead to a step which does not wait for the route, and so would run whatever was chosen: issue `route-target`. */
export function checkRoutes(
  steps: readonly PlanStep[],
  pointerOf: (id: string, ...path: readonly PropertyKey[]) => string,
): Issue[] {
  const routing = steps.filter(({ routes, choices }) => routes !== undefined || choices !== undefined);
  if (routing.length === 0) return [];
  const byId = new Map(steps.map((step) => [step.id, step]));
  return routing.flatMap(({ id, routes = [], choices = [] }) => {
    const report = (target: string, what: string, path: readonly PropertyKey[]): Issue[] =>
      byId.get(target)?.dependsOn.includes(id)
        ? []
        : [
            {
              code: 'route-target',
              pointer: pointerOf(id, ...path),
              message: `${what} of ${quote(id)} leads to ${quote(target)}, which is no step that depends on ${quote(id)}.`,
            },
          ];
    return [
      ...routes.flatMap(({ to }, rule) => to.flatMap((target) => report(target, `Rule ${rule}`, ['routes', rule, 'to']))),
      ...choices.flatMap(({ to }, place) => report(to, `Choice ${place}`, ['choices', place, 'to'])),
    ];
  });
}
