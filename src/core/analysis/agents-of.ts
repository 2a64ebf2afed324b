import type { Plan } from '../ports/plan.js';

/** The distinct agents that a plan's steps call: each existing agent once, however many roles it has, and each hire. */
export function agentsOf({ steps, roles }: Pick<Plan, 'steps' | 'roles'>): ReadonlySet<string> {
  const used = new Set(steps.flatMap(({ role }) => role ?? []));
  const agents = new Set<string>();
  for (const role of roles) {
    if (used.has(role.key)) agents.add(role.kind === 'existing' ? `agent ${role.agentId}` : `hire ${role.key}`);
  }
  return agents;
}
