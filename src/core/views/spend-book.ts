import type { Plan } from '../ports/plan.js';
import type { Spend, UsageTotals } from '../ports/usage.js';
import type { StepState } from './fold-step.js';
import { addSpend, createSpendSum, totalsOf, type SpendSum } from './usage-totals.js';

/** What a run has spent, by who has spent it. */
export interface SpendBook {
  /** These agents fill these roles from now on. */
  assign(roles: Iterable<{ readonly role?: string; readonly agentId?: string }>): void;
  /** Charges what an attempt has spent, to its step too. */
  charge(step: StepState, attempt: { readonly attempt: number; readonly spend: Spend }): void;
  views(): {
    readonly usage: UsageTotals;
    readonly usageByRole: Readonly<Record<string, UsageTotals>>;
    readonly usageByAgent: Readonly<Record<string, UsageTotals>>;
  };
  save(): SavedSpend;
}

type Sums = readonly (readonly [string, SpendSum])[];

/** A spend book as plain data. */
export interface SavedSpend {
  readonly total: SpendSum;
  readonly byRole: Sums;
  /** Absent in what was saved by versions that did not know it. */
  readonly byAgent?: Sums;
  /** Who fills each role; absent in what was saved by versions that did not keep it. */
  readonly agents?: readonly (readonly [role: string, agentId: string])[];
}

export function createSpendBook({ steps }: Pick<Plan, 'steps'>, saved: SavedSpend | undefined): SpendBook {
  const total = { ...createSpendSum(), ...saved?.total };
  const byRole = copied(saved?.byRole);
  const byAgent = copied(saved?.byAgent);
  const agents = new Map(saved?.agents);
  const undoneBy = new Map(steps.map(({ id, compensation }) => [id, compensation?.role]));
  const agentOf = (step: StepState, attempt: number): string | undefined => {
    // Attempts to undo a step count on from those at it.
    if (attempt > step.attempts) return agents.get(undoneBy.get(step.id) ?? step.role ?? '');
    return step.takenOver?.find((change) => attempt < change.attempt)?.from ?? step.agentId;
  };
  return {
    assign(roles) {
      for (const { role, agentId } of roles) if (role !== undefined && agentId !== undefined) agents.set(role, agentId);
    },
    charge(step, { attempt, spend }) {
      addSpend(total, spend);
      addSpend(step.spent, spend);
      step.usage = totalsOf(step.spent);
      add(byRole, step.role, spend);
      add(byAgent, agentOf(step, attempt), spend);
    },
    views: () => ({ usage: totalsOf(total), usageByRole: viewsOf(byRole), usageByAgent: viewsOf(byAgent) }),
    save: () => ({ total, byRole: [...byRole], byAgent: [...byAgent], agents: [...agents] }),
  };
}

const copied = (sums: Sums = []): Map<string, SpendSum> => new Map(sums.map(([key, sum]) => [key, { ...sum }]));

function add(sums: Map<string, SpendSum>, key: string | undefined, spend: Spend): void {
  if (key === undefined) return;
  let sum = sums.get(key);
  if (!sum) sums.set(key, (sum = createSpendSum()));
  addSpend(sum, spend);
}

const viewsOf = (sums: ReadonlyMap<string, SpendSum>): Record<string, UsageTotals> =>
  Object.fromEntries(Array.from(sums, ([key, sum]) => [key, totalsOf(sum)]));
