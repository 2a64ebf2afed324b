import { backoffMs } from '../plan/backoff.js';
import type { RunInput } from '../ports/run.js';
import { stepOf, type RunCore } from './run-core.js';

/** The attempt's time begins to run. */
export function armTimeout(core: RunCore, index: number, at: number): void {
  const { timeoutMs } = stepOf(core, index);
  if (timeoutMs !== undefined) arm(core, { index, dueAt: at + timeoutMs, type: 'step.timed-out' });
}

/** The pause before the next attempt begins. `tried`: which attempt it follows; by default the step's own, 1 for the first. */
export function armRetry(core: RunCore, index: number, { at, tried }: { readonly at: number; readonly tried?: number }): void {
  const { id, retry } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const pauseMs = backoffMs(retry, { attempt: tried ?? attempt, seed: `${id}:${attempt}:${at}` });
  arm(core, { index, dueAt: at + pauseMs, type: 'step.retry-due' });
}

/** A gate that opens waits for an answer only so long. One that waits for more of the plan to be approved waits for that first. */
export function armGate(core: RunCore, index: number, at: number): void {
  const { gate } = stepOf(core, index);
  if (gate?.expiresAfterMs === undefined || core.columns.deferred[index] === 1) return;
  arm(core, { index, dueAt: at + gate.expiresAfterMs, type: 'step.gate-expired' });
}

/** The step has one timer at most: what it is for follows from where the step is. */
export function disarm(core: RunCore, index: number): void {
  if (core.columns.dueAt[index] === 0) return;
  core.undo.set(core.columns.dueAt, index, 0);
  core.out.push({ type: 'timer.clear', timer: timerOf(index) });
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
