import { onUndoThrottled } from './compensate.js';
import { mustMoveStep } from './move-step.js';
import { publish, statusOf, type RunCore } from './run-core.js';
import { expectAttempt, failAttempt, indexOf, settleLate, type StepInput } from './step-inputs.js';
import { pauseBeforeRetry } from './step-timers.js';
import { leftOf, totalError } from './step-total.js';
import { countThrottle } from './throttles.js';

/**
 * The agent was turned away by a provider. The step waits, and the same attempt is made again under the same id, so that what it may have begun
 * is not done twice; none of its attempts is used up. After so many in a row it is a failure like any other.
 */
export function onThrottled(core: RunCore, input: StepInput<'step.throttled'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'in-doubt', 'compensating'] });
  const status = statusOf(core, index);
  if (status === 'compensating') return onUndoThrottled(core, index, input);
  // It was cut off, so nobody knows how far it had come.
  if (status === 'in-doubt') return settleLate(core, index, input);
  const { stepId, attempt, error, spend, at } = input;
  const throttled = core.run.stop ? undefined : countThrottle(core, index);
  if (throttled === undefined) return failAttempt(core, index, { error, retryable: true, spend, at });
  const pauseMs = pauseAsked(core, index, { input, throttled });
  if (pauseMs >= leftOf(core, index, at))
    return failAttempt(core, index, { error: totalError(core, index, error), retryable: false, spend, at });
  core.ledger.settle(index, spend);
  core.undo.set(core.columns.again, index, 1);
  mustMoveStep(core, index, 'THROTTLE', { at, pauseMs });
  publish(core, { type: 'step.backing-off', stepId, attempt, error, retryAt: at + pauseMs, throttled, spend });
}

/** How long the step waits: as long as the provider asks for, else what its retry policy says. */
function pauseAsked(
  core: RunCore,
  index: number,
  { input, throttled }: { readonly input: StepInput<'step.throttled'>; readonly throttled: number },
): number {
  const { retryAt, at } = input;
  return retryAt === undefined ? pauseBeforeRetry(core, index, { at, tried: throttled }) : Math.max(0, retryAt - at);
}
