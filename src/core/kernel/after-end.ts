import type { RunInput } from '../ports/run.js';
import { isWaitedFor } from './abandon.js';
import { statusOf, type RunCore } from './run-core.js';

/**
 * Whether a run that is over waits for something all the same: a compensation, word of a step in doubt that may have to be undone, or
 * the end of an attempt that was given up.
 */
export const isUnsettled = (core: RunCore): boolean =>
  core.run.undoing !== null || (core.run.undoes && core.run.doubtful > 0) || isWaitedFor(core);

/** Whether a run that is over has a use for an input. Its own status is never moved by one. */
export function isForAfterEnd(core: RunCore, input: RunInput): boolean {
  if (input.type === 'run.recovered') return !core.run.isSettled;
  if (input.type === 'run.continue') return core.agenda.length > 0;
  const index = 'stepId' in input ? core.graph.indexOf.get(input.stepId) : undefined;
  if (index === undefined) return false;
  const status = statusOf(core, index);
  if (input.type === 'effect.recorded') return status === 'compensating';
  if (status === 'compensating' || status === 'in-doubt' || input.type === 'step.late') return true;
  // An input may carry what is none of its type, unchecked.
  const attempt: unknown = 'attempt' in input ? input.attempt : undefined;
  return typeof attempt === 'number' && core.ledger.isAbandoned(index, attempt);
}
