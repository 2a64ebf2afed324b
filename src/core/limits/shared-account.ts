import type { SharedSpend } from '../ports/store.js';
import type { Spend } from '../ports/usage.js';
import { units, type Shortfall, type Unit } from './funds.js';

export type Amounts = Readonly<Record<Unit, number>>;

/** A budget with every default filled in; a unit without a ceiling has an infinite one. */
export interface SharedBudget {
  readonly ceiling: Amounts;
  /** Share of a ceiling from which on it is warned of. */
  readonly warnAt: number;
  readonly onExceeded: 'fail' | 'pause';
}

/** A share of a ceiling was spent that is to be told. */
export interface SharedWarning {
  readonly tenant: string | null;
  readonly unit: Unit;
  readonly ceiling: number;
  readonly spent: number;
}

/** A budget that runs share, and what became of it. */
export interface SharedAccount {
  readonly tenant: string | null;
  readonly budget: SharedBudget;
  readonly ceiling: Record<Unit, number>;
  readonly spent: Record<Unit, number>;
  /** How much of what was spent is estimated, or was told by nobody who knows. */
  readonly inexact: Record<Unit, number>;
  readonly reserved: Record<Unit, number>;
  /** Attempts that wait for their turn. */
  awaiting: number;
  /** Units that were warned of since their ceiling was last raised. */
  readonly warned: Set<Unit>;
}

export const nothingSpent: SharedSpend = { costMicroUsd: 0, tokens: 0, inexactMicroUsd: 0, inexactTokens: 0 };

const zero = (): Record<Unit, number> => ({ costMicroUsd: 0, tokens: 0 });

export const openAccount = (tenant: string | null, budget: SharedBudget): SharedAccount => ({
  tenant,
  budget,
  ceiling: { ...budget.ceiling },
  spent: zero(),
  inexact: zero(),
  reserved: zero(),
  awaiting: 0,
  warned: new Set(),
});

export const leftOf = ({ ceiling, spent, reserved }: SharedAccount, unit: Unit): number =>
  ceiling[unit] - spent[unit] - reserved[unit];

/** What is to be told of an account, if its spend has just come to that. */
export function newWarnings(account: SharedAccount): SharedWarning[] {
  const { tenant, ceiling, spent, budget, warned } = account;
  const crossed = units.filter(
    (unit) => ceiling[unit] < Infinity && !warned.has(unit) && spent[unit] > 0 && spent[unit] >= budget.warnAt * ceiling[unit],
  );
  return crossed.map((unit) => {
    warned.add(unit);
    return { tenant, unit, ceiling: ceiling[unit], spent: spent[unit] };
  });
}

export function shortfallOf(account: SharedAccount, unit: Unit): Shortfall {
  const { tenant, ceiling, spent, inexact, reserved, budget } = account;
  return {
    tenant,
    unit,
    ceiling: ceiling[unit],
    spent: spent[unit],
    reserved: reserved[unit],
    onExceeded: budget.onExceeded,
    isExact: ceiling[unit] - (spent[unit] - inexact[unit]) < 1,
  };
}

/** Adds what was spent, or takes it back. */
export function chargeAccount({ spent, inexact }: SharedAccount, amount: SharedSpend, sign: 1 | -1 = 1): void {
  spent.costMicroUsd += sign * amount.costMicroUsd;
  spent.tokens += sign * amount.tokens;
  inexact.costMicroUsd += sign * amount.inexactMicroUsd;
  inexact.tokens += sign * amount.inexactTokens;
}

export function sharedSpendOf({ inputTokens, outputTokens, costMicroUsd, provenance }: Spend): SharedSpend {
  const tokens = inputTokens + outputTokens;
  const isExact = provenance === 'measured' || provenance === 'provider-reported';
  return { costMicroUsd, tokens, inexactMicroUsd: isExact ? 0 : costMicroUsd, inexactTokens: isExact ? 0 : tokens };
}

export const plus = (one: SharedSpend, other: SharedSpend, sign: 1 | -1 = 1): SharedSpend => ({
  costMicroUsd: one.costMicroUsd + sign * other.costMicroUsd,
  tokens: one.tokens + sign * other.tokens,
  inexactMicroUsd: one.inexactMicroUsd + sign * other.inexactMicroUsd,
  inexactTokens: one.inexactTokens + sign * other.inexactTokens,
});
