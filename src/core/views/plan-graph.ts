import type { Phase, Plan, PlanStep, StepKind } from '../ports/plan.js';
import { waves } from '../plan/waves.js';

/** A step as a node of a drawing. */
export interface PlanGraphNode {
  readonly id: string;
  readonly kind: StepKind;
  readonly phase: Phase;
  readonly title: string;
  /** Absent for a step that calls no agent. */
  readonly role?: string;
  /** How it joins its inputs, where it does. */
  readonly reducer?: string;
  /** 0 for the first. */
  readonly wave: number;
  /** Whether a person must approve before it starts. */
  readonly isGated: boolean;
}

/** A dependency: `to` waits for `from`. */
export interface PlanGraphEdge {
  readonly from: string;
  readonly to: string;
  /** `settled` where any end of `from` will do, `succeeded` where it must succeed. */
  readonly on: 'succeeded' | 'settled';
  /** Where `from` is a route: whether rules choose it, a model, or rules first and then a model. */
  readonly chosenBy?: 'rule' | 'model' | 'rule-then-model';
}

/** A plan as nodes, edges and waves, for tools that draw. */
export interface PlanGraph {
  readonly nodes: readonly PlanGraphNode[];
  readonly edges: readonly PlanGraphEdge[];
  readonly waves: readonly (readonly string[])[];
}

/** The graph of a plan as plain JSON, nodes and edges in plan order. */
export function planGraph(plan: Plan): PlanGraph {
  const levels = waves(plan);
  const routes = new Map(plan.steps.filter(({ kind }) => kind === 'route').map((step) => [step.id, step]));
  const waveOf = new Map(levels.flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
  return {
    nodes: plan.steps.map((step) => node(step, waveOf.get(step.id) ?? 0)),
    edges: plan.steps.flatMap(({ id, dependsOn, join }) =>
      dependsOn.map((from): PlanGraphEdge => {
        const route = routes.get(from);
        return {
          from,
          to: id,
          on: join === 'all-settled' ? 'settled' : 'succeeded',
          ...(route && { chosenBy: chosenBy(route) }),
        };
      }),
    ),
    waves: levels,
  };
}

function chosenBy({ role, routes = [] }: PlanStep): 'rule' | 'model' | 'rule-then-model' {
  if (role === undefined) return 'rule';
  return routes.length > 0 ? 'rule-then-model' : 'model';
}

const node = ({ id, kind, phase, title, role, reducer, gate }: PlanStep, wave: number): PlanGraphNode => ({
  id,
  kind,
  phase,
  title,
  ...(role !== undefined && { role }),
  ...(reducer !== undefined && { reducer }),
  wave,
  isGated: gate !== undefined || kind === 'gate',
});
