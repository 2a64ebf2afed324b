import type { BudgetFact, BudgetFigure } from '../ports/budget.js';
import type { Plan } from '../ports/plan.js';
import type { RunEvent } from '../ports/run-output.js';
import { toUsd } from '../shared/money.js';

/** The ceilings of a run as they stand, money in US dollars. What is left out has none. */
export interface RunCeilings {
  readonly maxCostUsd?: number;
  readonly maxTokens?: number;
  readonly maxAttempts?: number;
  readonly maxSteps?: number;
  readonly maxDurationMs?: number;
}

type Raise = Omit<Extract<BudgetFact, { readonly type: 'budget.raised' }>, 'type'>;

/** What became of the budgets of a run. Times are milliseconds since the epoch. */
export interface BudgetView {
  /** Of the run as a whole, as they were approved or raised since. */
  readonly ceilings: RunCeilings;
  /** Ceilings that are nearly used up, oldest first, with what was spent when that was noticed. */
  readonly warnings: readonly (BudgetFigure & { readonly at: number })[];
  /** Who has raised what, oldest first. */
  readonly raises: readonly (Raise & { readonly at: number })[];
  /** Why tickets of low priority were left out; absent where none were. */
  readonly shed?: BudgetFigure & { readonly priorities: readonly string[]; readonly at: number };
}

export function budgetView({ budget }: Plan): BudgetView {
  const { maxCostMicroUsd, maxTokens, maxAttempts, maxSteps, maxDurationMs } = budget;
  const ceilings = {
    maxCostUsd: maxCostMicroUsd === undefined ? undefined : toUsd(maxCostMicroUsd),
    ...{ maxTokens, maxAttempts, maxSteps, maxDurationMs },
  };
  const given = Object.entries(ceilings).filter(([, ceiling]) => ceiling !== undefined);
  return { ceilings: Object.fromEntries(given), warnings: [], raises: [] };
}

const names = {
  USD: 'maxCostUsd',
  tokens: 'maxTokens',
  attempts: 'maxAttempts',
  steps: 'maxSteps',
  ms: 'maxDurationMs',
} as const;

type BudgetEvent = Extract<RunEvent, { readonly type: 'budget.warning' | 'budget.raised' | 'budget.shed' }>;

/** The view after one more event. */
export function applyToBudget(view: BudgetView, { runId: _runId, seq: _seq, ...event }: BudgetEvent): BudgetView {
  switch (event.type) {
    case 'budget.warning': {
      const { type: _, ...warning } = event;
      return { ...view, warnings: [...view.warnings, warning] };
    }
    case 'budget.shed': {
      const { type: _, ...shed } = event;
      return { ...view, shed };
    }
    case 'budget.raised': {
      const { type: _, ...raise } = event;
      const raised = raise.owner.kind === 'run' ? raise.ceilings.map(({ unit, to }) => [names[unit], to]) : [];
      return {
        ...view,
        ceilings: { ...view.ceilings, ...(Object.fromEntries(raised) as RunCeilings) },
        raises: [...view.raises, raise],
      };
    }
  }
}
