import { backoffMs } from '../plan/backoff.js';
import type { RunInput } from '../ports/run.js';
import { waitingFor } from './policy-approvals.js';
import { triesOf } from './fallbacks.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';
import { totalTimer } from './step-total.js';

/** The attempt's time begins to run. */
export function armTimeout(core: RunCore, index: number, at: number): void {
  const { timeoutMs } = stepOf(core, index);
  if (timeoutMs !== undefined) arm(core, { index, dueAt: at + timeoutMs, type: 'step.timed-out' });
}

interface Pause {
  readonly at: number;
  /** Which attempt it follows; by default that of the agent at the step, 1 for its first. */
  readonly tried?: number;
  /** It ends no sooner than that. */
  readonly notBefore?: number | undefined;
}

/** How long the pause is before the next attempt begins, in milliseconds. One that has just taken over need not wait for another to recover. */
export function pauseBeforeRetry(core: RunCore, index: number, { at, tried, notBefore = 0 }: Pause): number {
  const { id, retry } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const failed = tried ?? triesOf(core, index);
  const pauseMs = failed === 0 ? 0 : backoffMs(retry, { attempt: failed, seed: `${id}:${attempt}:${at}` });
  return Math.max(pauseMs, notBefore - at);
}

/** The pause before the next attempt begins. `pauseMs`: how long it is, where neither the retry policy nor a breaker says so. */
export function armRetry(
  core: RunCore,
  index: number,
  { pauseMs, ...pause }: Pause & { readonly pauseMs?: number | undefined },
): void {
  arm(core, { index, dueAt: pause.at + (pauseMs ?? pauseBeforeRetry(core, index, pause)), type: 'step.retry-due' });
}

/** A gate that opens waits for an answer only so long. One that waits for more of the plan to be approved waits for that first; what a policy asks waits for ever. */
export function armGate(core: RunCore, index: number, at: number): void {
  const { gate } = stepOf(core, index);
  if (gate?.expiresAfterMs === undefined || core.columns.deferred[index] === 1 || waitingFor(core, index)) return;
  arm(core, { index, dueAt: at + gate.expiresAfterMs, type: 'step.gate-expired' });
}

/** When the step goes on, where it waits before it is tried again, or undone once more. */
export function retryAt(core: RunCore, index: number): number | undefined {
  const { undoing } = core.run;
  const waits = statusOf(core, index) === 'backing-off' || (undoing?.index === index && undoing.state === 'waiting');
  return waits ? core.columns.dueAt[index]! : undefined;
}

/** The step has one timer at most: what it is for follows from where the step is. */
export function disarm(core: RunCore, index: number): void {
  if (core.columns.dueAt[index] === 0) return;
  core.undo.set(core.columns.dueAt, index, 0);
  core.out.push({ type: 'timer.clear', timer: timerOf(index) });
}

/** A step that was added begins: from now on it is known when it is overdue, also if it is tried again. */
export function armWatch(core: RunCore, index: number, at: number): void {
  const afterMs = stepOf(core, index).added?.overdueAfterMs;
  if (afterMs === undefined || core.watches.has(index) || core.columns.attempt[index]! > 1) return;
  setWatch(core, index, at + afterMs);
}

export function clearWatch(core: RunCore, index: number): void {
  if (dropWatch(core, index)) core.out.push({ type: 'timer.clear', timer: watchOf(index) });
}

/** Forgets that a step is waited for, because it ended or its time has run out. Gives whether it was. */
export function dropWatch({ watches, undo, dirty }: RunCore, index: number): boolean {
  const dueAt = watches.get(index);
  if (dueAt === undefined) return false;
  undo.onRollback(() => watches.set(index, dueAt));
  dirty.goals = true;
  return watches.delete(index);
}

/** Sets all of them again: the process that kept them was lost. By row, because that is all that a checkpoint knows of their order. */
export function setWatchesAgain(core: RunCore, shiftMs: number): void {
  for (const [index, dueAt] of [...core.watches].sort(([a], [b]) => a - b)) setWatch(core, index, dueAt + shiftMs);
}

function setWatch(core: RunCore, index: number, dueAt: number): void {
  const before = core.watches.get(index);
  core.undo.onRollback(() => (before === undefined ? core.watches.delete(index) : core.watches.set(index, before)));
  core.watches.set(index, dueAt);
  core.dirty.goals = true;
  const input = { type: 'step.overdue', at: dueAt, stepId: stepOf(core, index).id } as const;
  core.out.push({ type: 'timer.set', timer: watchOf(index), dueAt, input });
}

const watchOf = (index: number): string => `watch:${index}`;

/** Nothing of all that is waited for any more, under these names. */
export function clearTimersOfSteps({ columns, watches, totals, steps, out }: RunCore): void {
  steps.forEach((_, index) => {
    if (columns.dueAt[index]! > 0) out.push({ type: 'timer.clear', timer: timerOf(index) });
    if (watches.has(index)) out.push({ type: 'timer.clear', timer: watchOf(index) });
    if ((totals.get(index)?.dueAt ?? 0) > 0) out.push({ type: 'timer.clear', timer: totalTimer(index) });
  });
}

/** Sets the step's timer again, where it has one: the process that kept it was lost. */
export function armAgain(core: RunCore, index: number, type: StepTimer): void {
  if (core.columns.dueAt[index]! > 0) setTimer(core, index, type);
}

type StepTimer = Extract<RunInput['type'], 'step.timed-out' | 'step.retry-due' | 'step.gate-expired'>;

interface Arming {
  readonly index: number;
  readonly dueAt: number;
  readonly type: StepTimer;
}

function arm(core: RunCore, { index, dueAt, type }: Arming): void {
  core.undo.set(core.columns.dueAt, index, dueAt);
  setTimer(core, index, type);
}

function setTimer(core: RunCore, index: number, type: StepTimer): void {
  const stepId = stepOf(core, index).id;
  const dueAt = core.columns.dueAt[index]!;
  const attempt = core.columns.attempt[index]!;
  const input: RunInput = type === 'step.gate-expired' ? { type, at: dueAt, stepId } : { type, at: dueAt, stepId, attempt };
  core.out.push({ type: 'timer.set', timer: timerOf(index), dueAt, input });
}

const timerOf = (index: number): string => `step:${index}`;
