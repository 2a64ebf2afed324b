import type { Plan, PlanBudget, PlanContext, PlanRole } from '../ports/plan.js';
import type { OrchestrationProposal, Role } from '../ports/proposal.js';
import { copyJson } from '../shared/copy-json.js';
import { inOrder, spendCeiling } from './step-defaults.js';

/** What of a proposal stands in its plan's head. */
type HeadOf = Pick<OrchestrationProposal, 'goal' | 'roles' | 'resources' | 'metadata' | 'context' | 'budget'>;

/** What a plan says beside its steps, with every default filled in; nothing in it is shared with the proposal. */
export function planHead(proposal: HeadOf): Pick<Plan, 'goal' | 'context' | 'roles' | 'budget' | 'resources' | 'metadata'> {
  const { goal, roles, resources = {}, metadata } = proposal;
  const byKey = new Map(roles.map((role) => [role.key, role]));
  return {
    goal,
    context: planContext(proposal),
    roles: inOrder(byKey.keys()).flatMap((key) => planRole(byKey.get(key)!)),
    budget: planBudget(proposal),
    resources: copyJson(resources),
    ...(metadata !== undefined && { metadata: copyJson(metadata) }),
  };
}

const planContext = ({ context = {} }: HeadOf): PlanContext => ({
  parentTicket: context.parentTicket ?? null,
  channel: context.channel ?? null,
  repositories: [...(context.repositories ?? [])],
  scope: copyJson(context.scope ?? {}),
});

function planRole({ budget, clear = true, tools = [], ...role }: Role): PlanRole {
  return { ...copyJson(role), clear, tools: inOrder(tools), ...(budget !== undefined && { budget: spendCeiling(budget) }) };
}

function planBudget({ budget = {} }: HeadOf): PlanBudget {
  const { maxCostUsd: _, onExceeded = 'fail', ...ceilings } = budget;
  return { ...ceilings, ...spendCeiling(budget), onExceeded };
}
