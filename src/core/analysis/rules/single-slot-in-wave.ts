import type { PlanStep } from '../../ports/plan.js';
import { quote } from '../../shared/issue.js';
import { listIds } from '../list-ids.js';
import type { Finding, PlanFacts, Rule } from '../rule.js';

/** Steps that could run at once, but share a role that does one thing at a time. */
export const singleSlotInWave: Rule = {
  code: 'single-slot-in-wave',
  severity: 'info',
  check(facts) {
    const roles = facts.plan.roles.filter(({ concurrency }) => concurrency === 1);
    return roles.flatMap(({ key }) => crowdedWaves(facts, key));
  },
};

function crowdedWaves({ plan, levels }: PlanFacts, role: string): Finding[] {
  const waves = new Map<number, PlanStep[]>();
  plan.steps.forEach((step, index) => {
    if (step.role !== role) return;
    const wave = waves.get(levels[index]!);
    if (wave === undefined) waves.set(levels[index]!, [step]);
    else wave.push(step);
  });
  return [...waves]
    .filter(([, steps]) => steps.length > 1)
    .sort(([a], [b]) => a - b)
    .map(([level, steps]) => ({
      message: `Wave ${level + 1} has ${steps.length} steps of role ${quote(role)}, which has a concurrency of 1, so they are meant to take turns: ${listIds(steps.map(({ id }) => id))}.`,
      stepIds: steps.map(({ id }) => id),
    }));
}
