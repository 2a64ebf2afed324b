import type { StoredError } from '../ports/run.js';
import type { Spend } from '../ports/usage.js';
import { abandonAttempt } from './abandon.js';
import { askedId, noteAsked } from './ask-step.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { noteError } from './note-error.js';
import { publish, statusOf, stepOf, type RunCore, type Undoing } from './run-core.js';
import { armAgain, armRetry, armTimeout, disarm } from './step-timers.js';
import { countThrottle, forgetThrottles } from './throttles.js';

/** Efforts to undo a step, the first included, where its retry policy has fewer: what is not undone stays in the world. */
const leastEfforts = 3;

/**
 * Undoes the last step, in the order of the plan, that has succeeded and says how it is undone. One at a time, and only once nothing is
 * under way any more; so a step is undone before what it builds on.
 */
export function undoNext(core: RunCore, at: number): void {
  const { run, compensable } = core;
  if (!run.undoes || run.undoing || run.running > 0) return;
  while (run.undoBelow > 0) {
    run.undoBelow -= 1;
    const index = compensable[run.undoBelow]!;
    // One that was done before the run is none of its doing.
    if (statusOf(core, index) !== 'succeeded' || core.columns.attempt[index] === 0) continue;
    mustMoveStep(core, index, 'COMPENSATE', { at, facts: 'compensable' });
    return askToUndo(core, index, 1);
  }
}

function askToUndo(core: RunCore, index: number, effort: number): void {
  const { run, columns, undo, out, ledger } = core;
  const stepId = stepOf(core, index).id;
  undo.add(columns.attempt, index, 1);
  if (columns.lost[index] !== 0) undo.set(columns.lost, index, 0);
  run.undoing = { index, effort, state: 'asked' };
  const attempt = columns.attempt[index]!;
  publish(core, { type: 'step.compensating', stepId, attempt });
  noteAsked(core, index);
  out.push({ type: 'step.compensate', stepId, attempt, effort, allowance: ledger.reserveRest(index) });
}

/** What an input says of an effort to undo a step. */
interface OfEffort {
  readonly type: string;
  readonly stepId: string;
  readonly at: number;
}

function expectUndoing(core: RunCore, state: Undoing['state'], { type, stepId }: OfEffort): Undoing {
  const { undoing } = core.run;
  if (undoing?.state === state) return undoing;
  const detail = `the effort to undo it is ${undoing?.state ?? 'over'}, not ${state}`;
  throw new IllegalInputError(type, 'compensating', stepId, detail);
}

export function onUndoStarted(core: RunCore, index: number, input: OfEffort): void {
  core.run.undoing = { ...expectUndoing(core, 'asked', input), state: 'under-way' };
  armTimeout(core, index, input.at);
}

export function onUndone(core: RunCore, index: number, input: OfEffort & { readonly spend: Spend }): void {
  expectUndoing(core, 'under-way', input);
  const { stepId, spend, at } = input;
  core.ledger.settle(index, spend);
  forgetThrottles(core, index);
  core.run.undoing = null;
  mustMoveStep(core, index, 'COMPENSATED', { at });
  publish(core, { type: 'step.compensated', stepId, attempt: core.columns.attempt[index]!, spend });
}

interface FailedEffort {
  readonly error: StoredError;
  readonly retryable: boolean;
  readonly spend: Spend;
  readonly notBefore?: number | undefined;
}

export function onUndoFailed(core: RunCore, index: number, input: OfEffort & FailedEffort): void {
  expectUndoing(core, 'under-way', input);
  core.ledger.settle(index, input.spend);
  endEffort(core, index, input);
}

/** The effort took too long, or gave no sign of life. */
export function onUndoCutOff(core: RunCore, index: number, input: OfEffort & { readonly error: StoredError }): void {
  expectUndoing(core, 'under-way', input);
  const { stepId, error, at } = input;
  core.out.push({ type: 'step.abort', stepId, attempt: core.columns.attempt[index]!, reason: error.message });
  abandonAttempt(core, index, at);
  endEffort(core, index, { at, error, retryable: true, spend: noSpend });
}

/** A provider asks for a pause: that was none of the efforts. */
export function onUndoThrottled(
  core: RunCore,
  index: number,
  input: OfEffort & Omit<FailedEffort, 'retryable'> & { readonly retryAt?: number },
): void {
  const { effort } = expectUndoing(core, 'under-way', input);
  const { stepId, error, spend, retryAt, at } = input;
  const throttled = countThrottle(core, index);
  core.ledger.settle(index, spend);
  if (throttled === undefined) return endEffort(core, index, { at, error, retryable: true, spend });
  disarm(core, index);
  core.run.undoing = { index, effort: effort - 1, state: 'waiting' };
  armRetry(core, index, { at, tried: throttled, ...(retryAt !== undefined && { pauseMs: Math.max(0, retryAt - at) }) });
  const told = { stepId, attempt: core.columns.attempt[index]!, error, spend, retryAt: core.columns.dueAt[index]!, throttled };
  publish(core, { type: 'step.compensation-failed', ...told });
}

export function onUndoDue(core: RunCore, index: number, input: OfEffort): void {
  const { effort } = expectUndoing(core, 'waiting', input);
  disarm(core, index);
  askToUndo(core, index, effort + 1);
}

function endEffort(core: RunCore, index: number, failed: FailedEffort & { readonly at: number }): void {
  const { error, retryable, spend, at, notBefore } = failed;
  const { id: stepId, retry } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const effort = core.run.undoing?.effort ?? 1;
  const fact = { type: 'step.compensation-failed', stepId, attempt, spend } as const;
  disarm(core, index);
  forgetThrottles(core, index);
  if (retryable && effort < Math.max(leastEfforts, retry.attempts)) {
    core.run.undoing = { index, effort, state: 'waiting' };
    armRetry(core, index, { at, tried: effort, notBefore });
    return publish(core, { ...fact, error, retryAt: core.columns.dueAt[index]! });
  }
  core.run.undoing = null;
  const message = `"${stepId}" could not be undone: ${error.message}`;
  const final = { code: 'COMPENSATION_FAILED', message, stepId, efforts: effort, cause: error };
  mustMoveStep(core, index, 'COMPENSATION_FAILED', { at });
  noteError(core, index, final);
  addToStop(core, stepId);
  publish(core, { ...fact, error: final });
}

/** Who asks why the run did not complete hears what it has left behind. */
function addToStop({ run }: RunCore, stepId: string): void {
  if (!run.stop) return;
  const before = (run.stop.error['compensationsFailed'] ?? []) as readonly string[];
  const compensationsFailed = [...before, stepId];
  run.stop = { ...run.stop, error: { ...run.stop.error, compensationsFailed } };
}

/** Takes up the one compensation there is where a process that was lost has left it. */
export function recoverUndoing(core: RunCore, index: number, at: number): void {
  const { run, columns, out } = core;
  const { undoing } = run;
  if (!undoing) return;
  if (undoing.state === 'waiting') return armAgain(core, index, 'step.retry-due');
  const stepId = stepOf(core, index).id;
  const attempt = columns.attempt[index]!;
  if (columns.lost[index]! >= run.maxLostStarts) {
    const message = `It was started ${columns.lost[index]!} times, and each time its process was lost before it had ended.`;
    abandonAttempt(core, index, at);
    return endEffort(core, index, { at, error: { code: 'LOST_STARTS', message, stepId }, retryable: false, spend: noSpend });
  }
  disarm(core, index);
  run.undoing = { ...undoing, state: 'asked' };
  publish(core, { type: 'step.compensating', stepId, attempt });
  const allowance = core.ledger.heldAllowance(index);
  out.push({ id: askedId(core, index), type: 'step.compensate', stepId, attempt, effort: undoing.effort, allowance });
}
