import { estimatedDurationsMs, longestPath } from '../../plan/critical-path.js';
import type { PlanStep } from '../../ports/plan.js';
import { listIds } from '../list-ids.js';
import type { Finding, Rule } from '../rule.js';

/** The longest chain of estimates takes longer than the run may, or all of them together do, as far as they may work at once. */
export const deadlineBelowCriticalPath: Rule = {
  code: 'deadline-below-critical-path',
  severity: 'error',
  check({ plan, graph }) {
    const { maxDurationMs, maxConcurrency } = plan.budget;
    if (maxDurationMs === undefined) return [];
    const durations = estimatedDurationsMs(plan.steps);
    const { steps, durationMs } = longestPath(graph, durations);
    if (durationMs <= maxDurationMs) return tooNarrow(plan.steps, { durations, maxDurationMs, maxConcurrency });
    const message = `The longest chain of steps is estimated at ${durationMs} ms, past budget.maxDurationMs of ${maxDurationMs}: ${listIds(steps)}. Raise the ceiling, or divide the work.`;
    return [{ message, stepIds: steps }];
  },
};

interface Width {
  readonly durations: Float64Array;
  readonly maxDurationMs: number;
  readonly maxConcurrency: number | undefined;
}

/** So few at once do not get done in that time, in whatever order they go. */
function tooNarrow(steps: readonly PlanStep[], { durations, maxDurationMs, maxConcurrency = Infinity }: Width): Finding[] {
  const sumMs = steps.reduce((sum, { role, expands }, index) => sum + (role === undefined || expands ? 0 : durations[index]!), 0);
  const leastMs = Math.ceil(sumMs / maxConcurrency);
  if (leastMs <= maxDurationMs) return [];
  const message = `The steps are estimated at ${sumMs} ms together. With budget.maxConcurrency of ${maxConcurrency} that takes ${leastMs} ms at least, past budget.maxDurationMs of ${maxDurationMs}. Raise one of them, or take steps out.`;
  return [{ message }];
}
