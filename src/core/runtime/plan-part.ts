import type { Plan } from '../ports/plan.js';
import type { CheckpointParts } from '../ports/store.js';
import type { Topology } from '../ports/topology.js';
import type { Json } from '../shared/json.js';

/** The part of a checkpoint that holds what was proposed, arranged: a run keeps to it, whatever its topology does by then. */
export interface PlanPart {
  readonly plan: Plan;
  /** Version of the topology that made it; `null` for one without, and for a plan that was written by hand. */
  readonly topologyVersion: string | null;
}

/** The parts that are stored with a proposal. */
export function planParts(plan: Plan, topologies: readonly Topology[]): CheckpointParts {
  const topologyVersion = topologies.find(({ kind }) => kind === plan.topology.kind)?.version ?? null;
  const part: PlanPart = { plan, topologyVersion };
  return { plan: part as unknown as Json };
}

export const planPartOf = (parts: CheckpointParts | undefined): PlanPart | undefined =>
  parts?.['plan'] as unknown as PlanPart | undefined;
