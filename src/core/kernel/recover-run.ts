import type { RunInput } from '../ports/run.js';
import { cancelRunning } from './stop-run.js';
import { abandonAttempt, limitAbandoned, setLimitsAgain } from './abandon.js';
import { askAgain } from './ask-step.js';
import { recoverUndoing } from './compensate.js';
import { askWhetherItHappened, concludeDoubt, forgetProbes, noteEnded } from './doubt.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { isOver, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { scheduleRecovery } from './schedule.js';
import { setRunTimers } from './settle-run.js';
import { armAgain, setWatchesAgain } from './step-timers.js';
import { setTotalsAgain } from './step-total.js';

/**
 * Another process goes on with the run. Everything that lived in the one before is gone: calls of agents, timers, what was on its way.
 * What a step needs is seen to step by step, through the agenda.
 */
export function onRecovered(core: RunCore, input: Extract<RunInput, { readonly type: 'run.recovered' }>): void {
  const { lost, maxLostStarts, shiftMs, at } = input;
  const { run } = core;
  const suspects = new Set(lost.map((stepId) => suspectOf(core, stepId)));
  publish(core, { type: 'run.recovered', lost });
  for (const index of suspects) if (isStartLost(core, index)) core.undo.add(core.columns.lost, index, 1);
  run.maxLostStarts = maxLostStarts;
  shiftDeadlines(core, shiftMs);
  setRunTimers(core, at);
  setLimitsAgain(core, shiftMs);
  setWatchesAgain(core, shiftMs);
  setTotalsAgain(core, shiftMs);
  limitAbandoned(core, at);
  if (run.delivering && !run.stop && !isOver(core)) core.out.push({ type: 'run.deliver' });
  scheduleRecovery(core);
}

function suspectOf({ graph, run }: RunCore, stepId: string): number {
  const index = graph.indexOf.get(stepId);
  if (index !== undefined) return index;
  throw new IllegalInputError('run.recovered', run.lifecycle, stepId, 'the plan has no such step');
}

/** What may happen only once is on record before it starts, so one that was merely asked for has not started. */
function isStartLost(core: RunCore, index: number): boolean {
  const status = statusOf(core, index);
  if (core.goals.has(index) && status === 'running') return false;
  return status === 'running' || status === 'compensating' || (isAskedFor(core, index) && stepOf(core, index).effect !== 'once');
}

const isAskedFor = (core: RunCore, index: number): boolean =>
  statusOf(core, index) === 'ready' && core.columns.issued[index] === 1;

function shiftDeadlines({ run, columns, undo }: RunCore, shiftMs: number): void {
  if (shiftMs === 0) return;
  if (run.deadlineAt > 0) run.deadlineAt += shiftMs;
  if (run.graceAt > 0) run.graceAt += shiftMs;
  columns.dueAt.forEach((dueAt, index) => dueAt > 0 && undo.set(columns.dueAt, index, dueAt + shiftMs));
}

/** Takes one step up where the process before left it. */
export function recoverStep(core: RunCore, index: number, at: number): void {
  switch (statusOf(core, index)) {
    case 'running':
      // A run that is on its way out starts nothing again.
      if (core.goals.has(index)) return;
      return core.run.stop ? cancelLost(core, index, at) : loseAttempt(core, index, at);
    case 'ready':
      if (isAskedFor(core, index) && !core.run.stop) askForLost(core, index, at);
      return;
    case 'in-doubt':
      noteEnded(core, index);
      forgetProbes(core, index);
      return askWhetherItHappened(core, index);
    case 'backing-off':
      return armAgain(core, index, 'step.retry-due');
    case 'compensating':
      return recoverUndoing(core, index, at);
    case 'gated':
      return armAgain(core, index, 'step.gate-expired');
    default:
  }
}

function cancelLost(core: RunCore, index: number, at: number): void {
  cancelRunning(core, index, at);
  noteEnded(core, index);
}

/** Its command was let out, but no start is on record: it may have started all the same. */
function askForLost(core: RunCore, index: number, at: number): void {
  if (!isExhausted(core, index)) return askAgain(core, index);
  const { id } = stepOf(core, index);
  mustMoveStep(core, index, 'START', { at });
  publish(core, { type: 'step.started', stepId: id, attempt: core.columns.attempt[index]! });
  loseAttempt(core, index, at);
}

const isExhausted = ({ run, columns }: RunCore, index: number): boolean => columns.lost[index]! >= run.maxLostStarts;

function loseAttempt(core: RunCore, index: number, at: number): void {
  const exhausted = isExhausted(core, index);
  const to = mustMoveStep(core, index, 'LOSE', { at, facts: exhausted ? 'exhausted' : '' });
  if (to !== 'in-doubt') return askAgain(core, index);
  abandonAttempt(core, index, at);
  concludeDoubt(core, index, exhausted ? lostStartsError(core, index) : doubtError(core, index));
  noteEnded(core, index);
}

/** Code of the error of a step that has lost so many starts that it is not started again. */
export const lostStarts = 'LOST_STARTS';

function lostStartsError(core: RunCore, index: number) {
  const { id } = stepOf(core, index);
  const starts = core.columns.lost[index]!;
  const message =
    `"${id}" was started ${starts} ${starts === 1 ? 'time' : 'times'}, and each time its process was lost before it had ended. ` +
    'It may be what ends the process, so it is not started again: decide() what became of it.';
  return { code: lostStarts, message, stepId: id, starts };
}

function doubtError(core: RunCore, index: number) {
  const { id } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const message = `"${id}" was started, and its process was lost before its end was known (attempt ${attempt}). It may have happened.`;
  return { code: 'EFFECT_IN_DOUBT', message, stepId: id, attempt };
}
