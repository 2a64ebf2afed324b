import type { SharedSpend } from '../ports/store.js';
import type { Allowance } from '../ports/usage.js';
import { createSharedHold, type SharedHold } from './shared-hold.js';
import {
  chargeAccount,
  newWarnings,
  nothingSpent,
  openAccount,
  plus,
  type Amounts,
  type SharedAccount,
  type SharedBudget,
  type SharedWarning,
} from './shared-account.js';

/** A run as the ledger counts it: what it has spent so far, of budgets that it shares with others. */
export interface CountedRun {
  readonly runId: string;
  readonly tenant: string | undefined;
  readonly spent: SharedSpend;
}

/** What the attempts of one run draw on. */
export interface Purse {
  /** What the run has spent so far. */
  readonly spent: SharedSpend;
  /** For one attempt that its own run allows so much. */
  hold(allowance: Allowance): SharedHold;
  /** Charges what no attempt held. */
  charge(spent: SharedSpend): void;
}

export interface OpenedRun extends CountedRun {
  readonly onWarning: (warning: SharedWarning) => void;
}

/**
 * Keeps the spend of many runs under the ceilings that they share: of a tenant, and of all together. What an attempt may spend is set aside
 * before it begins, and what it has spent is charged when it ends, so that both together never pass a ceiling as long as agents keep to their
 * allowances. One that does not is charged all the same, and nothing begins after it.
 */
export interface SharedLedger {
  /** Takes in what a run has spent that nobody drives here. */
  count(run: CountedRun & { readonly isOpen: boolean }): void;
  /** From here on the run is driven here: what is known of it by now takes the place of what was counted. */
  open(run: OpenedRun): Purse;
  /** Nothing more will come of the run; what it has spent stays counted. */
  close(runId: string): void;
  /** The account of a tenant, or of all runs together. */
  account(tenant: string | undefined): SharedAccount | undefined;
  /** Sets ceilings anew; what is not named stays. */
  raise(account: SharedAccount, ceiling: Partial<Amounts>): void;
}

export interface SharedLedgerOptions {
  /** Of all runs together. */
  readonly budget: SharedBudget | undefined;
  readonly tenants: Iterable<readonly [string, SharedBudget]>;
  /** Something may begin that could not before. */
  readonly onFreed: () => void;
}

export function createSharedLedger({ budget, tenants, onFreed }: SharedLedgerOptions): SharedLedger {
  const all = budget && openAccount(null, budget);
  const byTenant = new Map(Array.from(tenants, ([tenant, own]) => [tenant, openAccount(tenant, own)] as const));
  /** What is counted of runs that may come to spend more. */
  const counted = new Map<string, () => SharedSpend>();
  const accountsOf = (tenant: string | undefined): readonly SharedAccount[] => {
    const own = tenant === undefined ? undefined : byTenant.get(tenant);
    return [own, all].filter((account) => account !== undefined);
  };
  const freed = (accounts: readonly SharedAccount[]): void => {
    if (accounts.some(({ awaiting }) => awaiting > 0)) onFreed();
  };

  return {
    count({ runId, tenant, spent, isOpen }) {
      for (const account of accountsOf(tenant)) {
        chargeAccount(account, spent);
        // What was spent before is no news.
        newWarnings(account);
      }
      if (isOpen) counted.set(runId, () => spent);
    },
    open({ runId, tenant, spent: before, onWarning }) {
      const accounts = accountsOf(tenant);
      const known = counted.get(runId)?.() ?? nothingSpent;
      for (const account of accounts) {
        chargeAccount(account, plus(before, known, -1));
        newWarnings(account);
      }
      let spent = before;
      const charge = (amount: SharedSpend): void => {
        spent = plus(spent, amount);
        for (const account of accounts) {
          chargeAccount(account, amount);
          newWarnings(account).forEach(onWarning);
        }
      };
      counted.set(runId, () => spent);
      return {
        get spent() {
          return spent;
        },
        charge,
        hold: (allowance) => createSharedHold({ accounts, allowance, charge, freed: () => freed(accounts) }),
      };
    },
    close: (runId) => void counted.delete(runId),
    account: (tenant) => (tenant === undefined ? all : byTenant.get(tenant)),
    raise(account, ceiling) {
      Object.assign(account.ceiling, ceiling);
      for (const unit of account.warned)
        if (account.spent[unit] < account.budget.warnAt * account.ceiling[unit]) account.warned.delete(unit);
      if (account.awaiting > 0) onFreed();
    },
  };
}
