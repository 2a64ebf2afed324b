import type { StepKind } from '../ports/plan.js';
import type { UsageTotals } from '../ports/usage.js';
import type { StepView } from './step-view.js';
import { sumOfTotals } from './usage-totals.js';

/** What some of the steps took together. */
export interface Share {
  /** Steps that have begun. */
  readonly steps: number;
  /** Time in their attempts, in milliseconds. */
  readonly activeMs: number;
  readonly usage: UsageTotals;
}

/** Work, and what it takes to have several work on it. */
export interface Shares {
  /** Tickets, research, delegations and handoffs, and what undid them. */
  readonly work: Share;
  /** Decisions of supervisors and peers, routing, positions of a discussion, verification, reducing, gates and the synthesis. */
  readonly overhead: Share;
}

const sides: Readonly<Record<StepKind, keyof Shares>> = {
  ticket: 'work',
  research: 'work',
  delegation: 'work',
  handoff: 'work',
  compensation: 'work',
  position: 'overhead',
  route: 'overhead',
  verification: 'overhead',
  reduce: 'overhead',
  gate: 'overhead',
  synthesis: 'overhead',
};

/** A goal lasts as long as what is done for it, and is not counted beside that. */
export function sharesOf(steps: readonly StepView[]): Shares {
  const of = (side: keyof Shares): Share => {
    const chosen = steps.filter(({ kind, isGoal }) => sides[kind] === side && !isGoal);
    return {
      steps: chosen.filter(({ startedAt }) => startedAt !== undefined).length,
      activeMs: chosen.reduce((sum, { activeMs }) => sum + activeMs, 0),
      usage: sumOfTotals(chosen.map(({ usage }) => usage)),
    };
  };
  return { work: of('work'), overhead: of('overhead') };
}

export const addShares = (shares: readonly Share[]): Share => ({
  steps: shares.reduce((sum, { steps }) => sum + steps, 0),
  activeMs: shares.reduce((sum, { activeMs }) => sum + activeMs, 0),
  usage: sumOfTotals(shares.map(({ usage }) => usage)),
});
