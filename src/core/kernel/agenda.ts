import { noticeOfAdded, tellGoal } from './added-ends.js';
import { moveStep, mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { recoverStep } from './recover-run.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { shedStep } from './shed-work.js';
import { skipError } from './skip-error.js';
import { stopError } from './stop-error.js';
import { rowLength, task } from './schedule.js';

/** Steps that one input may touch. At some microseconds each, a few milliseconds, and some dozens on a machine that is busy. */
export const chunk = 512;

/** What it counts to look at a step and leave it as it is. */
const glance = 1 / 64;

/** How far one input may go. */
export interface Pace {
  readonly at: number;
  /** Steps that may still be touched. */
  left: number;
}

/** Works off the agenda as far as the pace allows. Returns whether it is empty. */
export function workOff(core: RunCore, pace: Pace): boolean {
  const { agenda, run } = core;
  while (run.agendaHead < agenda.length) {
    if (pace.left <= 0) return false;
    const row = run.agendaHead;
    const [kind, index, done] = [agenda[row], agenda[row + 1], agenda[row + 2]] as [number, number, number];
    const size = sizeOf(core, kind, index);
    let item = done;
    for (; item < size && pace.left > 0; item += 1) {
      const said = core.out.length;
      perform(core, { kind, index, item, at: pace.at });
      pace.left -= kind === task.propagate || core.out.length > said ? 1 : glance;
    }
    if (item < size) {
      core.undo.onRollback(() => (agenda[row + 2] = done));
      agenda[row + 2] = item;
      return false;
    }
    // Nobody may depend on the step; the row counts all the same.
    pace.left -= glance;
    run.agendaHead += rowLength;
  }
  return true;
}

function sizeOf({ graph, steps }: RunCore, kind: number, index: number): number {
  if (kind === task.propagate) return graph.dependentCount(index);
  return kind === task.tellGoal || kind === task.tellDoubt || kind === task.shed ? 1 : steps.length;
}

interface Item {
  readonly kind: number;
  readonly index: number;
  readonly item: number;
  readonly at: number;
}

function perform(core: RunCore, { kind, index, item, at }: Item): void {
  const { graph, columns } = core;
  if (kind === task.propagate) tellDependent(core, { of: index, to: graph.dependentAt(index, item), at });
  else if (kind === task.sweep) stopStep(core, item, at);
  else if (kind === task.recover) recoverStep(core, item, at);
  else if (kind === task.tellGoal) tellGoal(core, index, at);
  else if (kind === task.shed) shedStep(core, index, at);
  else if (kind === task.tellDoubt) noticeOfAdded(core, index, { notice: 'in-doubt', at });
  else if (columns.unmet[item] === 0 && statusOf(core, item) === 'blocked' && mayBegin(core, item))
    mustMoveStep(core, item, 'RELEASE', { at });
}

/** Steps of the synthesis phase wait until the run is synthesizing, whatever their dependencies. */
export const mayBegin = (core: RunCore, index: number): boolean =>
  stepOf(core, index).phase !== 'synthesis' || core.run.lifecycle === 'synthesizing';

function tellDependent(core: RunCore, { of, to, at }: { readonly of: number; readonly to: number; readonly at: number }): void {
  const { columns, undo } = core;
  undo.add(columns.unmet, to, -1);
  if (!leadsTo(core, of, to) && columns.unfed[to] === 0) {
    undo.set(columns.unfed, to, 1);
    undo.set(columns.cause, to, of);
    // What is not fed by a step that succeeded was not chosen by it.
    if (statusOf(core, of) === 'succeeded' || columns.unchosen[of] === 1) undo.set(columns.unchosen, to, 1);
  }
  if (statusOf(core, to) !== 'blocked') return;
  const last = columns.unmet[to] === 0 && mayBegin(core, to);
  const unfed = columns.unfed[to] === 1;
  const facts = last ? (unfed ? 'last unmet' : 'last') : unfed ? 'unmet' : '';
  if (mustMoveStep(core, to, 'DEPENDENCY_SETTLED', { at, facts }) === 'skipped') publishSkip(core, to);
}

/** Whether a step that has settled feeds a dependent: it succeeded and, where it is a route, chose it. */
const leadsTo = (core: RunCore, of: number, to: number): boolean =>
  statusOf(core, of) === 'succeeded' && (core.routes.get(of)?.includes(to) ?? true);

export const publishSkip = (core: RunCore, index: number): void =>
  publish(core, { type: 'step.skipped', stepId: stepOf(core, index).id, error: skipError(core, index) });

/** The run stops: what has not begun is cancelled at once, what is under way is asked to end. */
function stopStep(core: RunCore, index: number, at: number): void {
  const status = statusOf(core, index);
  const { id } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const reason = core.run.stop?.reason ?? '';
  // A goal is at work only in the steps that were added for it.
  const underWay = (status === 'running' && !core.goals.has(index)) || core.columns.issued[index] === 1;
  if (underWay) core.out.push({ type: 'step.abort', stepId: id, attempt, reason });
  if ((status === 'running' && !core.goals.has(index)) || status === 'in-doubt') return;
  if (core.columns.issued[index] === 1) core.ledger.settle(index, noSpend);
  if (moveStep(core, index, 'CANCEL', { at }) === 'cancelled')
    publish(core, { type: 'step.cancelled', stepId: id, error: stopError(core) });
}
