import type { StoredError } from '../ports/run.js';
import { abandonAttempt } from './abandon.js';
import { concludeDoubt } from './doubt.js';
import { closeGoal, goalAt } from './goals.js';
import { moveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { noteError } from './note-error.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { isSettled } from './step-status.js';

/**
 * A step that was added is not wanted any more, while its run goes on. What has not begun never will; what is under way is told to end, and
 * keeps what it holds until it has. What may have happened stays in doubt.
 */
export function withdrawStep(
  core: RunCore,
  index: number,
  { error, at }: { readonly error: StoredError; readonly at: number },
): void {
  const { columns, out, ledger } = core;
  const status = statusOf(core, index);
  if (isSettled(status) || status === 'in-doubt') return;
  const goal = goalAt(core, index);
  if (goal) {
    closeGoal(core, goal);
    for (const open of [...goal.open]) withdrawStep(core, open, { error, at });
  }
  const { id: stepId } = stepOf(core, index);
  const isAsked = columns.issued[index] === 1;
  if (!goal && (status === 'running' || isAsked))
    out.push({ type: 'step.abort', stepId, attempt: columns.attempt[index]!, reason: error.message });
  if (!goal && status === 'running') abandonAttempt(core, index, at);
  else if (isAsked) ledger.settle(index, noSpend);
  const to = moveStep(core, index, 'CANCEL', { at });
  if (to === 'in-doubt') return concludeDoubt(core, index, error);
  if (to !== 'cancelled') return;
  noteError(core, index, error);
  publish(core, { type: 'step.cancelled', stepId, error });
}
