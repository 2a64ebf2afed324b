import type { Plan, PlanBudget, PlanContext, PlanRole } from '../ports/plan.js';
import type { PlanPolicy, PolicySpec } from '../ports/policy.js';
import type { OrchestrationProposal, Priority, Role, ShedPolicy } from '../ports/proposal.js';
import { copyJson } from '../shared/copy-json.js';
import { toMicroUsd } from '../shared/money.js';
import { inOrder, spendCeiling } from './step-defaults.js';

/** What of a proposal stands in its plan's head. */
type HeadOf = Pick<OrchestrationProposal, 'goal' | 'roles' | 'resources' | 'policies' | 'metadata' | 'context' | 'budget'>;

/** What a plan says beside its steps, with every default filled in; nothing in it is shared with the proposal. */
export function planHead(
  proposal: HeadOf,
): Pick<Plan, 'goal' | 'context' | 'roles' | 'budget' | 'resources' | 'policies' | 'metadata'> {
  const { goal, roles, resources = {}, policies = [], metadata } = proposal;
  const byKey = new Map(roles.map((role) => [role.key, role]));
  return {
    goal,
    context: planContext(proposal),
    roles: inOrder(byKey.keys()).flatMap((key) => planRole(byKey.get(key)!)),
    budget: planBudget(proposal),
    resources: copyJson(resources),
    ...(policies.length > 0 && { policies: policies.map(planPolicy) }),
    ...(metadata !== undefined && { metadata: copyJson(metadata) }),
  };
}

const planContext = ({ context = {} }: HeadOf): PlanContext => ({
  parentTicket: context.parentTicket ?? null,
  channel: context.channel ?? null,
  repositories: [...(context.repositories ?? [])],
  scope: copyJson(context.scope ?? {}),
});

/** What a policy names is a set: its order never moves the digest. */
function planPolicy({ on, roles, tickets, kinds, effects, ...policy }: PolicySpec): PlanPolicy {
  const named = { roles, tickets, kinds, effects };
  const scope = Object.entries(named).flatMap(([name, values]) => (values ? [[name, inOrder(values)] as const] : []));
  return { ...policy, ...(Object.fromEntries(scope) as typeof named), on: planTrigger(on) } as PlanPolicy;
}

function planTrigger(on: PolicySpec['on']): PlanPolicy['on'] {
  if (on.type === 'spend') return { type: 'spend', aboveMicroUsd: toMicroUsd(on.aboveUsd) };
  if (on.type !== 'tool') return { ...on };
  const { tools, when } = on;
  return { type: 'tool', ...(tools && { tools: inOrder(tools) }), ...(when !== undefined && { when: copyJson(when) }) };
}

function planRole({ budget, clear = true, tools = [], autonomy = 'act-freely', fallbacks = [], ...role }: Role): PlanRole {
  const limited = autonomy === 'act-freely' ? {} : { autonomy };
  return {
    ...copyJson(role),
    ...limited,
    clear,
    tools: inOrder(tools),
    ...(fallbacks.length > 0 && { fallbacks: [...fallbacks] }),
    ...(budget !== undefined && { budget: spendCeiling(budget) }),
  };
}

const planShed = ({ at, priorities = ['low'] }: ShedPolicy): ShedPolicy => ({
  at,
  priorities: inOrder(priorities) as readonly Priority[],
});

function planBudget({ budget = {} }: HeadOf): PlanBudget {
  const { maxCostUsd: _, onExceeded = 'fail', shed, ...ceilings } = budget;
  return { ...ceilings, ...spendCeiling(budget), onExceeded, ...(shed && { shed: planShed(shed) }) };
}
