import type { Plan, PlanStep } from '../ports/plan.js';

/** How many agents may be called for a step one after the other, each as often as its retries allow: that of its role, and those that take over. */
export type AgentsPerStep = (step: Pick<PlanStep, 'role' | 'effect'>) => number;

export function createAgentsPerStep({ roles }: Pick<Plan, 'roles'>): AgentsPerStep {
  const fallbacks = new Map(roles.map(({ key, fallbacks: ids = [] }) => [key, ids.length]));
  // What may happen only once is not handed on once somebody may have begun it.
  return ({ role, effect }) => (effect === 'once' ? 1 : 1 + (fallbacks.get(role ?? '') ?? 0));
}
