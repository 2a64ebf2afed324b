import type { BudgetFigure } from '../ports/budget.js';
import type { StoredError } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import { moveStep } from './move-step.js';
import { noteError } from './note-error.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { scheduleShed } from './schedule.js';
import { isSettled } from './step-status.js';

const defaultPriorities = ['low'] as const;

/**
 * A ceiling of the run is near: tickets of low priority that have not begun are left out, so that what is left of the budget goes into the
 * rest and into a synthesis that knows its gaps.
 */
export function shedWork(core: RunCore, figure: BudgetFigure): void {
  if (core.run.shed) return;
  const { priorities = defaultPriorities } = core.materialized.definition.budget.shed ?? {};
  core.run.shed = { ...figure, priorities };
  publish(core, { type: 'budget.shed', ...figure, priorities });
  const dropped = droppable(core, priorities);
  for (let index = 0; index < dropped.length; index += 1) if (dropped[index] === 1) scheduleShed(core, index);
}

/** Tickets of these priorities on which nothing depends that stays. Steps stand after their dependencies, so one way back sees all. */
function droppable(core: RunCore, priorities: readonly string[]): Uint8Array {
  const { graph } = core;
  const count = core.materialized.definition.steps.length;
  const dropped = new Uint8Array(count);
  for (let index = count - 1; index >= 0; index -= 1) {
    const { kind, phase, priority, onFailure } = stepOf(core, index);
    if (kind !== 'ticket' || phase !== 'work' || onFailure === 'fail-run' || !priorities.includes(priority)) continue;
    dropped[index] = 1;
    for (let nth = 0; nth < graph.dependentCount(index); nth += 1) {
      const dependent = graph.dependentAt(index, nth);
      const stays = dropped[dependent] === 0 && !isSettled(statusOf(core, dependent));
      if (stays && stepOf(core, dependent).join === 'all-succeeded') dropped[index] = 0;
    }
  }
  return dropped;
}

/** Leaves a ticket out, unless it has begun. */
export function shedStep(core: RunCore, index: number, at: number): void {
  const { columns, run } = core;
  if (!run.shed || core.goals.has(index) || columns.issued[index] === 1) return;
  if (!isWaiting.has(statusOf(core, index))) return;
  const { id } = stepOf(core, index);
  const error = shedError(id, run.shed);
  noteError(core, index, error);
  if (moveStep(core, index, 'SKIP', { at }) === 'skipped') publish(core, { type: 'step.skipped', stepId: id, error });
}

const isWaiting: ReadonlySet<string> = new Set(['blocked', 'ready', 'gated', 'backing-off']);

function shedError(stepId: string, { spent, ceiling, unit, priorities }: NonNullable<RunCore['run']['shed']>): StoredError {
  const message =
    `${quote(stepId)} was left out, because ${spent} of the ${ceiling} ${unit} of the run are spent, ` +
    `and its plan then does without tickets of ${priorities.join(' and ')} priority (budget.shed).`;
  return { code: 'BUDGET_SHED', message, stepId, spent, ceiling, unit };
}
