import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** A step that the synthesis does not wait for, so that the deliverable cannot build on it. */
export const stepNotAwaited: Rule = {
  code: 'step-not-awaited',
  severity: 'warning',
  check({ plan, graph }) {
    // A plan written by hand may do without a synthesis; then there is nothing that should have waited.
    if (!plan.steps.some(({ phase }) => phase === 'synthesis')) return [];
    // In a graph without cycles, all steps lead to the synthesis exactly if no other step is an end.
    return plan.steps
      .filter(({ phase }, index) => phase !== 'synthesis' && graph.dependentsOf(index).length === 0)
      .map(({ id }) => ({
        message: `The synthesis does not wait for step ${quote(id)}, so the deliverable cannot build on it. Let the synthesis depend on it.`,
        stepIds: [id],
      }));
  },
};
