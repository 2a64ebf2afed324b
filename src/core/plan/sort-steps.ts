import type { PlanStep } from '../ports/plan.js';
import { type Issue, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { type PlanSource, pointerIn } from './check-drafts.js';
import { checkInputs, checkPlaceholders } from './check-inputs.js';
import { checkRoutes } from './check-routes.js';
import { checkReferences } from './check-steps.js';
import { createStepGraph } from './step-graph.js';
import { topologicalOrder } from './topological-order.js';

/** Steps behind their dependencies, or everything that is wrong with what they name. */
export function sortSteps(proposal: PlanSource, steps: readonly PlanStep[]): Result<readonly PlanStep[], Issue[]> {
  const placeholders = checkPlaceholders(proposal, steps);
  const references = [...checkReferences(proposal, steps), ...checkRoutes(steps, pointerIn(proposal))];
  if (references.some(({ code }) => code === 'unknown-dependency')) return err([...references, ...placeholders]);

  const graph = createStepGraph(steps);
  const sorted = topologicalOrder(graph);
  if ('cycle' in sorted) return err([...references, cycleIssue(sorted.cycle), ...placeholders]);
  const inputs = checkInputs({ proposal, steps }, { graph, order: sorted.order });
  const issues = [...references, ...inputs, ...placeholders];
  return issues.length > 0 ? err(issues) : ok(Array.from(sorted.order, (index) => steps[index]!));
}

const cycleIssue = (cycle: readonly string[]): Issue => ({
  code: 'cycle',
  pointer: '/topology',
  message: `These steps wait for each other: ${[...cycle, ...cycle.slice(0, 1)].map(quote).join(' → ')}. Take one dependency out.`,
});
