import type { RunDefinition, StepDefinition } from '../materializer/definition.js';
import type { SpendCeiling } from '../ports/plan.js';
import type { BudgetOwner } from '../ports/budget.js';
import type { Spend } from '../ports/usage.js';

/** One thing that a ceiling is set on. Money counts in micro-dollars. */
export type Dimension = 'costMicroUsd' | 'tokens';
export const dimensions: readonly Dimension[] = ['costMicroUsd', 'tokens'];
/** What an account counts: spend, which is set aside before it is made, and attempts, of which there is one at a time. */
export type Counted = Dimension | 'attempts';

/** Why a step may not start: which ceiling, and the figures. */
export interface Shortfall {
  readonly dimension: Counted | 'steps' | 'durationMs';
  /** Whose ceiling it is: the run's, a role's, or the step's own. */
  readonly account: BudgetOwner;
  readonly ceiling: number;
  readonly spent: number;
  /** The part of it that nobody has measured: it can make a run wait for a person, but never end it. */
  readonly inexact: number;
  readonly reserved: number;
  /** What the step has declared that it needs; 0 for a step that would have taken a share of what is left. */
  readonly needed: number;
}

/** Whatever has ceilings. */
export interface Account {
  readonly owner: BudgetOwner;
  /** Infinite for none. */
  readonly ceiling: Record<Counted, number>;
  /** Position of the account's figures in the columns. */
  readonly row: number;
}

const ceilingsOf = (limit: SpendCeiling): Record<Counted, number> => ({
  costMicroUsd: limit.maxCostMicroUsd ?? Infinity,
  tokens: limit.maxTokens ?? Infinity,
  attempts: limit.maxAttempts ?? Infinity,
});

/** What of a spend counts in a dimension. */
export const amountOf = ({ inputTokens, outputTokens, costMicroUsd }: Spend, dimension: Dimension): number =>
  dimension === 'tokens' ? inputTokens + outputTokens : costMicroUsd;

export const isShortfall = (offered: number | Shortfall): offered is Shortfall => typeof offered === 'object';

/** Whether an account is the step's own, and not that of a goal that it was added for. */
export const isOwn = (account: BudgetOwner, { id }: StepDefinition): boolean => account.kind === 'step' && account.stepId === id;

/** Names an owner, as a key. */
export const ownerKey = (owner: BudgetOwner): string => JSON.stringify(owner);

/** The run's account first, then one per role and one per step that has a ceiling of its own. */
export function openAccounts({ budget, roles }: RunDefinition, steps: readonly StepDefinition[]) {
  const accounts: Account[] = [];
  const open = (owner: Account['owner'], limit: SpendCeiling): Account => {
    const account = { owner, ceiling: ceilingsOf(limit), row: accounts.length };
    accounts.push(account);
    return account;
  };
  const run = open({ kind: 'run' }, budget);
  const byRole = new Map<string, readonly Account[]>();
  for (const { key, budget: limit } of roles) if (limit) byRole.set(key, [run, open({ kind: 'role', role: key }, limit)]);
  const own = new Map<number, Account>();
  const byStep = new Map<number, readonly Account[]>();
  const alone: readonly Account[] = [run];
  const shared = (index: number): readonly Account[] => byRole.get(steps[index]?.role ?? '') ?? alone;
  steps.forEach(({ id, budget: limit }, index) => {
    if (!limit) return;
    const account = open({ kind: 'step', stepId: id }, limit);
    own.set(index, account);
    byStep.set(index, [...shared(index), account]);
  });
  return {
    accounts,
    accountsOf: (index: number): readonly Account[] => byStep.get(index) ?? shared(index),
    budgetOf: (index: number): Account | undefined => own.get(index),
    adopt(index: number, goals: readonly number[]): void {
      const around = goals.flatMap((goal) => own.get(goal) ?? []);
      // A row may be used again, where what was added to it was taken back.
      if (around.length > 0) byStep.set(index, [...shared(index), ...around]);
      else byStep.delete(index);
    },
  };
}
