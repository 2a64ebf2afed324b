import type { Branch, RunInput, StepStatus } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import type { Spend } from '../ports/usage.js';
import { endAbandoned } from './abandon.js';
import { noticeOfAdded } from './added-ends.js';
import { noteAnswerOf } from './answers.js';
import { onUndoDue, onUndoFailed, onUndone, onUndoStarted } from './compensate.js';
import { askWhetherItHappened, concludeDoubt, isUnderWayInDoubt, noteEnded } from './doubt.js';
import { concludeFailure } from './fail-step.js';
import { relievedBy, takeTurn } from './fallbacks.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { forgetError } from './note-error.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { armWatch, dropWatch } from './step-timers.js';
import { settleCancelled } from './stop-run.js';
import { forgetThrottles } from './throttles.js';
import { whatFollows } from './try-again.js';

export type StepInput<Type extends RunInput['type'] = RunInput['type']> = Extract<
  RunInput,
  { readonly type: Type; readonly stepId: string }
>;

/** Finds the step an input names. */
export function indexOf(core: RunCore, input: StepInput): number {
  const index = core.graph.indexOf.get(input.stepId);
  if (index !== undefined) return index;
  throw new IllegalInputError(input.type, core.run.lifecycle, input.stepId, 'the plan has no such step');
}

/** @throws IllegalInputError unless the step is in one of the statuses, in the attempt that the input names. */
export function expectAttempt(
  core: RunCore,
  index: number,
  { input, statuses }: { readonly input: StepInput & { readonly attempt: number }; readonly statuses: readonly StepStatus[] },
): void {
  const status = statusOf(core, index);
  const attempt = core.columns.attempt[index]!;
  if (!statuses.includes(status)) {
    throw new IllegalInputError(input.type, status, input.stepId, `it takes one of ${statuses.join(', ')}`);
  }
  if (attempt !== input.attempt) {
    throw new IllegalInputError(
      input.type,
      status,
      input.stepId,
      `it speaks of attempt ${input.attempt}, the step is at attempt ${attempt}`,
    );
  }
}

export function onStarted(core: RunCore, input: StepInput<'step.started'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['ready', 'compensating'] });
  if (statusOf(core, index) === 'compensating') return onUndoStarted(core, index, input);
  const { run, columns } = core;
  if (run.stop) throw new IllegalInputError(input.type, 'ready', input.stepId, `the run is stopping (${run.stop.reason})`);
  if (columns.issued[index] === 0)
    throw new IllegalInputError(input.type, 'ready', input.stepId, 'the kernel has not asked for it to start');
  if (run.pause === 'paused') throw new IllegalInputError(input.type, 'ready', input.stepId, 'the run is paused');
  takeTurn(core, index, input);
  mustMoveStep(core, index, 'START', { at: input.at });
  armWatch(core, index, input.at);
  const agentId = relievedBy(core, index);
  publish(core, {
    type: 'step.started',
    stepId: input.stepId,
    attempt: input.attempt,
    ...(agentId !== undefined && { agentId }),
  });
}

export function onSucceeded(core: RunCore, input: StepInput<'step.succeeded'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'in-doubt', 'compensating'] });
  if (statusOf(core, index) === 'compensating') onUndone(core, index, input);
  else succeed(core, index, input);
}

/** What an attempt came to, and what it cost. */
export type Success = Pick<StepInput<'step.succeeded'>, 'output' | 'spend' | 'branch' | 'route' | 'conflicts' | 'at'>;

/** The step's attempt has succeeded, or turns out to have. */
export function succeed(core: RunCore, index: number, success: Success): void {
  const { output, branch, conflicts, at } = success;
  const stepId = stepOf(core, index).id;
  const attempt = core.columns.attempt[index]!;
  const spend = chargeSuccess(core, index, success.spend);
  if (branch) takeBranch(core, index, branch);
  noteRoute(core, index, success);
  forgetError(core, index);
  forgetThrottles(core, index);
  mustMoveStep(core, index, 'SUCCEED', { at });
  publish(core, { type: 'step.succeeded', stepId, attempt, output, spend, ...(conflicts && { conflicts }) });
}

/** A step that was added answers to its goal. Whoever else gives a route is not listened to, and that is on record. */
function noteRoute(core: RunCore, index: number, { output, route }: Success): void {
  const { id, decides, added } = stepOf(core, index);
  if (added) noteAnswerOf(core, index, { output, route: decides ? (route ?? null) : null });
  if (decides || route === undefined) return;
  const message = `${quote(id)} is not asked what is to be done next, so its route was not followed. Only a supervisor or a peer decides.`;
  publish(core, { type: 'step.route-refused', stepId: id, refusals: [{ code: 'NOT_A_DECIDER', message, route }] });
}

/** Charges what a success has cost. One in doubt may have been given up, and charged for all that it held, before. */
function chargeSuccess(core: RunCore, index: number, spend: Spend): Spend {
  const attempt = core.columns.attempt[index]!;
  if (statusOf(core, index) === 'running') core.ledger.settle(index, spend);
  else if (core.ledger.isAbandoned(index, attempt)) endAbandoned(core, index, { attempt, spend });
  else return noSpend;
  return spend;
}

/** Keeps where a route leads. What it did not choose will not be fed by it. */
function takeBranch(core: RunCore, index: number, branch: Branch): void {
  const chosen = branch.to.flatMap((id) => core.graph.indexOf.get(id) ?? []);
  core.undo.onRollback(() => core.routes.delete(index));
  core.routes.set(index, chosen);
  core.dirty.steps.mark(index);
  publish(core, { type: 'step.routed', stepId: stepOf(core, index).id, ...branch });
}

export function onFailed(core: RunCore, input: StepInput<'step.failed'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'in-doubt', 'compensating'] });
  if (statusOf(core, index) === 'compensating') return onUndoFailed(core, index, input);
  // An agent that was cut off and says that it failed says nothing of what had happened by then: the doubt stays.
  if (statusOf(core, index) === 'in-doubt') return settleLate(core, index, input);
  failAttempt(core, index, input);
}

/** What an attempt that failed says of itself. */
type FailedAttempt = Pick<StepInput<'step.failed'>, 'error' | 'retryable' | 'inDoubt' | 'spend' | 'at' | 'notBefore'>;

/** The attempt under way has ended, and come to nothing, as far as its agent knows. */
export function failAttempt(
  core: RunCore,
  index: number,
  { retryable, inDoubt, spend, at, notBefore, ...failed }: FailedAttempt,
): void {
  const error = inDoubt ? { ...failed.error, class: 'in-doubt' } : failed.error;
  const stepId = stepOf(core, index).id;
  const attempt = core.columns.attempt[index]!;
  core.ledger.settle(index, spend);
  forgetThrottles(core, index);
  if (core.run.stop) {
    publish(core, { type: 'step.spent', stepId, attempt, spend });
    settleCancelled(core, index, at);
    return noteEnded(core, index);
  }
  const next = whatFollows(core, index, { error, retryable, at, notBefore });
  // What may have happened is not run again blindly where it may happen once; elsewhere it is, under the same id.
  const to = mustMoveStep(core, index, inDoubt ? 'TIME_OUT' : 'FAIL', { at, facts: next.facts, notBefore });
  if (inDoubt && to === 'backing-off') core.undo.set(core.columns.again, index, 2);
  if (to === 'in-doubt') publish(core, { type: 'step.spent', stepId, attempt, spend });
  concludeAttempt(core, index, { to, error: to === 'failed' ? next.error : error, spend, at });
  noteEnded(core, index);
}

/** An attempt ends once: whoever says it twice must not charge it twice. */
export function settleLate(
  core: RunCore,
  index: number,
  input: StepInput<'step.failed' | 'step.throttled' | 'step.spent'>,
): void {
  const { type, stepId, attempt, spend } = input;
  const endsDoubtful = isUnderWayInDoubt(core, index, attempt);
  if (core.ledger.isAbandoned(index, attempt)) {
    endAbandoned(core, index, { attempt, spend });
    publish(core, { type: 'step.spent', stepId, attempt, spend });
  } else if (!endsDoubtful) {
    throw new IllegalInputError(type, statusOf(core, index), stepId, `attempt ${attempt} was not given up, or has ended since`);
  }
  if (!endsDoubtful) return;
  noteEnded(core, index);
  askWhetherItHappened(core, index);
}

/** Says what became of an attempt that did not succeed. */
export function concludeAttempt(
  core: RunCore,
  index: number,
  { to, ...failure }: Parameters<typeof concludeFailure>[2] & { readonly to: StepStatus },
): void {
  const { error, spend } = failure;
  const stepId = stepOf(core, index).id;
  const attempt = core.columns.attempt[index]!;
  if (to === 'failed') concludeFailure(core, index, failure);
  else if (to === 'in-doubt') concludeDoubt(core, index, error);
  else publish(core, { type: 'step.backing-off', stepId, attempt, error, retryAt: core.columns.dueAt[index]!, spend });
}

export function onRetryDue(core: RunCore, input: StepInput<'step.retry-due'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['backing-off', 'compensating'] });
  if (statusOf(core, index) === 'compensating') onUndoDue(core, index, input);
  else mustMoveStep(core, index, 'RETRY', { at: input.at });
}

export const onSpent = (core: RunCore, input: StepInput<'step.spent'>): void => settleLate(core, indexOf(core, input), input);

/** Whatever waits for the money that an attempt holds must not wait for an agent that never ends. */
export function onGivenUp(core: RunCore, input: StepInput<'step.given-up'>): void {
  const index = indexOf(core, input);
  const { type, stepId, attempt } = input;
  if (!core.ledger.isLimited(index, attempt))
    throw new IllegalInputError(type, statusOf(core, index), stepId, `attempt ${attempt} holds nothing`);
  const spend = core.ledger.heldByAbandoned(index, attempt);
  endAbandoned(core, index, { attempt, spend: spend ?? noSpend });
  if (spend) publish(core, { type: 'step.spent', stepId, attempt, spend });
}

export function onProgress(core: RunCore, input: StepInput<'step.progress'>): void {
  expectAttempt(core, indexOf(core, input), { input, statuses: ['running', 'compensating'] });
  const { stepId, attempt, message } = input;
  publish(core, { type: 'step.progress', stepId, attempt, message });
}

export function onOverdue(core: RunCore, input: StepInput<'step.overdue'>): void {
  const index = indexOf(core, input);
  const { type, stepId, at } = input;
  if (!dropWatch(core, index)) throw new IllegalInputError(type, statusOf(core, index), stepId, 'nobody waits for its report');
  publish(core, { type: 'step.overdue', stepId });
  noticeOfAdded(core, index, { notice: 'overdue', at });
}

/** What an attempt gives that nobody waits for any more counts for nothing, but it is on record, once. */
export function onLate(core: RunCore, input: StepInput<'step.late'>): void {
  const index = indexOf(core, input);
  const { type, stepId, attempt, output, at } = input;
  const key = `${index}:${attempt}`;
  const status = statusOf(core, index);
  const isAwaited =
    attempt === core.columns.attempt[index] && (status === 'running' || status === 'ready' || status === 'in-doubt');
  if (attempt < 1 || attempt > core.columns.attempt[index]! || isAwaited || status === 'succeeded' || core.late.has(key))
    throw new IllegalInputError(type, status, stepId, `attempt ${attempt} is not late, or its answer is on record already`);
  core.undo.onRollback(() => core.late.delete(key));
  core.late.add(key);
  core.dirty.goals = true;
  publish(core, { type: 'step.late', stepId, attempt, output });
  noticeOfAdded(core, index, { notice: 'late', output, at });
}
