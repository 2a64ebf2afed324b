import type { RunView } from '../views/run-view.js';
import type { RunResult } from './run-handle.js';

/** How a run has ended, from its view. `deliverableStep` is absent where the run never had machines. */
export function resultOf(view: RunView, deliverableStep: string | undefined): RunResult {
  const { status, gaps, usage, reason, error, steps } = view;
  if (status !== 'completed') {
    const ended = status === 'cancelled' ? status : 'failed';
    return { status: ended, gaps, usage, ...(reason !== undefined && { reason }), ...(error && { error }) };
  }
  const made = steps.find(({ id }) => id === deliverableStep);
  return { status, deliverable: made?.output ?? null, isVerified: made?.isVerified ?? false, gaps, usage };
}
