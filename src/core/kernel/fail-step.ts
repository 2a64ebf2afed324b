import type { StoredError } from '../ports/run.js';
import type { Spend } from '../ports/usage.js';
import { mustMoveStep } from './move-step.js';
import { noteError } from './note-error.js';
import { publish, stepOf, type RunCore } from './run-core.js';
import { isHard, noticeOverrun } from './exceed-budget.js';
import { beginStop } from './stop-run.js';

export interface Failure {
  readonly error: StoredError;
  readonly spend: Spend;
  readonly at: number;
}

/** The step fails for good, and the run with it where the step says so. */
export function failStep(core: RunCore, index: number, failure: Failure): void {
  mustMoveStep(core, index, 'FAIL', { at: failure.at });
  concludeFailure(core, index, failure);
}

/** What follows once a step's chart has come to `failed`. */
export function concludeFailure(core: RunCore, index: number, { error, spend, at }: Failure): void {
  const { id, onFailure, phase } = stepOf(core, index);
  noteError(core, index, error);
  publish(core, { type: 'step.failed', stepId: id, attempt: core.columns.attempt[index]!, error, spend });
  if (onFailure !== 'fail-run') return;
  // Where its spend has passed a ceiling as well, that is the graver reason.
  if (isHard(core)) noticeOverrun(core, at);
  const message = `Step "${id}" failed: ${error.message}`;
  beginStop(core, {
    stop: {
      to: 'failed',
      reason: phase === 'synthesis' ? 'synthesis_failed' : 'step_failed',
      error: { ...error, message, stepId: id },
    },
    at,
  });
}
