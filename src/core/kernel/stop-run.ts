import type { CompensationPolicy } from '../ports/run.js';
import { abandonAttempt } from './abandon.js';
import { concludeDoubt } from './doubt.js';
import { moveStep } from './move-step.js';
import { isOver, publish, statusOf, stepOf, type RunCore, type Stop } from './run-core.js';
import { scheduleSweep } from './schedule.js';
import { stopError } from './stop-error.js';

interface Stopping {
  readonly stop: Stop;
  readonly at: number;
  /** Whether steps that succeeded are undone, where that differs from the policy of the run. */
  readonly compensate?: boolean | undefined;
}

const isCompensatedBy = (policy: CompensationPolicy, to: Stop['to']): boolean =>
  policy === 'always' || policy === (to === 'failed' ? 'on-failure' : 'on-cancel');

/** Begins the end of a run: steps that have not begun are cancelled, those under way are given the grace time. */
export function beginStop(core: RunCore, { stop, at, compensate }: Stopping): void {
  const { run } = core;
  if (run.stop || isOver(core)) return;
  run.stop = stop;
  run.undoes = compensate ?? isCompensatedBy(run.compensate, stop.to);
  run.undoBelow = core.compensable.length;
  publish(core, { type: 'run.stopping', to: stop.to, reason: stop.reason });
  scheduleSweep(core);
  run.graceAt = at + run.graceMs;
  core.out.push({
    type: 'timer.set',
    timer: 'run:grace',
    dueAt: run.graceAt,
    input: { type: 'run.grace-over', at: run.graceAt },
  });
}

/** The grace time is over: what still runs is taken to be cancelled, or to be in doubt where it may not run twice. */
export function endGrace(core: RunCore, at: number): void {
  core.run.graceAt = 0;
  core.steps.forEach((_, index) => {
    if (statusOf(core, index) === 'running') cancelRunning(core, index, at);
  });
}

/** A step under way ends because the run does. What it held stays reserved for a while: it may be spending still. */
export function cancelRunning(core: RunCore, index: number, at: number): void {
  abandonAttempt(core, index, at);
  settleCancelled(core, index, at);
}

/** The step's attempt has ended, or is taken to have, after the run was told to stop. */
export function settleCancelled(core: RunCore, index: number, at: number): void {
  const { id, compensation } = stepOf(core, index);
  const error = stopError(core);
  // What would have to be undone is not taken to have come to nothing because it was cut off.
  const to = moveStep(core, index, 'CANCEL', { at, facts: compensation && core.run.undoes ? 'compensable' : '' });
  if (to === 'in-doubt') concludeDoubt(core, index, error);
  else if (to === 'cancelled') publish(core, { type: 'step.cancelled', stepId: id, error });
}
