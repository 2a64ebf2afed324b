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
  const waveOf = new Map(levels.flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
  return {
    nodes: plan.steps.map((step) => node(step, waveOf.get(step.id) ?? 0)),
    edges: plan.steps.flatMap(({ id, dependsOn, join }) =>
      dependsOn.map((from) => ({ from, to: id, on: join === 'all-settled' ? ('settled' as const) : ('succeeded' as const) })),
    ),
    waves: levels,
  };
}

const node = ({ id, kind, phase, title, role, gate }: PlanStep, wave: number): PlanGraphNode => ({
  id,
  kind,
  phase,
  title,
  ...(role !== undefined && { role }),
  wave,
  isGated: gate !== undefined || kind === 'gate',
});
