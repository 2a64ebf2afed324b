import type { AskedPolicy, PolicyApprovals } from './asked-policy.js';
import type { RunCore } from './run-core.js';

/** Whether a person has approved just this: the same policy, of the same attempt, for no more money, the same call. */
export const isApproved = ({ approvals }: RunCore, index: number, asked: AskedPolicy): boolean =>
  approvals
    .get(index)
    ?.approved.some(
      ({ policy, transition, attempt, call, costMicroUsd = null }) =>
        policy === asked.policy &&
        transition === asked.transition &&
        attempt === asked.attempt &&
        call === asked.call &&
        (costMicroUsd === null || (asked.costMicroUsd ?? Infinity) <= costMicroUsd),
    ) === true;

/** The attempt that begins next, which may be the present one once more. */
export const comingAttempt = ({ columns }: RunCore, index: number): number =>
  columns.attempt[index]! + (columns.again[index] === 0 ? 1 : 0);

/** The most that a person has let the next attempt at a step spend; `Infinity` where nobody was asked. */
export function approvedCost(core: RunCore, index: number): number {
  const next = comingAttempt(core, index);
  const approved = core.approvals
    .get(index)
    ?.approved.filter(({ transition, attempt }) => transition === 'spend' && attempt === next);
  return Math.min(Infinity, ...(approved ?? []).map(({ costMicroUsd }) => costMicroUsd ?? Infinity));
}

export const waitingFor = ({ approvals }: RunCore, index: number): AskedPolicy | undefined => approvals.get(index)?.waiting;

export function setWaiting(core: RunCore, index: number, waiting: AskedPolicy): void {
  setApprovals(core, index, { waiting, approved: core.approvals.get(index)?.approved ?? [] });
}

/** A person has decided on what a step waits for. */
export function closeWaiting(core: RunCore, index: number, isApprovedNow: boolean): void {
  const { waiting, approved = [] } = core.approvals.get(index) ?? {};
  if (waiting) setApprovals(core, index, { approved: isApprovedNow ? [...approved, waiting] : approved });
}

function setApprovals({ approvals, undo, dirty }: RunCore, index: number, now: PolicyApprovals): void {
  const before = approvals.get(index);
  undo.onRollback(() => {
    if (before) approvals.set(index, before);
    else approvals.delete(index);
  });
  approvals.set(index, now);
  dirty.approvals.mark(index);
}
