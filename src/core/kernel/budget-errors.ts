import type { BudgetOwner, BudgetUnit } from '../ports/budget.js';
import type { StoredError } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import { toUsd } from '../shared/money.js';
import type { Shortfall } from './ledger-accounts.js';

const units: Readonly<Record<Shortfall['dimension'], BudgetUnit>> = {
  costMicroUsd: 'USD',
  tokens: 'tokens',
  attempts: 'attempts',
  steps: 'steps',
  durationMs: 'ms',
};

/** A figure as it is told: with its unit, money in US dollars. */
export const unitOf = (dimension: Shortfall['dimension']): BudgetUnit => units[dimension];
export const shown = (dimension: Shortfall['dimension'], amount: number): number =>
  dimension === 'costMicroUsd' ? toUsd(amount) : amount;

/** Whether what is missing is missing by what was measured alone; what was only estimated is no reason to end anything. */
export const isExact = ({ ceiling, spent, inexact, needed }: Shortfall): boolean =>
  ceiling - (spent - inexact) < Math.max(1, needed);

function nameOf(account: BudgetOwner): string {
  if (account.kind === 'run') return 'the run';
  return account.kind === 'role' ? `role ${quote(account.role)}` : `step ${quote(account.stepId)}`;
}

/** A shortfall as a stored error, with every figure in it. */
export function budgetError({ dimension, account, inexact, ...figures }: Shortfall, stepId?: string): StoredError {
  const unit = unitOf(dimension);
  const { ceiling, spent, reserved, needed } = Object.fromEntries(
    Object.entries(figures).map(([name, amount]) => [name, shown(dimension, amount)]),
  ) as typeof figures;
  const wanted = needed > 0 ? ` and ${needed} more are needed` : '';
  const where = stepId === undefined ? '' : ` before step ${quote(stepId)}`;
  const estimated = inexact > 0 ? `, ${shown(dimension, inexact)} of them only estimated` : '';
  return {
    code: 'BUDGET_EXCEEDED',
    message: `The budget of ${nameOf(account)} is exhausted${where}: ${spent} of ${ceiling} ${unit} are spent${estimated}, ${reserved} reserved${wanted}.`,
    ...{ dimension, unit, ceiling, spent, reserved, needed },
    ...(inexact > 0 && { inexact: shown(dimension, inexact) }),
    ...(account.kind === 'role' && { role: account.role }),
    ...(stepId !== undefined && { stepId }),
  };
}

/** {@link budgetError} for whoever is asked what to do about it. */
export function askedBudgetError(shortfall: Shortfall, stepId?: string): StoredError {
  const { code, message, ...facts } = budgetError(shortfall, stepId);
  const { account } = shortfall;
  const whose =
    account.kind === 'run'
      ? ''
      : account.kind === 'role'
        ? `, role: ${quote(account.role)}`
        : `, stepId: ${quote(account.stepId)}`;
  return {
    code,
    message: `${message} Raise it with run.raiseBudget({ budget: …, by: …${whose} }), or end what is waiting for it.`,
    ...facts,
  };
}
