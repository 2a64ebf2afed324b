import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A step that the synthesis does not wait for: the run would end before it, or without it. */
export const stepNotAwaited: Rule = {
  code: 'step-not-awaited',
  severity: 'error',
  check: ({ plan, graph }) =>
    // In a graph without cycles, all steps lead to the synthesis exactly if no other step is an end.
    plan.steps
      .filter(({ kind }, index) => kind !== 'synthesis' && graph.dependentsOf(index).length === 0)
      .map(({ id }) => ({
        message: `Nothing waits for step ${quote(id)}, so the run could end before it. Let the synthesis depend on it.`,
        stepIds: [id],
      })),
};
