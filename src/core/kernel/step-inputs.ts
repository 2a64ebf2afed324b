import type { Branch, RunInput, StepStatus } from '../ports/run.js';
import { concludeFailure } from './fail-step.js';
import { IllegalInputError } from './illegal-input-error.js';
import { moveStep, mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { noteError, settleCancelled } from './stop-run.js';

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
function expectAttempt(
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
  expectAttempt(core, index, { input, statuses: ['ready'] });
  const { run, columns } = core;
  if (run.stop) throw new IllegalInputError(input.type, 'ready', input.stepId, `the run is stopping (${run.stop.reason})`);
  if (columns.issued[index] === 0)
    throw new IllegalInputError(input.type, 'ready', input.stepId, 'the kernel has not asked for it to start');
  if (run.pause === 'paused') throw new IllegalInputError(input.type, 'ready', input.stepId, 'the run is paused');
  mustMoveStep(core, index, 'START', { at: input.at });
  publish(core, { type: 'step.started', stepId: input.stepId, attempt: input.attempt });
}

export function onSucceeded(core: RunCore, input: StepInput<'step.succeeded'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'in-doubt'] });
  settleSpend(core, index, input);
  if (input.branch) takeBranch(core, index, input.branch);
  mustMoveStep(core, index, 'SUCCEED', { at: input.at });
  const { stepId, attempt, output, spend } = input;
  publish(core, { type: 'step.succeeded', stepId, attempt, output, spend });
}

/** Keeps where a route leads. What it did not choose will not be fed by it. */
function takeBranch(core: RunCore, index: number, { to, reason }: Branch): void {
  const chosen = to.flatMap((id) => core.graph.indexOf.get(id) ?? []);
  core.undo.onRollback(() => core.routes.delete(index));
  core.routes.set(index, chosen);
  publish(core, { type: 'step.routed', stepId: stepOf(core, index).id, to, reason });
}

export function onFailed(core: RunCore, input: StepInput<'step.failed'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running', 'in-doubt'] });
  settleSpend(core, index, input);
  const { stepId, attempt, error, spend, at } = input;
  if (core.run.stop && statusOf(core, index) === 'running') {
    publish(core, { type: 'step.spent', stepId, attempt, spend });
    return settleCancelled(core, index, at);
  }
  const mayRetry = input.retryable && attempt < stepOf(core, index).retry.attempts;
  conclude(core, index, { to: mustMoveStep(core, index, 'FAIL', { at, facts: mayRetry ? 'retry' : '' }), error, spend, at });
}

/** An attempt in doubt has been given up before: what it held is freed elsewhere than what a running one holds. */
function settleSpend(core: RunCore, index: number, input: StepInput<'step.succeeded' | 'step.failed'>): void {
  if (statusOf(core, index) === 'running') core.ledger.settle(index, input.spend);
  else settleLate(core, index, input);
}

/** An attempt ends once: whoever says it twice must not charge it twice. */
function settleLate(
  core: RunCore,
  index: number,
  { type, stepId, attempt, spend }: StepInput<'step.succeeded' | 'step.failed' | 'step.spent'>,
): void {
  if (!core.ledger.isAbandoned(index, attempt)) {
    throw new IllegalInputError(type, statusOf(core, index), stepId, `attempt ${attempt} was not given up, or has ended since`);
  }
  core.ledger.settleAbandoned(index, attempt, spend);
}

export function onTimedOut(core: RunCore, input: StepInput<'step.timed-out'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['running'] });
  const { stepId, attempt, at } = input;
  const { timeoutMs, retry } = stepOf(core, index);
  const error = {
    code: 'TIMED_OUT',
    message: `Step "${stepId}" did not end within ${timeoutMs} ms (attempt ${attempt}).`,
    stepId,
    attempt,
  };
  core.ledger.abandon(index, attempt);
  core.out.push({ type: 'step.abort', stepId, attempt, reason: error.message });
  if (core.run.stop) return settleCancelled(core, index, at);
  const to = mustMoveStep(core, index, 'TIME_OUT', { at, facts: attempt < retry.attempts ? 'retry' : '' });
  conclude(core, index, { to, error, spend: noSpend, at });
}

/** Says what became of an attempt that did not succeed. */
function conclude(
  core: RunCore,
  index: number,
  { to, ...failure }: Parameters<typeof concludeFailure>[2] & { readonly to: StepStatus },
): void {
  const { error, spend } = failure;
  const stepId = stepOf(core, index).id;
  const attempt = core.columns.attempt[index]!;
  if (to === 'failed') concludeFailure(core, index, failure);
  else if (to === 'in-doubt') {
    noteError(core, index, error);
    publish(core, { type: 'step.in-doubt', stepId, attempt, error });
  } else publish(core, { type: 'step.backing-off', stepId, attempt, error, retryAt: core.columns.dueAt[index]!, spend });
}

export function onRetryDue(core: RunCore, input: StepInput<'step.retry-due'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['backing-off'] });
  mustMoveStep(core, index, 'RETRY', { at: input.at });
}

export function onSpent(core: RunCore, input: StepInput<'step.spent'>): void {
  const { stepId, attempt, spend } = input;
  settleLate(core, indexOf(core, input), input);
  publish(core, { type: 'step.spent', stepId, attempt, spend });
}

export function onProgress(core: RunCore, input: StepInput<'step.progress'>): void {
  expectAttempt(core, indexOf(core, input), { input, statuses: ['running'] });
  const { stepId, attempt, message } = input;
  publish(core, { type: 'step.progress', stepId, attempt, message });
}

export function onDecided(core: RunCore, input: StepInput<'step.decided'>): void {
  const index = indexOf(core, input);
  const { stepId, decision, at } = input;
  const status = statusOf(core, index);
  if (status !== 'gated' && status !== 'in-doubt') {
    throw new IllegalInputError(input.type, status, stepId, 'only a gated step or one in doubt waits for a decision');
  }
  publish(core, { type: 'step.decided', stepId, decision });
  // Who lets a step go has approved it, whatever it was waiting for.
  if (decision.approve) core.undo.set(core.columns.deferred, index, 0);
  const attempt = core.columns.attempt[index]!;
  const to = moveStep(core, index, decision.approve ? 'APPROVE' : 'REFUSE', { at });
  if (to === 'succeeded')
    publish(core, { type: 'step.succeeded', stepId, attempt, output: decision.output ?? null, spend: noSpend });
  if (to === 'failed') concludeFailure(core, index, { error: refusalError(input, status), spend: noSpend, at });
}

function refusalError({ stepId, decision }: StepInput<'step.decided'>, status: 'gated' | 'in-doubt') {
  const who = `${decision.by.kind} "${decision.by.id}"`;
  const said = decision.note === undefined ? '.' : `: ${decision.note}`;
  return status === 'gated'
    ? { code: 'GATE_REFUSED', message: `${who} refused to let "${stepId}" start${said}`, stepId }
    : { code: 'DECLARED_FAILED', message: `${who} declared "${stepId}", which was in doubt, to have failed${said}`, stepId };
}
