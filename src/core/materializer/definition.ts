import type { Plan, PlanRole, PlanStep, StepTemplate } from '../ports/plan.js';
import type { ReportReference } from '../ports/topology.js';
import type { JsonObject } from '../shared/json.js';
import type { Chart } from './chart.js';
import { timeLimitsOf } from '../plan/step-defaults.js';
import { createHeartbeatLookup, createTimeoutLookup } from '../plan/step-timeout.js';
import { lifecycleChart, pauseChart } from './lifecycle-chart.js';
import { shapeName, shapeOf, stepChart } from './step-chart.js';
import { UnresolvedRoleError } from './unresolved-role-error.js';

/** Which agent fills each role. */
export type RoleMap = Readonly<Record<string, { readonly agentId: string }>>;

/** A step in the definition: all that decides how it runs, and the chart that it runs in. Labels are left out. */
export type StepDefinition = Omit<PlanStep, 'title'> & {
  /** Name of its chart in `charts`. */
  readonly chart: string;
  /** Absent for a step that calls no agent. */
  readonly agentId?: string;
  /** Who takes over from that agent, in this order; absent for nobody. */
  readonly fallbackAgents?: readonly string[];
  /** Agent of its compensation, where it has one. */
  readonly compensationAgentId?: string;
  /** Present on a step that was added while the run was under way. Such a step is in no definition; the kernel knows it. */
  readonly added?: AddedFacts;
};

/** Where a step that was added comes from. */
export interface AddedFacts {
  /** Name of what it was added as. */
  readonly template: string;
  /** Id of the step that it was added for. */
  readonly goal: string;
  /** Id of the step that decided on it, or of the goal. */
  readonly parent: string;
  /** Delegations that it lies in, its own included. */
  readonly depth: number;
  readonly title: string;
  /** What it is told of other steps of the goal. */
  readonly reports?: readonly ReportReference[];
  /** How many steps had been added to the goal before it, and how many of them had ended; and the same of those that are tasks. */
  readonly before: { readonly added: number; readonly ended: number; readonly tasks: number; readonly done: number };
  /** What its board shows besides. */
  readonly board?: JsonObject;
  readonly session?: string;
  readonly overdueAfterMs?: number;
  readonly isVerbatim?: true;
  readonly mayFinish?: true;
  readonly seesGaps?: true;
  readonly inputAs?: Readonly<Record<string, string>>;
}

/** Agents that may carry a step out: that of its role, then those that take over. */
export const agentsOfStep = ({
  agentId,
  fallbackAgents = [],
}: Pick<StepDefinition, 'agentId' | 'fallbackAgents'>): readonly string[] =>
  agentId === undefined ? [] : [agentId, ...fallbackAgents];

/** What steps may be added as, with who carries them out and the chart that they run in. */
export type TemplateDefinition = StepTemplate & Pick<StepDefinition, 'chart' | 'agentId' | 'fallbackAgents'>;

/** The machines as plain JSON: who acts, in what order, and what happens when a step fails. */
export interface RunDefinition {
  readonly formatVersion: 1;
  readonly planDigest: string;
  readonly goal: string;
  readonly context: Plan['context'];
  readonly lifecycle: Chart;
  readonly pause: Chart;
  /** One statechart per kind of step, by name. */
  readonly charts: Readonly<Record<string, Chart>>;
  readonly roles: readonly PlanRoleDefinition[];
  readonly steps: readonly StepDefinition[];
  /** What may be added while the run is under way, by name; absent where all steps are known. */
  readonly templates?: Readonly<Record<string, TemplateDefinition>>;
  readonly expansion?: Plan['expansion'];
  readonly budget: Plan['budget'];
  readonly resources: Plan['resources'];
  readonly policies?: Plan['policies'];
}
export type PlanRoleDefinition = Pick<
  PlanRole,
  'key' | 'promptTemplate' | 'clear' | 'tools' | 'budget' | 'concurrency' | 'autonomy' | 'breaker'
>;

/** Plan and role map as one definition. Agents stand at the steps only, so another agent changes that role's steps alone. */
export function defineRun(plan: Plan, roles: RoleMap): RunDefinition {
  const charts = new Map<string, Chart>();
  const agentOf = createAgentLookup(plan, roles);
  const timeoutOf = createTimeoutLookup(plan);
  const heartbeatOf = createHeartbeatLookup(plan);
  const roleOf = new Map(plan.roles.map((role) => [role.key, role]));
  /** Whoever was hired may be one of them. */
  const fallbacksOf = (role: string): Pick<StepDefinition, 'fallbackAgents'> => {
    const fallbackAgents = roleOf.get(role)?.fallbacks?.filter((agentId) => agentId !== agentOf(role)) ?? [];
    return fallbackAgents.length > 0 ? { fallbackAgents } : {};
  };
  const resolve = (step: StepTemplate, join: PlanStep['join']) => {
    const isCarriedOut = step.role !== undefined && step.expands === undefined;
    const agents = isCarriedOut ? { agentId: agentOf(step.role), ...fallbacksOf(step.role) } : undefined;
    const shape = shapeOf({ ...step, join, hasFallbacks: agents !== undefined && 'fallbackAgents' in agents });
    const chart = shapeName(shape);
    if (!charts.has(chart)) charts.set(chart, stepChart(shape));
    const limits = timeLimitsOf({ timeoutMs: timeoutOf(step), heartbeatTimeoutMs: heartbeatOf(step) });
    return { chart, ...limits, ...agents };
  };
  const steps = plan.steps.map((step): StepDefinition => {
    const { title: _label, ...definition } = step;
    return {
      ...resolve(step, step.join),
      ...(step.compensation && { compensationAgentId: agentOf(step.compensation.role) }),
      ...definition,
    };
  });
  const templates = Object.entries(plan.templates ?? {}).map(([name, template]): [string, TemplateDefinition] => [
    name,
    // What is added waits for others to have ended, however they have.
    { ...resolve(template, 'all-settled'), ...template },
  ]);
  return {
    formatVersion: 1,
    planDigest: plan.digest,
    goal: plan.goal,
    context: plan.context,
    lifecycle: lifecycleChart,
    pause: pauseChart,
    charts: Object.fromEntries(charts),
    roles: plan.roles.map(roleDefinition),
    steps,
    ...(plan.templates && { templates: Object.fromEntries(templates) }),
    ...(plan.expansion && { expansion: plan.expansion }),
    budget: plan.budget,
    resources: plan.resources,
    ...(plan.policies && { policies: plan.policies }),
  };
}

const roleDefinition = ({
  key,
  promptTemplate,
  clear,
  tools,
  budget,
  concurrency,
  autonomy,
  breaker,
}: PlanRole): PlanRoleDefinition => ({
  key,
  clear,
  tools,
  ...(promptTemplate !== undefined && { promptTemplate }),
  ...(budget && { budget }),
  ...(concurrency !== undefined && { concurrency }),
  ...(autonomy !== undefined && { autonomy }),
  ...(breaker && { breaker }),
});

/** A step that was added: what it was added as, and what it brings itself. */
export function defineAdded(
  template: TemplateDefinition,
  own: Pick<StepDefinition, 'id' | 'instructions' | 'dependsOn' | 'input' | 'given'> & { readonly added: AddedFacts },
): StepDefinition {
  return { ...template, join: 'all-settled', ...own };
}

function createAgentLookup(plan: Plan, roles: RoleMap): (role: string) => string {
  const agents = new Map<string, string>();
  for (const { key } of plan.roles) {
    const agentId: unknown = Object.hasOwn(roles, key) ? roles[key]?.agentId : undefined;
    if (typeof agentId !== 'string' || agentId === '') throw new UnresolvedRoleError(key, Object.keys(roles));
    agents.set(key, agentId);
  }
  return (role) => {
    const agentId = agents.get(role);
    if (agentId === undefined) throw new UnresolvedRoleError(role, [...agents.keys()]);
    return agentId;
  };
}
