import { InvariantError } from '../shared/error.js';
import type { StepCommand, StepEvent } from '../materializer/step-chart.js';
import type { StepStatus } from '../ports/run.js';

import { waitingFor } from './policy-approvals.js';
import { promptOf } from './asked-policy.js';
import { callsAgent, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { schedulePropagation } from './schedule.js';
import { isSettled, statusCode } from './step-status.js';
import { trackTotal } from './step-total.js';
import { armGate, armRetry, armTimeout, disarm } from './step-timers.js';

/** What a move is told besides the event: the facts for guards, and the time. */
export interface MoveOptions {
  readonly at: number;
  /** Names of the facts that hold, separated by blanks. */
  readonly facts?: string;
  /** Where it is to be tried again: not before then. */
  readonly notBefore?: number | undefined;
  /** How long a step waits that backs off, where its retry policy does not say so. */
  readonly pauseMs?: number | undefined;
}

/**
 * Advances one step's chart and carries out the commands of the states it leaves and enters. `undefined` when the chart does
 * not allow the event; then nothing has changed.
 */
export function moveStep(core: RunCore, index: number, event: StepEvent, options: MoveOptions): StepStatus | undefined {
  const from = statusOf(core, index);
  const move = core.chartOf(index)(from, event, options.facts);
  if (!move) return undefined;
  const to = move.to as StepStatus;
  if (to !== from) recount(core, index, { from, to });
  trackTotal(core, index, { from, to, at: options.at });
  for (const command of move.commands) obey(core, index, command as StepCommand, options);
  return to;
}

/** {@link moveStep} where the kernel knows that the chart allows it. */
export function mustMoveStep(core: RunCore, index: number, event: StepEvent, options: MoveOptions): StepStatus {
  const to = moveStep(core, index, event, options);
  if (to !== undefined) return to;
  throw new InvariantError(`Step "${stepOf(core, index).id}" cannot take ${event} in status "${statusOf(core, index)}".`);
}

/** Keeps the counts that spare the kernel from ever looking through all steps. */
function recount(core: RunCore, index: number, { from, to }: { readonly from: StepStatus; readonly to: StepStatus }): void {
  const { columns, run, undo, ledger } = core;
  const step = stepOf(core, index);
  const awaitedBefore = isAwaiting(core, index, from);
  undo.set(columns.status, index, statusCode(to));
  undo.set(columns.issued, index, 0);
  const awaitedAfter = isAwaiting(core, index, to);
  if (callsAgent(step) && awaitedBefore !== awaitedAfter) ledger.expect(index, awaitedAfter ? 1 : -1);
  // A goal is at work only in the steps that were added for it.
  if (from === 'running' && step.expands === undefined) run.running -= 1;
  if (to === 'running' && step.expands === undefined) run.running += 1;
  if (to === 'succeeded' && step.kind === 'ticket' && !step.added) run.ticketsSucceeded += 1;
  if (step.compensation) recountUndoable(core, index, { from, to });
  const change = Number(isSettled(from)) - Number(isSettled(to));
  if (step.phase === 'synthesis') run.synthesisLeft += change;
  else run.workLeft += change;
}

/** What turns out to have happened while the run stops is undone like the rest. */
function recountUndoable(
  { run, compensable }: RunCore,
  index: number,
  { from, to }: { readonly from: StepStatus; readonly to: StepStatus },
): void {
  if (from === 'in-doubt') run.doubtful -= 1;
  if (to === 'in-doubt') run.doubtful += 1;
  if (to === 'succeeded' && run.undoes) run.undoBelow = Math.max(run.undoBelow, placeOf(compensable, index) + 1);
}

/** Where a number stands among numbers that grow. */
function placeOf(numbers: readonly number[], wanted: number): number {
  let low = 0;
  for (let high = numbers.length - 1; low < high;) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether the step has yet to be given an allowance. */
export function isAwaiting({ columns }: RunCore, index: number, status: StepStatus): boolean {
  if (status === 'ready') return columns.issued[index] === 0;
  return status === 'blocked' || status === 'gated' || status === 'backing-off';
}

function obey(core: RunCore, index: number, command: StepCommand, { at, notBefore, pauseMs }: MoveOptions): void {
  const { id, gate } = stepOf(core, index);
  switch (command) {
    case 'enqueue':
      // Not approved yet: it has come this far, and no farther.
      if (core.columns.deferred[index] === 1) return void mustMoveStep(core, index, 'REQUIRE_DECISION', { at });
      core.ready.push(index);
      return publish(core, { type: 'step.ready', stepId: id });
    case 'openGate':
      armGate(core, index, at);
      return publish(core, { type: 'step.gated', stepId: id, prompt: promptAt(core, index) ?? gate?.prompt ?? notApproved });
    case 'armTimeout':
      return armTimeout(core, index, at);
    case 'armRetry':
      return armRetry(core, index, { at, notBefore, pauseMs });
    case 'disarm':
      return disarm(core, index);
    case 'propagate':
      return schedulePropagation(core, index);
  }
}

function promptAt(core: RunCore, index: number): string | undefined {
  const waiting = waitingFor(core, index);
  return waiting && promptOf(waiting);
}

const notApproved = 'This step is not among those that were approved.';
