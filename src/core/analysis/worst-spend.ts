import { createAgentsPerStep } from './agents-per-step.js';
import { rolesAddedTo } from './growth.js';

import type { Plan, PlanStep, SpendCeiling } from '../ports/plan.js';

/** Reads one kind of spend, money or tokens. */
export interface SpendReader {
  readonly ceilingOf: (limit: SpendCeiling | undefined) => number | undefined;
  readonly estimateOf: (step: PlanStep) => number | undefined;
}

/** The most that all steps can spend of one kind, under their own, their roles' and the run's ceilings; `null` without a bound. */
export function worstSpend(plan: Plan, { ceilingOf, estimateOf }: SpendReader): number | null {
  const { steps, roles, budget } = plan;
  const byRole = new Map<string, number>();
  const agentsOfStep = createAgentsPerStep(plan);
  let goals = 0;
  for (const step of steps) {
    if (step.role === undefined) continue;
    if (step.expands !== undefined) {
      goals += Math.min(ceilingOf(step.budget) ?? Infinity, worstOfRoles(plan, rolesAddedTo(step, plan), ceilingOf));
      continue;
    }
    const estimate = estimateOf(step) ?? Infinity;
    const most = ceilingOf(step.budget) ?? estimate * step.retry.attempts * agentsOfStep(step);
    byRole.set(step.role, (byRole.get(step.role) ?? 0) + most);
  }
  const all = roles.reduce(
    (sum, { key, budget: limit }) => sum + Math.min(byRole.get(key) ?? 0, ceilingOf(limit) ?? Infinity),
    0,
  );
  const worst = Math.min(all + goals, ceilingOf(budget) ?? Infinity);
  return worst === Infinity ? null : worst;
}

/** What is added for a goal can spend what the roles may that carry it out, and has no estimate of its own. */
function worstOfRoles({ roles }: Plan, used: ReadonlySet<string | undefined>, ceilingOf: SpendReader['ceilingOf']): number {
  return roles.reduce((sum, { key, budget }) => sum + (used.has(key) ? (ceilingOf(budget) ?? Infinity) : 0), 0);
}
