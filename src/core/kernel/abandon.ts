import type { Spend } from '../ports/usage.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';

/**
 * The present attempt of a step is given up. What it holds stays reserved until it ends; where it does not end within the grace time,
 * it is taken to have spent all of it.
 */
export function abandonAttempt(core: RunCore, index: number, at: number): void {
  const attempt = core.columns.attempt[index]!;
  core.ledger.abandon(index, attempt);
  if (core.ledger.heldByAbandoned(index, attempt)) limit(core, { index, attempt, dueAt: at + core.run.graceMs });
}

interface Limit {
  readonly index: number;
  readonly attempt: number;
  readonly dueAt: number;
}

function limit(core: RunCore, { index, attempt, dueAt }: Limit): void {
  core.ledger.limitAbandoned(index, attempt, dueAt);
  const input = { type: 'step.given-up', at: dueAt, stepId: stepOf(core, index).id, attempt } as const;
  core.out.push({ type: 'timer.set', timer: givenUpTimer(index, attempt), dueAt, input });
}

/** An attempt that was given up has ended after all. */
export function endAbandoned(
  core: RunCore,
  index: number,
  { attempt, spend }: { readonly attempt: number; readonly spend: Spend },
): void {
  if (core.ledger.isLimited(index, attempt)) clearLimit(core, index, attempt);
  core.ledger.settleAbandoned(index, attempt, spend);
  // It may have been waiting for just this.
  if (statusOf(core, index) === 'ready' && core.columns.issued[index] === 0) core.ready.push(index);
}

/** A step is given back the attempt that was given up, with what it holds. Gives whether there was one. */
export function reclaimAttempt(core: RunCore, index: number): boolean {
  const attempt = core.columns.attempt[index]!;
  if (core.ledger.isLimited(index, attempt)) clearLimit(core, index, attempt);
  return core.ledger.reclaim(index, attempt);
}

const clearLimit = ({ out }: RunCore, index: number, attempt: number): void =>
  void out.push({ type: 'timer.clear', timer: givenUpTimer(index, attempt) });

const givenUpTimer = (index: number, attempt: number): string => `given-up:${index}:${attempt}`;

/** Nobody may be there any more to end what was given up: from now on, all of it has a limit. */
export function limitAbandoned(core: RunCore, at: number): void {
  for (const [index, attempt, , , dueAt] of core.ledger.abandoned.inOrder()) {
    if (dueAt === 0 && !isInDoubt(core, index, attempt)) limit(core, { index, attempt, dueAt: at + core.run.graceMs });
  }
}

/** Sets the limits again that there are, `shiftMs` later. */
export function setLimitsAgain(core: RunCore, shiftMs: number): void {
  for (const [index, attempt, , , dueAt] of core.ledger.abandoned.inOrder()) {
    if (dueAt > 0) limit(core, { index, attempt, dueAt: dueAt + shiftMs });
  }
}

/** What an attempt in doubt spent is told by whoever says what became of it, however late. */
const isInDoubt = (core: RunCore, index: number, attempt: number): boolean =>
  statusOf(core, index) === 'in-doubt' && core.columns.attempt[index] === attempt;

/** Whether an attempt that was given up may still end, or be taken to have ended. */
export function isWaitedFor({ ledger }: RunCore): boolean {
  for (const [, , , , dueAt] of ledger.abandoned.entries.values()) if (dueAt > 0) return true;
  return false;
}
