import type { StoredError } from '../ports/run.js';
import { askedBudgetError, budgetError, isExact } from './budget-errors.js';
import type { Shortfall } from './ledger-accounts.js';
import { isOver, movePause, publish, type RunCore } from './run-core.js';
import { runLimits } from './run-limits.js';
import { beginStop } from './stop-run.js';

/** Why a run has paused by itself: a person has to raise a ceiling before it can go on. */
export type BudgetPause = 'budget_exceeded' | 'deadline_exceeded';

interface Exceeded {
  readonly shortfall: Shortfall;
  readonly stepId?: string;
  readonly at: number;
}

/**
 * A ceiling of the run stands in the way: the run fails, or pauses where its budget says so. What was only estimated may be wrong, so it
 * never ends a run: a person is asked.
 */
export function exceedBudget(core: RunCore, { shortfall, stepId, at }: Exceeded): void {
  const reason = 'budget_exceeded';
  if (isHard(core) && isExact(shortfall)) {
    return beginStop(core, { stop: { to: 'failed', reason, error: budgetError(shortfall, stepId) }, at });
  }
  pauseFor(core, reason, askedBudgetError(shortfall, stepId));
}

/** Whether reaching a ceiling ends what has reached it. */
export const isHard = ({ materialized }: RunCore): boolean => materialized.definition.budget.onExceeded === 'fail';

/** The time of a run is up: it fails, or pauses where its budget says so. */
export function exceedTime(core: RunCore, { maxDurationMs, at }: { readonly maxDurationMs: number; readonly at: number }): void {
  const reason = 'deadline_exceeded';
  const message = `The run did not end within its ${maxDurationMs} ms (budget.maxDurationMs).`;
  const error = { code: 'DEADLINE_EXCEEDED', message, maxDurationMs };
  if (isHard(core)) return beginStop(core, { stop: { to: 'failed', reason, error }, at });
  const fix = 'Raise it with run.raiseBudget({ budget: { maxDurationMs: … }, by: … }), or cancel the run.';
  pauseFor(core, reason, { ...error, message: `${message} ${fix}` });
}

function pauseFor(core: RunCore, reason: BudgetPause, error: StoredError): void {
  if (!movePause(core, 'PAUSE')) return;
  core.run.pausedFor = reason;
  publish(core, { type: 'run.paused', reason, error });
}

/** Agents that did not keep to their allowance have taken the run past a ceiling: it ends, or pauses, before anything else starts. */
export function noticeOverrun(core: RunCore, at: number): void {
  const { run } = core;
  if (run.stop || isOver(core) || run.pause === 'paused') return;
  const shortfall = core.ledger.overrun();
  if (shortfall) return exceedBudget(core, { shortfall, at });
  // A run that was let go on though its time is up, and was not given more.
  if (run.deadlineAt > 0 && at >= run.deadlineAt && !isHard(core))
    exceedTime(core, { maxDurationMs: runLimits(core).maxDurationMs, at });
}
