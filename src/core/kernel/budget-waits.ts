import type { StoredError } from '../ports/run.js';
import { budgetError } from './budget-errors.js';
import { isEstimateForgiven } from './budget-gates.js';
import { isOwn, type Shortfall } from './ledger-accounts.js';
import { callsAgent, compareReady, isOver, statusOf, stepOf, type RunCore } from './run-core.js';

/** A step that may start as soon as attempts under way give back what they hold. */
export interface HeldBack {
  readonly stepId: string;
  /** 1 for what starts next. */
  readonly place: number;
  readonly of: number;
  /** The budget and its figures. */
  readonly error: StoredError;
}

/**
 * Why the kernel has not asked for steps that are ready: the first of them does not get its reservation, and the others stand behind it. One that waits for an
 * attempt of its own, that was given up and has not ended, holds up nobody.
 */
export function budgetWaitsOf(core: RunCore): readonly HeldBack[] {
  if (core.run.stop || core.run.pause === 'paused' || isOver(core)) return [];
  const ready = core.steps.flatMap((_, index) => (isHeldBack(core, index) ? [index] : []));
  const own = new Map(ready.flatMap((index) => ownShortfall(core, index)));
  const line = ready.filter((index) => !own.has(index)).sort((one, other) => compareReady(core, one, other));
  const first = line[0];
  const shortfall = first === undefined ? undefined : shortfallOf(core, first);
  const error = shortfall && budgetError(shortfall, stepOf(core, first!).id);
  const behind = error
    ? line.map((index, at) => ({ stepId: stepOf(core, index).id, place: at + 1, of: line.length, error }))
    : [];
  return [...behind, ...Array.from(own, ([index, of]) => ({ stepId: stepOf(core, index).id, place: 1, of: 1, error: of }))];
}

const isHeldBack = (core: RunCore, index: number): boolean =>
  core.columns.issued[index] === 0 && statusOf(core, index) === 'ready';

const shortfallOf = (core: RunCore, index: number): Shortfall | undefined =>
  callsAgent(stepOf(core, index)) ? core.ledger.shortfallOf(index, isEstimateForgiven(core, index)) : undefined;

function ownShortfall(core: RunCore, index: number): (readonly [number, StoredError])[] {
  const step = stepOf(core, index);
  const shortfall = step.budget && shortfallOf(core, index);
  const waits = shortfall && shortfall.reserved > 0 && isOwn(shortfall.account, step);
  return waits ? [[index, budgetError(shortfall, step.id)]] : [];
}
