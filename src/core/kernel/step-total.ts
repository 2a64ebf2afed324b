import type { StepStatus, StoredError } from '../ports/run.js';
import { stepOf, type RunCore, type TotalTime } from './run-core.js';
import { isSettled } from './step-status.js';

/** Keeps the time of all attempts at a step, as the step moves on. Costs nothing where it has no limit. */
export function trackTotal(
  core: RunCore,
  index: number,
  { from, to, at }: { readonly from: StepStatus; readonly to: StepStatus; readonly at: number },
): void {
  const { totalTimeoutMs } = stepOf(core, index);
  if (totalTimeoutMs === undefined || from === to) return;
  const total = core.totals.get(index);
  if (!total) {
    if (to === 'running') setDue(core, index, at + totalTimeoutMs);
  } else if (isSettled(to)) forget(core, index);
  else if (isStill(to)) hold(core, index, total.dueAt > 0 ? total.dueAt - at : total.leftMs);
  // What has run out while it stood still is due at once.
  else if (total.dueAt === 0) setDue(core, index, at + Math.max(0, total.leftMs));
}

const isStill = (status: StepStatus): boolean => status === 'gated' || status === 'in-doubt';

/** What is left of the time of a step, in milliseconds; `Infinity` where it has no limit. */
export function leftOf({ totals }: RunCore, index: number, at: number): number {
  const total = totals.get(index);
  if (!total) return Infinity;
  return total.dueAt > 0 ? total.dueAt - at : total.leftMs;
}

/** Code of the error of an attempt, or of a step, whose time was up. */
export const timedOut = 'TIMED_OUT';

/** The error of a step whose time is over for all its attempts. `cause`: what the last of them came to. */
export function totalError(core: RunCore, index: number, cause?: StoredError): StoredError {
  const { id: stepId, totalTimeoutMs } = stepOf(core, index);
  const attempt = core.columns.attempt[index]!;
  const had = `Step "${stepId}" had ${totalTimeoutMs} ms for all its attempts (totalTimeoutMs)`;
  const message = cause
    ? `${had}, and no other could begin before they are over. The last: ${cause.message}`
    : `${had}, and has not ended within them.`;
  return { code: timedOut, message, stepId, attempt, limit: 'totalTimeoutMs', ...(cause && { cause: { ...cause } }) };
}

/** Sets all of them again: the process that kept them was lost, or rows are others now. */
export function setTotalsAgain(core: RunCore, shiftMs: number): void {
  for (const [index, { dueAt }] of totalsInOrder(core)) if (dueAt > 0) setDue(core, index, dueAt + shiftMs);
}

/** By row. */
export const totalsInOrder = ({ totals }: RunCore): [number, TotalTime][] => [...totals].sort(([a], [b]) => a - b);

export const totalTimer = (index: number): string => `total:${index}`;

function setDue(core: RunCore, index: number, dueAt: number): void {
  put(core, index, { dueAt, leftMs: 0 });
  const input = { type: 'step.time-over', at: dueAt, stepId: stepOf(core, index).id } as const;
  core.out.push({ type: 'timer.set', timer: totalTimer(index), dueAt, input });
}

function hold(core: RunCore, index: number, leftMs: number): void {
  put(core, index, { dueAt: 0, leftMs });
  core.out.push({ type: 'timer.clear', timer: totalTimer(index) });
}

function forget(core: RunCore, index: number): void {
  put(core, index, undefined);
  core.out.push({ type: 'timer.clear', timer: totalTimer(index) });
}

function put({ totals, undo }: RunCore, index: number, total: TotalTime | undefined): void {
  const before = totals.get(index);
  undo.onRollback(() => set(totals, index, before));
  set(totals, index, total);
}

function set(totals: Map<number, TotalTime>, index: number, total: TotalTime | undefined): void {
  if (total) totals.set(index, total);
  else totals.delete(index);
}
