import type { StoredError } from '../ports/run.js';
import { abandonAttempt } from './abandon.js';
import { onUndoCutOff } from './compensate.js';
import { concludeFailure } from './fail-step.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';
import { concludeAttempt, expectAttempt, indexOf, type StepInput } from './step-inputs.js';
import { leftOf, timedOut, totalError } from './step-total.js';
import { settleCancelled } from './stop-run.js';
import { forgetThrottles } from './throttles.js';
import { whatFollows } from './try-again.js';

/** Code of the error of an attempt that gave no sign of life. */
export const heartbeatMissed = 'HEARTBEAT_MISSED';

export function onTimedOut(core: RunCore, input: StepInput<'step.timed-out'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'compensating'] });
  const { stepId, attempt, at } = input;
  const { timeoutMs } = stepOf(core, index);
  const isUndoing = statusOf(core, index) === 'compensating';
  const message = isUndoing
    ? `The compensation of "${stepId}" did not end within ${timeoutMs} ms.`
    : `Step "${stepId}" did not end within ${timeoutMs} ms (attempt ${attempt}).`;
  cutOff(core, index, { error: { code: timedOut, message, stepId, attempt, limit: 'timeoutMs' }, at, input });
}

export function onHeartbeatMissed(core: RunCore, input: StepInput<'step.heartbeat-missed'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'compensating'] });
  const { type, stepId, attempt, lastBeatAt, details, at } = input;
  const { heartbeatTimeoutMs } = stepOf(core, index);
  if (heartbeatTimeoutMs === undefined)
    throw new IllegalInputError(type, statusOf(core, index), stepId, 'it has no heartbeatTimeoutMs');
  const message = `Attempt ${attempt} at "${stepId}" has given no sign of life for ${heartbeatTimeoutMs} ms (heartbeatTimeoutMs).`;
  const figures = { stepId, attempt, heartbeatTimeoutMs, lastBeatAt, ...(details !== undefined && { details }) };
  cutOff(core, index, { error: { code: heartbeatMissed, message, ...figures }, at, input });
}

interface CutOff {
  readonly error: StoredError;
  readonly at: number;
  readonly input: StepInput<'step.timed-out' | 'step.heartbeat-missed'>;
}

/** An attempt under way is given up. What it was to do may have happened all the same. */
function cutOff(core: RunCore, index: number, { error, at, input }: CutOff): void {
  if (statusOf(core, index) === 'compensating') return onUndoCutOff(core, index, { ...input, error });
  // Its own time and that of the step may be over at once.
  if (leftOf(core, index, at) <= 0) return giveUp(core, index, { error: totalError(core, index), facts: '', at });
  giveUp(core, index, { ...whatFollows(core, index, { error, at }), at, first: error });
}

interface GivingUp {
  readonly facts: 'retry' | '';
  /** What the step ends with, where it ends. */
  readonly error: StoredError;
  /** What it goes on with, where that is something else. */
  readonly first?: StoredError;
  readonly at: number;
}

function giveUp(core: RunCore, index: number, { facts, error, first = error, at }: GivingUp): void {
  const stepId = stepOf(core, index).id;
  const attempt = core.columns.attempt[index]!;
  core.out.push({ type: 'step.abort', stepId, attempt, reason: first.message, isOutOfTime: true });
  abandonAttempt(core, index, at);
  forgetThrottles(core, index);
  if (core.run.stop) return settleCancelled(core, index, at);
  const to = mustMoveStep(core, index, 'TIME_OUT', { at, facts });
  concludeAttempt(core, index, { to, error: to === 'failed' ? error : first, spend: noSpend, at });
}

/** The time is over that all attempts at a step have together: no other follows, whatever it waits for. */
export function onTimeOver(core: RunCore, input: StepInput<'step.time-over'>): void {
  const index = indexOf(core, input);
  const { type, stepId, at } = input;
  const status = statusOf(core, index);
  const illegal = (detail: string) => new IllegalInputError(type, status, stepId, detail);
  if (!(core.totals.get(index)?.dueAt ?? 0)) throw illegal('no time of it is running out');
  if (leftOf(core, index, at) > 0) throw illegal(`it has ${leftOf(core, index, at)} ms left`);
  const error = totalError(core, index);
  if (status === 'running') return giveUp(core, index, { error, facts: '', at });
  // It is on its way to be cancelled.
  if (core.run.stop) throw illegal('the run is stopping');
  if (status === 'backing-off') mustMoveStep(core, index, 'RETRY', { at });
  if (core.columns.issued[index] === 1) {
    core.out.push({ type: 'step.abort', stepId, attempt: core.columns.attempt[index]!, reason: error.message });
    core.ledger.settle(index, noSpend);
  }
  mustMoveStep(core, index, 'FAIL', { at });
  concludeFailure(core, index, { error, spend: noSpend, at });
}
