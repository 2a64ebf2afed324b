import { approverIssues } from '../approval/approve-plan.js';
import { units, type Unit } from '../limits/funds.js';
import { nothingSpent, type SharedAccount, type SharedBudget, type SharedWarning } from '../limits/shared-account.js';
import { createSharedLedger, type CountedRun } from '../limits/shared-ledger.js';
import type { Clock } from '../ports/clock.js';
import type { Actor, RunRecordInput, RunStatus } from '../ports/run.js';
import type { RunStore } from '../ports/store.js';
import { quote, type Issue } from '../shared/issue.js';
import { toMicroUsd, toUsd } from '../shared/money.js';
import { moneyFault, tokensFault } from './check-options.js';
import { BudgetRaiseRefusedError } from './limit-errors.js';
import type { SharedCeilings, TenantBudget, TenantOptions } from './orchestrator-options.js';
import type { RunState } from './run-state.js';

/** A ceiling of a shared budget that a person, or a policy, has raised. */
export interface SharedBudgetRaise {
  readonly at: number;
  readonly by: Actor;
  readonly note?: string;
  readonly budget: SharedCeilings;
}

/** How a budget stands that runs share. Money in US dollars. */
export interface SharedBudgetFigures {
  /** As they are by now. */
  readonly ceilings: SharedCeilings;
  /** `inexact…`: how much of it is estimated, or unknown. */
  readonly spent: {
    readonly costUsd: number;
    readonly tokens: number;
    readonly inexactCostUsd: number;
    readonly inexactTokens: number;
  };
  /** What attempts under way may still spend. */
  readonly reserved: { readonly costUsd: number; readonly tokens: number };
  /** What was warned of since its ceiling was last raised. */
  readonly warnings: readonly ('USD' | 'tokens')[];
  /** Since this process has started, the newest last; at most 100. */
  readonly raises: readonly SharedBudgetRaise[];
}

/** What the runs of a tenant take together in one process, or all runs. */
export interface TenantFigures {
  /** `null` for all runs. */
  readonly tenant: string | null;
  /** Runs that this process drives. */
  readonly runs: number;
  /** Approvals that wait for their turn, because as many runs are under way as may be. */
  readonly waiting: number;
  /** Absent where they share none. */
  readonly budget?: SharedBudgetFigures;
}

export interface RaiseBudgetOptions {
  /** Left out: the budget of all runs together. */
  readonly tenant?: string;
  /** Ceilings as they shall be, each above what it is. */
  readonly budget: SharedCeilings;
  readonly by: Actor;
  readonly note?: string;
}

/** A run that this process is about to drive. */
export interface DrivenRun {
  readonly runId: string;
  readonly status: RunStatus;
  readonly journal: { readonly seq: number };
  readonly state: Pick<RunState, 'record' | 'stored' | 'purse'>;
  record(entry: RunRecordInput): Promise<void>;
}

/** Budgets over runs: of each tenant, and of all runs of the orchestrator. */
export interface SharedBudgets {
  /** Takes in what the store knows of spend. To be awaited before a run is driven. Reads the store once, and only where there are budgets. */
  load(): Promise<void>;
  /** Counts a run as it is by now, and gives its attempts what they draw on. To be called when this process comes to drive it. */
  enter(run: DrivenRun): Promise<void>;
  /** Nothing more will come of a run. */
  leave(runId: string): void;
  figures(tenant: string | undefined): SharedBudgetFigures | undefined;
  /** @throws BudgetRaiseRefusedError */
  raise(options: RaiseBudgetOptions): void;
}

export interface SharedBudgetsOptions {
  readonly budget: TenantBudget | undefined;
  readonly tenants: Readonly<Record<string, TenantOptions>>;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly onFreed: () => void;
}

/** Raises that are kept to be shown. */
const keptRaises = 100;

export function createSharedBudgets({ budget, tenants, store, clock, onFreed }: SharedBudgetsOptions): SharedBudgets {
  const own = Object.entries(tenants).flatMap(([tenant, options]) =>
    options.budget ? [[tenant, sharedBudget(options.budget)] as const] : [],
  );
  const ledger = createSharedLedger({ budget: budget && sharedBudget(budget), tenants: own, onFreed });
  const isNeeded = budget !== undefined || own.length > 0;
  const raises = new Map<SharedAccount, SharedBudgetRaise[]>();
  let loading: Promise<void> | undefined;

  /** All pages before any of it is counted: what fails half way is asked for again. */
  const countStored = async (): Promise<void> => {
    const found: (CountedRun & { readonly isOpen: boolean })[] = [];
    for (let after: string | undefined; ;) {
      const { runs, cursor } = await store.list(after === undefined ? {} : { after });
      for (const { runId, tenant, spent, open } of runs) if (spent) found.push({ runId, tenant, spent, isOpen: open });
      if (cursor === undefined) break;
      after = cursor;
    }
    found.forEach(ledger.count);
  };
  const spentBy = async ({ runId, status, journal, state: { stored } }: DrivenRun) => {
    if (status === 'proposed') return undefined;
    if (stored?.seq === journal.seq || !(isNeeded || stored?.spent)) return stored?.spent;
    // Another process has gone on with it since it was read.
    return (await store.load(runId))?.summary.spent;
  };

  return {
    async load() {
      if (!isNeeded) return;
      loading ??= countStored().catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      return loading;
    },
    async enter(run) {
      const spent = await spentBy(run);
      // A figure that others have put on record is kept up, whether or not it matters here.
      if (!isNeeded && !spent) return;
      const { runId, state } = run;
      const onWarning = (warning: SharedWarning): void => {
        // A run that cannot write has stopped, and tells that.
        run.record(warningEntry(warning, clock.now())).catch(() => undefined);
      };
      state.purse = ledger.open({ runId, tenant: state.record.tenant, spent: spent ?? nothingSpent, onWarning });
    },
    leave: ledger.close,
    figures(tenant) {
      const account = ledger.account(tenant);
      return account && figuresOf(account, raises.get(account) ?? []);
    },
    raise({ tenant, budget: wanted, by, note }) {
      const account = ledger.account(tenant);
      const issues = account ? raiseIssues(account, { wanted, by }) : [noBudget(tenant)];
      if (!account || issues.length > 0) throw new BudgetRaiseRefusedError(tenant ?? null, issues);
      const { maxCostUsd, maxTokens } = wanted;
      const raise = { at: clock.now(), by, ...(note !== undefined && { note }), budget: { ...wanted } };
      raises.set(account, [...(raises.get(account) ?? []), raise].slice(-keptRaises));
      ledger.raise(account, {
        ...(maxCostUsd !== undefined && { costMicroUsd: toMicroUsd(maxCostUsd) }),
        ...(maxTokens !== undefined && { tokens: maxTokens }),
      });
    },
  };
}

const sharedBudget = ({ maxCostUsd, maxTokens, warnAt = 0.8, onExceeded = 'pause' }: TenantBudget): SharedBudget => ({
  ceiling: { costMicroUsd: maxCostUsd === undefined ? Infinity : toMicroUsd(maxCostUsd), tokens: maxTokens ?? Infinity },
  warnAt,
  onExceeded,
});

const nameOf = (unit: Unit): 'USD' | 'tokens' => (unit === 'costMicroUsd' ? 'USD' : 'tokens');
const figureOf = (unit: Unit, amount: number): number => (unit === 'costMicroUsd' ? toUsd(amount) : amount);

const warningEntry = ({ tenant, unit, ceiling, spent }: SharedWarning, at: number): RunRecordInput => ({
  ...{ type: 'run.tenant-warned', at, tenant, unit: nameOf(unit) },
  ...{ ceiling: figureOf(unit, ceiling), spent: figureOf(unit, spent) },
});

function figuresOf({ ceiling, spent, inexact, reserved, warned }: SharedAccount, raises: readonly SharedBudgetRaise[]) {
  return {
    ceilings: {
      ...(ceiling.costMicroUsd < Infinity && { maxCostUsd: toUsd(ceiling.costMicroUsd) }),
      ...(ceiling.tokens < Infinity && { maxTokens: ceiling.tokens }),
    },
    spent: {
      ...{ costUsd: toUsd(spent.costMicroUsd), tokens: spent.tokens },
      ...{ inexactCostUsd: toUsd(inexact.costMicroUsd), inexactTokens: inexact.tokens },
    },
    reserved: { costUsd: toUsd(reserved.costMicroUsd), tokens: reserved.tokens },
    warnings: units.filter((unit) => warned.has(unit)).map(nameOf),
    raises,
  };
}

const noBudget = (tenant: string | undefined): Issue => ({
  code: 'no-budget',
  pointer: '/tenant',
  message: `There is no such budget to raise. Give it to createOrchestrator${tenant === undefined ? ' as `budget`' : ` in tenants[${quote(tenant)}]`}.`,
});

function raiseIssues(
  account: SharedAccount,
  { wanted, by }: Pick<Required<RaiseBudgetOptions>, 'by'> & { readonly wanted: SharedCeilings },
) {
  const issues = approverIssues(by).map((issue) => ({ ...issue, pointer: issue.pointer.replace('/approvedBy', '/by') }));
  const given = [
    ['maxCostUsd', wanted.maxCostUsd, 'costMicroUsd', moneyFault],
    ['maxTokens', wanted.maxTokens, 'tokens', tokensFault],
  ] as const;
  const named = given.filter(([, figure]) => figure !== undefined);
  const refuse = (name: string, message: string): void =>
    void issues.push({ code: 'not-a-raise', pointer: `/budget${name && `/${name}`}`, message });
  if (named.length === 0) refuse('', 'Name the ceiling that shall be raised: maxCostUsd, maxTokens or both.');
  for (const [name, figure, unit, faultOf] of named) {
    const fault = faultOf(figure);
    const present = figureOf(unit, account.ceiling[unit]);
    if (fault !== undefined) refuse(name, `${name} ${fault}.`);
    else if (!(figure! > present))
      refuse(
        name,
        present === Infinity
          ? `There is no ceiling ${name} to raise.`
          : `${figure} is not above the present ${name} of ${present}.`,
      );
  }
  return issues;
}
