import type { RunDefinition, StepDefinition } from '../materializer/definition.js';
import type { Allowance, Spend } from '../ports/usage.js';
import { InvariantError } from '../shared/error.js';
import { toUsd } from '../shared/money.js';
import { dimensions, openAccounts, type Account, type Dimension, type Shortfall } from './ledger-accounts.js';
import type { UndoLog } from './undo-log.js';

export type Reservation =
  | { readonly kind: 'granted'; readonly allowance: Allowance }
  /** Attempts under way hold what is missing and may give it back; `own`: attempts of this very step. */
  | { readonly kind: 'wait'; readonly own: boolean }
  | { readonly kind: 'refused'; readonly shortfall: Shortfall };

/** Figures per account (row) and dimension, and what each step holds. All of it can be rolled back. */
export interface LedgerColumns {
  readonly spent: Record<Dimension, Float64Array>;
  readonly reserved: Record<Dimension, Float64Array>;
  /** Steps of the account that have yet to be given an allowance. */
  readonly awaiting: Int32Array;
  readonly held: Record<Dimension, Float64Array>;
}

/**
 * What an attempt holds that was given up but has not ended: step, attempt, micro-dollars, tokens, and when it is taken to have
 * spent them; 0 for never.
 */
export type AbandonedAttempt = readonly [index: number, attempt: number, costMicroUsd: number, tokens: number, dueAt: number];

/**
 * Keeps spend under every ceiling: `reserve` before an attempt starts, `settle` after it ended. Because what is reserved counts
 * as gone, spent and reserved together never pass a ceiling, in whatever order results come, as long as agents keep to
 * their allowances; one that does not is charged all the same, and `overrun` tells.
 */
export interface Ledger {
  readonly columns: LedgerColumns;
  /** Attempts that were given up but have not ended, by step and attempt. */
  readonly abandoned: Map<string, AbandonedAttempt>;
  readonly accounts: readonly Account[];
  /** Those that a step draws on. */
  accountsOf(index: number): readonly Account[];
  /** By step, then by attempt: whatever is done with all of them must not depend on when each was given up. */
  abandonedInOrder(): AbandonedAttempt[];
  /** `mostMicroUsd`: what a person has let it spend. */
  reserve(index: number, mostMicroUsd?: number): Reservation;
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
}

/** `steps`: those of the definition, and whatever is added to them later. */
export function createLedger(definition: RunDefinition, steps: readonly StepDefinition[], undo: UndoLog): Ledger {
  const { accounts, accountsOf, budgetOf, adopt } = openAccounts(definition, steps);
  const columns = createColumns(accounts.length, steps.length);
  const { spent, reserved, held } = columns;
  const abandoned = new Map<string, AbandonedAttempt>();
  const free = ({ row, ceiling }: Account, dimension: Dimension): number =>
    ceiling[dimension] - at(spent[dimension], row) - at(reserved[dimension], row);
  const shortfall = (account: Account, dimension: Dimension, needed: number): Shortfall => ({
    dimension,
    account: account.owner,
    ceiling: account.ceiling[dimension],
    spent: at(spent[dimension], account.row),
    reserved: at(reserved[dimension], account.row),
    needed,
  });

  /** What the tightest account can give in one dimension: what the step's own budget has left, else an equal share. */
  const offer = (index: number, dimension: Dimension): number | Shortfall => {
    const budget = budgetOf(index);
    const own = budget && budget.ceiling[dimension] < Infinity ? free(budget, dimension) : undefined;
    // A step that may spend nothing at all may start; one that has spent what it had may not.
    if (budget && own !== undefined && own <= 0 && own < budget.ceiling[dimension]) return shortfall(budget, dimension, 0);
    let amount = own ?? Infinity;
    for (const account of accountsOf(index)) {
      const left = free(account, dimension);
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
    for (const { row } of accountsOf(index)) {
      undo.add(spent.costMicroUsd, row, spend.costMicroUsd);
      undo.add(spent.tokens, row, spend.inputTokens + spend.outputTokens);
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
  const setAbandoned = (key: string, entry: AbandonedAttempt | undefined): void => {
    const before = abandoned.get(key);
    put(abandoned, key, entry);
    undo.onRollback(() => put(abandoned, key, before));
  };
  const hasCeiling = (index: number, dimension: Dimension): boolean =>
    accountsOf(index).some(({ ceiling }) => ceiling[dimension] < Infinity);

  return {
    columns,
    abandoned,
    accounts,
    accountsOf,
    abandonedInOrder: () => [...abandoned.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    reserve(index, mostMicroUsd = Infinity) {
      const offers = dimensions.map((dimension) => offer(index, dimension));
      const short = offers.find((found) => typeof found === 'object');
      if (short && short.reserved > 0) return { kind: 'wait', own: isOwn(short.account, steps[index]!) };
      if (short) return { kind: 'refused', shortfall: short };
      const [costMicroUsd = Infinity, tokens = Infinity] = offers as readonly number[];
      // What has no ceiling is not held, and so cannot be kept to less.
      const most = costMicroUsd === Infinity ? Infinity : Math.min(costMicroUsd, mostMicroUsd);
      return { kind: 'granted', allowance: take(index, [most, tokens]) };
    },
    reserveRest: (index) =>
      take(
        index,
        dimensions.map((dimension) => Math.min(...accountsOf(index).map((account) => Math.max(0, free(account, dimension))))),
      ),
    heldAllowance: (index) => {
      const amount = (dimension: Dimension): number => (hasCeiling(index, dimension) ? at(held[dimension], index) : Infinity);
      return toAllowance(amount('costMicroUsd'), amount('tokens'));
    },
    settle(index, spend) {
      for (const dimension of dimensions) {
        unreserve(index, dimension, at(held[dimension], index));
        undo.set(held[dimension], index, 0);
      }
      charge(index, spend);
    },
    abandon(index, attempt) {
      const [costMicroUsd, tokens] = dimensions.map((dimension) => at(held[dimension], index)) as [number, number];
      setAbandoned(abandonedKey(index, attempt), [index, attempt, costMicroUsd, tokens, 0]);
      for (const dimension of dimensions) undo.set(held[dimension], index, 0);
    },
    isLimited: (index, attempt) => (abandoned.get(abandonedKey(index, attempt))?.[4] ?? 0) > 0,
    limitAbandoned(index, attempt, dueAt) {
      const key = abandonedKey(index, attempt);
      const entry = abandoned.get(key);
      if (entry) setAbandoned(key, [entry[0], entry[1], entry[2], entry[3], dueAt]);
    },
    reclaim(index, attempt) {
      const key = abandonedKey(index, attempt);
      const entry = abandoned.get(key);
      if (!entry) return false;
      setAbandoned(key, undefined);
      undo.set(held.costMicroUsd, index, entry[2]);
      undo.set(held.tokens, index, entry[3]);
      return true;
    },
    isAbandoned: (index, attempt) => abandoned.has(abandonedKey(index, attempt)),
    heldByAbandoned(index, attempt) {
      const [, , costMicroUsd = 0, tokens = 0] = abandoned.get(abandonedKey(index, attempt)) ?? [];
      if (costMicroUsd + tokens === 0) return undefined;
      return { inputTokens: tokens, outputTokens: 0, costMicroUsd, provenance: 'estimated' };
    },
    settleAbandoned(index, attempt, spend) {
      const key = abandonedKey(index, attempt);
      const entry = abandoned.get(key);
      if (!entry) throw new InvariantError(`Attempt ${attempt} of step ${index} was not given up, so it cannot end late.`);
      setAbandoned(key, undefined);
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
  };
}

/** Whether an account is the step's own, and not that of a goal that it was added for. */
const isOwn = (account: Shortfall['account'], { id }: StepDefinition): boolean =>
  account.kind === 'step' && account.stepId === id;

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** A key of {@link Ledger.abandoned}. */
export const abandonedKey = (index: number, attempt: number): string => `${index}:${attempt}`;

const at = (column: Float64Array | Int32Array, index: number): number => column[index]!;

function createColumns(accounts: number, steps: number): LedgerColumns {
  const pair = (length: number): Record<Dimension, Float64Array> => ({
    costMicroUsd: new Float64Array(length),
    tokens: new Float64Array(length),
  });
  return {
    spent: pair(accounts),
    reserved: pair(accounts),
    awaiting: new Int32Array(accounts),
    held: pair(steps),
  };
}

const toAllowance = (costMicroUsd: number, tokens: number): Allowance => ({
  ...(costMicroUsd !== Infinity && { costUsd: toUsd(costMicroUsd) }),
  ...(tokens !== Infinity && { tokens }),
});
