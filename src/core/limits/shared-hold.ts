import type { SharedSpend } from '../ports/store.js';
import type { Allowance, Spend } from '../ports/usage.js';
import { toMicroUsd, toUsd } from '../shared/money.js';
import { units, type Funds, type Shortfall, type Unit } from './funds.js';
import { leftOf, nothingSpent, plus, sharedSpendOf, shortfallOf, type Amounts, type SharedAccount } from './shared-account.js';

/** What one attempt is given out of budgets that runs share, from the time that it waits to the time that it has ended. */
export interface SharedHold extends Funds {
  /** It begins: gives what it may spend, the least that any ceiling allows. */
  begin(): Allowance;
  /** It begins, whatever is left: no ceiling keeps a step from being undone. */
  beginAnyhow(): Allowance;
  /** It was aborted and has not ended: it is taken to have spent all that it holds, until it does end. */
  giveUp(): void;
  /** It has ended, and has spent this. */
  settle(spend: Spend): void;
}

export interface SharedHoldOptions {
  readonly accounts: readonly SharedAccount[];
  /** What its own run allows it. */
  readonly allowance: Allowance;
  readonly charge: (spent: SharedSpend) => void;
  /** Something may begin that could not before. */
  readonly freed: () => void;
}

/**
 * How many attempts what is left is to be enough for, at least, where no plan says what one of them may spend: without that, one alone would
 * hold everything, and whatever comes next would wait until it has ended.
 */
const leastSharers = 10;

export function createSharedHold({ accounts, allowance, charge, freed }: SharedHoldOptions): SharedHold {
  const allowed: Amounts = {
    costMicroUsd: allowance.costUsd === undefined ? Infinity : toMicroUsd(allowance.costUsd),
    tokens: allowance.tokens ?? Infinity,
  };
  const limited = units.filter((unit) => accounts.some(({ ceiling }) => ceiling[unit] < Infinity));
  const held: Record<Unit, number> = { costMicroUsd: 0, tokens: 0 };
  let isTaken = false;
  let hasBegun = false;
  let hasEnded = false;
  /** What it was charged when it was given up. */
  let guessed: SharedSpend | undefined;

  const reserve = (unit: Unit, amount: number): void => {
    held[unit] += amount;
    for (const { reserved } of accounts) reserved[unit] += amount;
  };
  const unreserve = (): void => {
    for (const unit of limited) reserve(unit, -held[unit]);
    isTaken = false;
  };
  const shareOf = (account: SharedAccount, unit: Unit): number => {
    const left = leftOf(account, unit);
    if (left === Infinity) return Infinity;
    const sharers = Math.max(account.awaiting, allowed[unit] === Infinity ? leastSharers : 1);
    // Less than one of anything is no use to anybody.
    return Math.max(Math.min(1, left), Math.floor(left / sharers));
  };
  const lower = (): Allowance => {
    const least = (unit: Unit): number => (limited.includes(unit) ? Math.min(allowed[unit], held[unit]) : allowed[unit]);
    const [costMicroUsd, tokens] = [least('costMicroUsd'), least('tokens')];
    return {
      ...(costMicroUsd !== Infinity && { costUsd: toUsd(costMicroUsd) }),
      ...(tokens !== Infinity && { tokens }),
    };
  };

  const hold: SharedHold = {
    standing() {
      let short: Shortfall | undefined;
      let mustWait = false;
      for (const unit of limited)
        for (const account of accounts) {
          // What may spend nothing at all needs nothing.
          if (allowed[unit] === 0 || leftOf(account, unit) >= 1) continue;
          if (account.reserved[unit] > 0) mustWait = true;
          else short ??= shortfallOf(account, unit);
        }
      return short ?? (mustWait ? 'wait' : 'free');
    },
    expect(change) {
      for (const account of accounts) account.awaiting += change;
    },
    take() {
      isTaken = true;
      for (const unit of limited)
        reserve(unit, Math.max(0, Math.min(allowed[unit], ...accounts.map((account) => shareOf(account, unit)))));
    },
    leave() {
      if (!isTaken || hasBegun) return;
      unreserve();
      freed();
    },
    begin() {
      hasBegun = true;
      return lower();
    },
    beginAnyhow() {
      hasBegun = true;
      for (const unit of limited)
        reserve(unit, Math.max(0, Math.min(allowed[unit], ...accounts.map((account) => leftOf(account, unit)))));
      return lower();
    },
    giveUp() {
      if (!hasBegun || hasEnded || guessed) return;
      guessed = sharedSpendOf({
        ...{ inputTokens: held.tokens, outputTokens: 0, costMicroUsd: held.costMicroUsd },
        provenance: 'estimated',
      });
      unreserve();
      charge(guessed);
      freed();
    },
    settle(spend) {
      if (hasEnded) return;
      hasEnded = true;
      unreserve();
      charge(plus(sharedSpendOf(spend), guessed ?? nothingSpent, -1));
      freed();
    },
  };
  return hold;
}
