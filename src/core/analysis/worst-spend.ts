import type { Plan, PlanStep, SpendCeiling } from '../ports/plan.js';

/** Reads one kind of spend, money or tokens. */
export interface SpendReader {
  readonly ceilingOf: (limit: SpendCeiling | undefined) => number | undefined;
  readonly estimateOf: (step: PlanStep) => number | undefined;
}

/** The most that all steps can spend of one kind, under their own, their roles' and the run's ceilings; `null` without a bound. */
export function worstSpend({ steps, roles, budget }: Plan, { ceilingOf, estimateOf }: SpendReader): number | null {
  const byRole = new Map<string, number>();
  for (const step of steps) {
    if (step.role === undefined) continue;
    const estimate = estimateOf(step) ?? Infinity;
    const most = ceilingOf(step.budget) ?? estimate * step.retry.attempts;
    byRole.set(step.role, (byRole.get(step.role) ?? 0) + most);
  }
  const all = roles.reduce(
    (sum, { key, budget: limit }) => sum + Math.min(byRole.get(key) ?? 0, ceilingOf(limit) ?? Infinity),
    0,
  );
  const worst = Math.min(all, ceilingOf(budget) ?? Infinity);
  return worst === Infinity ? null : worst;
}
