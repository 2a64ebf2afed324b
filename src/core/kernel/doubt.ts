import type { StoredError } from '../ports/run.js';
import { askedId } from './ask-step.js';
import { noteError } from './note-error.js';
import { scheduleDoubt } from './schedule.js';
import { callsAgent, isOver, publish, statusOf, stepOf, type RunCore } from './run-core.js';

/** What follows once a step's chart has come to `in-doubt`: it says so, and its agent is asked what became of it. */
export function concludeDoubt(core: RunCore, index: number, error: StoredError): void {
  const { columns, undo } = core;
  const { id } = stepOf(core, index);
  undo.set(columns.ended, index, 0);
  undo.set(columns.probes, index, 0);
  noteError(core, index, error);
  publish(core, { type: 'step.in-doubt', stepId: id, attempt: columns.attempt[index]!, error });
  scheduleDoubt(core, index);
  askWhetherItHappened(core, index);
}

/** Has the agent asked what became of an attempt in doubt. A step without an agent has nobody to ask. */
export function askWhetherItHappened(core: RunCore, index: number): void {
  const { columns, undo, out } = core;
  const step = stepOf(core, index);
  if (!callsAgent(step) || (isOver(core) && !(step.compensation && core.run.undoes))) return;
  undo.add(columns.probes, index, 1);
  out.push({ type: 'step.probe', stepId: step.id, attempt: columns.attempt[index]!, startId: askedId(core, index) });
}

export function noteAnswer({ columns, undo }: RunCore, index: number): void {
  if (columns.probes[index]! > 0) undo.add(columns.probes, index, -1);
}

/** What was asked of the process that was lost is not answered any more. */
export function forgetProbes({ columns, undo }: RunCore, index: number): void {
  undo.set(columns.probes, index, 0);
}

/** Where the step is in doubt: its attempt has ended, so what is asked from now on can be relied upon. */
export function noteEnded(core: RunCore, index: number): void {
  if (statusOf(core, index) === 'in-doubt') core.undo.set(core.columns.ended, index, 1);
}

/** Whether the step is in doubt over an attempt that may be under way still. */
export const isUnderWayInDoubt = (core: RunCore, index: number, attempt: number): boolean =>
  statusOf(core, index) === 'in-doubt' && core.columns.attempt[index] === attempt && core.columns.ended[index] === 0;

/** Whether the answer just taken was asked for after the attempt had ended, so that what has not happened by then never will. */
export const isCertain = ({ columns }: RunCore, index: number): boolean =>
  columns.ended[index] === 1 && columns.probes[index] === 0;
