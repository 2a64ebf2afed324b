import type { Plan } from '../ports/plan.js';

/**
 * The distinct agents that a plan's steps call, or may call where one takes over: each existing agent once, however many roles it has, and each hire. `possible`: also those
 * that are only called by steps which may be added.
 */
export function agentsOf(
  { steps, roles, templates = {} }: Pick<Plan, 'steps' | 'roles' | 'templates'>,
  { possible = false }: { readonly possible?: boolean } = {},
): ReadonlySet<string> {
  const used = new Set(steps.flatMap(({ role }) => role ?? []));
  if (possible) for (const { role } of Object.values(templates)) if (role !== undefined) used.add(role);
  const agents = new Set<string>();
  for (const role of roles) {
    if (!used.has(role.key)) continue;
    for (const fallback of role.fallbacks ?? []) agents.add(`agent ${fallback}`);
    agents.add(role.kind === 'existing' ? `agent ${role.agentId}` : `hire ${role.key}`);
  }
  return agents;
}
