import type { RunDefinition, StepDefinition } from '../materializer/definition.js';
import type { Allowance, Spend } from '../ports/usage.js';
import { InvariantError } from '../shared/error.js';
import { toUsd } from '../shared/money.js';
import type { BudgetOwner, RaisedCeilings } from '../ports/budget.js';
import { createAbandonedAttempts, heldSpend, type AbandonedAttempts } from './abandoned-attempts.js';
import {
  amountOf,
  dimensions,
  isOwn,
  isShortfall,
  openAccounts,
  ownerKey,
  type Account,
  type Counted,
  type Dimension,
  type Shortfall,
} from './ledger-accounts.js';
import { createLedgerColumns, type LedgerColumns } from './ledger-columns.js';
import type { UndoLog } from './undo-log.js';

export type Reservation =
  | { readonly kind: 'granted'; readonly allowance: Allowance }
  /** Attempts under way hold what is missing and may give it back; `own`: attempts of this very step. */
  | { readonly kind: 'wait'; readonly own: boolean }
  | { readonly kind: 'refused'; readonly shortfall: Shortfall };

/** An attempt that has spent more than it held. */
export interface Overrun {
  readonly index: number;
  /** Absent for the present one. */
  readonly attempt?: number;
  readonly dimension: Dimension;
  readonly allowed: number;
  readonly spent: number;
}

export interface ReserveOptions {
  /** What a person has let it spend, in micro-dollars. */
  readonly mostMicroUsd?: number;
  /** A person has said that what was only estimated does not count against it. */
  readonly isExactOnly?: boolean;
  /** It is the present attempt once more, which was counted before. */
  readonly isAgain?: boolean;
}

/**
 * Keeps spend under every ceiling: `reserve` before an attempt starts, `settle` after it ended. Because what is reserved counts
 * as gone, spent and reserved together never pass a ceiling, in whatever order results come, as long as agents keep to
 * their allowances; one that does not is charged all the same, and `overrun` tells.
 */
export interface Ledger {
  readonly columns: LedgerColumns;
  readonly abandoned: AbandonedAttempts;
  readonly accounts: readonly Account[];
  /** Those that a step draws on. */
  accountsOf(index: number): readonly Account[];
  /** Sets aside what an attempt may spend, and counts it. */
  reserve(index: number, options?: ReserveOptions): Reservation;
  /** An attempt that was granted does not begin: it gives back what it holds, and never was. */
  giveBack(index: number, options: Pick<ReserveOptions, 'isAgain'>): void;
  /** What would keep {@link Ledger.reserve} from granting spend now; `undefined` for nothing. Changes nothing. */
  shortfallOf(index: number, isExactOnly: boolean): Shortfall | undefined;
  /** Reserves what the tightest account has left, and if that is nothing: no ceiling keeps a step from being undone. */
  reserveRest(index: number): Allowance;
  /** The attempt has ended: what it held is free, what it spent is charged. */
  settle(index: number, spend: Spend): void;
  /** What the step's attempt holds, as the allowance that it was given. */
  heldAllowance(index: number): Allowance;
  /** The attempt is given up, but may spend until it really ends: what it holds stays reserved. */
  abandon(index: number, attempt: number): void;
  /** Whether it is known when an abandoned attempt is taken to have spent what it holds. */
  isLimited(index: number, attempt: number): boolean;
  limitAbandoned(index: number, attempt: number, dueAt: number): void;
  /** An abandoned attempt is the step's again, with what it holds. Gives whether there was one. */
  reclaim(index: number, attempt: number): boolean;
  isAbandoned(index: number, attempt: number): boolean;
  /** What an abandoned attempt holds, as if it had spent it; `undefined` where it holds nothing, or has ended. */
  heldByAbandoned(index: number, attempt: number): Spend | undefined;
  /** An abandoned attempt has ended after all. */
  settleAbandoned(index: number, attempt: number, spend: Spend): void;
  /** Counts a step among those that have yet to be given an allowance (`1`), or out of them (`-1`). */
  expect(index: number, change: 1 | -1): void;
  /** A step was added, for these goals: whatever it takes, it takes out of their budgets too. */
  adopt(index: number, goals: readonly number[]): void;
  /** A ceiling of the run that has been passed. */
  overrun(): Shortfall | undefined;
  /** Puts higher ceilings in the place of those of an owner. @throws InvariantError for one that has no budget. */
  raise(owner: BudgetOwner, ceilings: RaisedCeilings): void;
  accountOf(owner: BudgetOwner): Account | undefined;
  /** How much of a ceiling is used up. */
  usedOf(account: Account, counted: Counted): number;
  /** Counts every account among those that something was charged to. */
  reviewAll(): void;
  /** Accounts that something was charged to, and attempts that spent more than they held, since they were last asked for. */
  takeNews(): { readonly charged: ReadonlySet<Account>; readonly overruns: readonly Overrun[] };
}

/** `steps`: those of the definition, and whatever is added to them later. */
export function createLedger(definition: RunDefinition, steps: readonly StepDefinition[], undo: UndoLog): Ledger {
  const { accounts, accountsOf, budgetOf, adopt } = openAccounts(definition, steps);
  const columns = createLedgerColumns(accounts.length, steps.length);
  const { spent, inexact, reserved, held, attempts } = columns;
  const abandoned = createAbandonedAttempts(undo);
  let charged = new Set<Account>();
  let overruns: Overrun[] = [];
  const free = ({ row, ceiling }: Account, dimension: Dimension, isExactOnly = false): number => {
    const forgiven = isExactOnly ? at(inexact[dimension], row) : 0;
    return ceiling[dimension] - at(spent[dimension], row) + forgiven - at(reserved[dimension], row);
  };
  const shortfall = (account: Account, dimension: Dimension, needed: number): Shortfall => ({
    dimension,
    account: account.owner,
    ceiling: account.ceiling[dimension],
    spent: at(spent[dimension], account.row),
    inexact: at(inexact[dimension], account.row),
    reserved: at(reserved[dimension], account.row),
    needed,
  });
  /** Whose ceiling does not allow another attempt. */
  const outOfAttempts = (index: number): Shortfall | undefined => {
    const account = accountsOf(index).find(({ row, ceiling }) => at(attempts, row) >= ceiling.attempts);
    const figures = account && { ceiling: account.ceiling.attempts, spent: at(attempts, account.row), inexact: 0, reserved: 0 };
    return figures && { dimension: 'attempts', account: account.owner, ...figures, needed: 1 };
  };
  const countAttempt = (index: number, change: 1 | -1): void => {
    for (const account of accountsOf(index)) {
      undo.add(attempts, account.row, change);
      if (account.ceiling.attempts < Infinity) charged.add(account);
    }
  };

  /** What the tightest account can give in one dimension: what the step's own budget has left, else an equal share. */
  const offer = (index: number, dimension: Dimension, isExactOnly: boolean): number | Shortfall => {
    const budget = budgetOf(index);
    const own = budget && budget.ceiling[dimension] < Infinity ? free(budget, dimension, isExactOnly) : undefined;
    // A step that may spend nothing at all may start; one that has spent what it had may not.
    if (budget && own !== undefined && own <= 0 && own < budget.ceiling[dimension]) return shortfall(budget, dimension, 0);
    let amount = own ?? Infinity;
    for (const account of accountsOf(index)) {
      const left = free(account, dimension, isExactOnly);
      if (left === Infinity || account === budget) continue;
      const share = own ?? Math.floor(left / Math.max(1, at(columns.awaiting, account.row)));
      if (share > left || (own === undefined && share < 1)) return shortfall(account, dimension, own ?? 0);
      amount = Math.min(amount, share);
    }
    return amount;
  };

  const hold = (index: number, dimension: Dimension, amount: number): void => {
    undo.set(held[dimension], index, amount);
    for (const { row } of accountsOf(index)) undo.add(reserved[dimension], row, amount);
  };
  const charge = (index: number, spend: Spend): void => {
    const isExact = spend.provenance === 'measured' || spend.provenance === 'provider-reported';
    for (const account of accountsOf(index)) {
      for (const dimension of dimensions) {
        const amount = amountOf(spend, dimension);
        if (amount === 0) continue;
        undo.add(spent[dimension], account.row, amount);
        if (!isExact) undo.add(inexact[dimension], account.row, amount);
        if (account.ceiling[dimension] < Infinity) charged.add(account);
      }
    }
  };
  const noteOverrun = (index: number, spend: Spend, { allowed, attempt }: Allowed): void => {
    for (const dimension of dimensions) {
      const amount = amountOf(spend, dimension);
      if (amount <= allowed[dimension] || !hasCeiling(index, dimension)) continue;
      overruns.push({ index, dimension, allowed: allowed[dimension], spent: amount, ...(attempt !== undefined && { attempt }) });
    }
  };
  /** Reserves an amount per dimension, as far as it is one. */
  const take = (index: number, [costMicroUsd = Infinity, tokens = Infinity]: readonly number[]): Allowance => {
    if (costMicroUsd !== Infinity) hold(index, 'costMicroUsd', costMicroUsd);
    if (tokens !== Infinity) hold(index, 'tokens', tokens);
    return toAllowance(costMicroUsd, tokens);
  };
  const unreserve = (index: number, dimension: Dimension, amount: number): void => {
    if (amount !== 0) for (const { row } of accountsOf(index)) undo.add(reserved[dimension], row, -amount);
  };
  const release = (index: number): void => {
    for (const dimension of dimensions) {
      unreserve(index, dimension, at(held[dimension], index));
      undo.set(held[dimension], index, 0);
    }
  };
  const findAccount = (owner: BudgetOwner): Account | undefined => {
    const key = ownerKey(owner);
    return accounts.find((account) => ownerKey(account.owner) === key);
  };
  const hasCeiling = (index: number, dimension: Dimension): boolean =>
    accountsOf(index).some(({ ceiling }) => ceiling[dimension] < Infinity);

  return {
    columns,
    abandoned,
    accounts,
    accountsOf,
    reserve(index, { mostMicroUsd = Infinity, isExactOnly = false, isAgain = false } = {}) {
      const offers = dimensions.map((dimension) => offer(index, dimension, isExactOnly));
      const short = (isAgain ? undefined : outOfAttempts(index)) ?? offers.find(isShortfall);
      if (short && short.reserved > 0) return { kind: 'wait', own: isOwn(short.account, steps[index]!) };
      if (short) return { kind: 'refused', shortfall: short };
      const [costMicroUsd = Infinity, tokens = Infinity] = offers as readonly number[];
      // What has no ceiling is not held, and so cannot be kept to less.
      const most = costMicroUsd === Infinity ? Infinity : Math.min(costMicroUsd, mostMicroUsd);
      if (!isAgain) countAttempt(index, 1);
      return { kind: 'granted', allowance: take(index, [most, tokens]) };
    },
    shortfallOf: (index, isExactOnly) => dimensions.map((dimension) => offer(index, dimension, isExactOnly)).find(isShortfall),
    giveBack(index, { isAgain = false }) {
      release(index);
      if (!isAgain) countAttempt(index, -1);
    },
    reserveRest(index) {
      countAttempt(index, 1);
      return take(
        index,
        dimensions.map((dimension) => Math.min(...accountsOf(index).map((account) => Math.max(0, free(account, dimension))))),
      );
    },
    heldAllowance: (index) => {
      const amount = (dimension: Dimension): number => (hasCeiling(index, dimension) ? at(held[dimension], index) : Infinity);
      return toAllowance(amount('costMicroUsd'), amount('tokens'));
    },
    settle(index, spend) {
      noteOverrun(index, spend, { allowed: { costMicroUsd: at(held.costMicroUsd, index), tokens: at(held.tokens, index) } });
      release(index);
      charge(index, spend);
    },
    abandon(index, attempt) {
      const [costMicroUsd, tokens] = dimensions.map((dimension) => at(held[dimension], index)) as [number, number];
      abandoned.put([index, attempt, costMicroUsd, tokens, 0]);
      for (const dimension of dimensions) undo.set(held[dimension], index, 0);
    },
    isLimited: (index, attempt) => (abandoned.find(index, attempt)?.[4] ?? 0) > 0,
    limitAbandoned(index, attempt, dueAt) {
      const entry = abandoned.find(index, attempt);
      if (entry) abandoned.put([entry[0], entry[1], entry[2], entry[3], dueAt]);
    },
    reclaim(index, attempt) {
      const entry = abandoned.find(index, attempt);
      if (!entry) return false;
      abandoned.drop(index, attempt);
      undo.set(held.costMicroUsd, index, entry[2]);
      undo.set(held.tokens, index, entry[3]);
      return true;
    },
    isAbandoned: (index, attempt) => abandoned.find(index, attempt) !== undefined,
    heldByAbandoned: (index, attempt) => heldSpend(abandoned.find(index, attempt)),
    settleAbandoned(index, attempt, spend) {
      const entry = abandoned.find(index, attempt);
      if (!entry) throw new InvariantError(`Attempt ${attempt} of step ${index} was not given up, so it cannot end late.`);
      abandoned.drop(index, attempt);
      noteOverrun(index, spend, { attempt, allowed: { costMicroUsd: entry[2], tokens: entry[3] } });
      unreserve(index, 'costMicroUsd', entry[2]);
      unreserve(index, 'tokens', entry[3]);
      charge(index, spend);
    },
    expect(index, change) {
      for (const { row } of accountsOf(index)) undo.add(columns.awaiting, row, change);
    },
    adopt,
    overrun() {
      const run = accounts[0]!;
      const passed = dimensions.find((dimension) => at(spent[dimension], run.row) > run.ceiling[dimension]);
      return passed && shortfall(run, passed, 0);
    },
    raise(owner, { maxCostMicroUsd, maxTokens, maxAttempts }) {
      const account = findAccount(owner);
      if (!account) throw new InvariantError(`There is no budget of ${ownerKey(owner)} that could be raised.`);
      const before = { ...account.ceiling };
      undo.onRollback(() => Object.assign(account.ceiling, before));
      if (maxCostMicroUsd !== undefined) account.ceiling.costMicroUsd = maxCostMicroUsd;
      if (maxTokens !== undefined) account.ceiling.tokens = maxTokens;
      if (maxAttempts !== undefined) account.ceiling.attempts = maxAttempts;
    },
    accountOf: findAccount,
    usedOf: ({ row }, counted) => (counted === 'attempts' ? at(attempts, row) : at(spent[counted], row)),
    reviewAll: () => void (charged = new Set(accounts)),
    takeNews() {
      const news = { charged, overruns };
      [charged, overruns] = [new Set(), []];
      return news;
    },
  };
}

interface Allowed {
  readonly allowed: Readonly<Record<Dimension, number>>;
  readonly attempt?: number;
}

const at = (column: Float64Array | Int32Array, index: number): number => column[index]!;

const toAllowance = (costMicroUsd: number, tokens: number): Allowance => ({
  ...(costMicroUsd !== Infinity && { costUsd: toUsd(costMicroUsd) }),
  ...(tokens !== Infinity && { tokens }),
});
