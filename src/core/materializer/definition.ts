import type { PlanRole, PlanStep } from '../ports/plan.js';
import type { Plan } from '../ports/plan.js';
import type { Chart } from './chart.js';
import { createTimeoutLookup } from '../plan/step-timeout.js';
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
  /** Agent of its compensation, where it has one. */
  readonly compensationAgentId?: string;
};

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
  readonly budget: Plan['budget'];
  readonly resources: Plan['resources'];
}
export type PlanRoleDefinition = Pick<PlanRole, 'key' | 'promptTemplate' | 'clear' | 'tools' | 'budget' | 'concurrency'>;

/** Plan and role map as one definition. Agents stand at the steps only, so another agent changes that role's steps alone. */
export function defineRun(plan: Plan, roles: RoleMap): RunDefinition {
  const charts = new Map<string, Chart>();
  const agentOf = createAgentLookup(plan, roles);
  const timeoutOf = createTimeoutLookup(plan);
  const steps = plan.steps.map((step): StepDefinition => {
    const shape = shapeOf(step);
    const chart = shapeName(shape);
    if (!charts.has(chart)) charts.set(chart, stepChart(shape));
    const { title: _label, ...definition } = step;
    const timeoutMs = timeoutOf(step);
    return {
      chart,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(step.role !== undefined && { agentId: agentOf(step.role) }),
      ...(step.compensation && { compensationAgentId: agentOf(step.compensation.role) }),
      ...definition,
    };
  });
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
    budget: plan.budget,
    resources: plan.resources,
  };
}

const roleDefinition = ({ key, promptTemplate, clear, tools, budget, concurrency }: PlanRole): PlanRoleDefinition => ({
  key,
  clear,
  tools,
  ...(promptTemplate !== undefined && { promptTemplate }),
  ...(budget && { budget }),
  ...(concurrency !== undefined && { concurrency }),
});

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
