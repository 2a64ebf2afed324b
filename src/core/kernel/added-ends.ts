import type { StoredError } from '../ports/run.js';
import type { ExpansionEvent, ReportNotice, ReportOutcome } from '../ports/topology.js';
import type { Json } from '../shared/json.js';
import { takeAnswer } from './answers.js';
import { expandGoal } from './expand-goal.js';
import { addedStep } from './expansion-state.js';
import type { Answer } from './goal.js';
import { goalOf, noteEndOfAdded } from './goals.js';
import { clearWatch } from './step-timers.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';

/** A step that was added has ended: its goal hears of it, and goes on. */
export function tellGoal(core: RunCore, index: number, at: number): void {
  const goal = goalOf(core, index);
  if (!goal?.open.has(index)) return;
  noteEndOfAdded(core, goal, index);
  clearWatch(core, index);
  const answer = takeAnswer(core, index);
  expandGoal(core, goal, { event: endOf(core, index, answer), at });
}

function endOf(core: RunCore, index: number, answer: Answer | undefined): ExpansionEvent {
  const step = addedStep(core, index);
  if (step.status === 'succeeded' && step.decides) {
    const { route, output } = answer ?? { route: null, output: null };
    return { type: 'decided', step, route, output };
  }
  const outcome = reportOutcome(core, index);
  if (outcome === 'completed') return { type: 'reported', step, outcome, output: answer?.output ?? null };
  return { type: 'reported', step, outcome, error: endError(core, index) };
}

/** How a step that was added has ended, in the words of a report. */
export function reportOutcome(core: RunCore, index: number): ReportOutcome {
  const status = statusOf(core, index);
  if (status === 'succeeded') return 'completed';
  if (status === 'skipped') return 'skipped';
  const code = core.errors.get(index)?.code ?? '';
  if (status === 'cancelled') return code === 'SUPERSEDED' ? 'superseded' : 'cancelled';
  return outcomes.get(code) ?? 'failed';
}

const outcomes: ReadonlyMap<string, ReportOutcome> = new Map([
  ['NEEDS_CONTEXT', 'needs-context'],
  ['REJECTED', 'rejected'],
  ['TIMED_OUT', 'timed-out'],
  ['HEARTBEAT_MISSED', 'timed-out'],
]);

export const endError = (core: RunCore, index: number): StoredError =>
  core.errors.get(index) ?? { code: 'NO_OUTPUT', message: `"${stepOf(core, index).id}" is ${statusOf(core, index)}.` };

/** Something is to be said of a step that was added, without its having ended. */
export function noticeOfAdded(
  core: RunCore,
  index: number,
  { notice, output, at }: { readonly notice: ReportNotice; readonly output?: Json; readonly at: number },
): void {
  const goal = goalOf(core, index);
  if (!goal) return;
  const event = { type: 'noticed', step: addedStep(core, index), notice, ...(output !== undefined && { output }) } as const;
  expandGoal(core, goal, { event, at });
}
