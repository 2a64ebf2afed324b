import { estimatedDurationsMs, longestPath } from '../../plan/critical-path.js';
import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** The longest chain of estimates takes longer than the run may. */
export const deadlineBelowCriticalPath: Rule = {
  code: 'deadline-below-critical-path',
  severity: 'error',
  check({ plan, graph }) {
    const { maxDurationMs } = plan.budget;
    if (maxDurationMs === undefined) return [];
    const { steps, durationMs } = longestPath(graph, estimatedDurationsMs(plan.steps));
    if (durationMs <= maxDurationMs) return [];
    const message = `The longest chain of steps is estimated at ${durationMs} ms, past budget.maxDurationMs of ${maxDurationMs}: ${listIds(steps)}. Raise the ceiling, or divide the work.`;
    return [{ message, stepIds: steps }];
  },
};
