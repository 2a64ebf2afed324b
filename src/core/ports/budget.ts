import type { Actor } from './actor.js';

/** Whose budget it is: that of the run, of all steps of a role, or of one step. */
export type BudgetOwner =
  | { readonly kind: 'run' }
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'step'; readonly stepId: string };

/** What a ceiling counts. Money in US dollars. */
export type BudgetUnit = 'USD' | 'tokens' | 'attempts' | 'steps' | 'ms';

/** Ceilings that take the place of lower ones, money in whole micro-dollars. Steps and time are of the run only. */
export interface RaisedCeilings {
  readonly maxCostMicroUsd?: number;
  readonly maxTokens?: number;
  readonly maxAttempts?: number;
  readonly maxSteps?: number;
  readonly maxDurationMs?: number;
}

/** A budget as a person has raised it. */
export interface RaisedBudget {
  readonly owner: BudgetOwner;
  readonly ceilings: RaisedCeilings;
}

/** One ceiling and how far it is used up. */
export interface BudgetFigure {
  readonly owner: BudgetOwner;
  readonly unit: BudgetUnit;
  readonly spent: number;
  readonly ceiling: number;
}

/** A budget that runs share is close to its ceiling. Money in US dollars. */
export interface SharedBudgetFigure {
  /** `null` for all. */
  readonly tenant: string | null;
  readonly unit: 'USD' | 'tokens';
  readonly ceiling: number;
  readonly spent: number;
}

/** What is told of a budget while a run is under way. */
export type BudgetFact =
  /** So much of a ceiling is used up that somebody should know (`budget.warnAt`, 80 % by default). Told once for each ceiling. */
  | ({ readonly type: 'budget.warning' } & BudgetFigure)
  /** An attempt has spent more than it was allowed. It is charged all the same. */
  | {
      readonly type: 'budget.overrun';
      readonly stepId: string;
      readonly attempt: number;
      readonly unit: BudgetUnit;
      readonly allowed: number;
      readonly spent: number;
    }
  /** Low-priority work is left out from here on, because a ceiling of the run is near (`budget.shed`). */
  | ({ readonly type: 'budget.shed'; readonly priorities: readonly string[] } & BudgetFigure)
  /** A person, or a policy, has raised ceilings. */
  | {
      readonly type: 'budget.raised';
      readonly owner: BudgetOwner;
      readonly by: Actor;
      readonly note?: string;
      readonly ceilings: readonly { readonly unit: BudgetUnit; readonly from: number; readonly to: number }[];
    };
