import { PlanwrightError } from '../shared/error.js';

/** A plan was materialized without an agent for one of its roles. */
export class UnresolvedRoleError extends PlanwrightError {
  readonly code = 'UNRESOLVED_ROLE';
  constructor(
    readonly role: string,
    readonly resolved: readonly string[],
  ) {
    super(
      `Role "${role}" has no agent. Give materialize { "${role}": { agentId: "…" } }; it was given ${resolved.length > 0 ? resolved.map((key) => `"${key}"`).join(', ') : 'no role'}.`,
    );
  }
}

/** A plan adds steps while its run is under way, and the topology that says which is not at hand. */
export class TopologyMissingError extends PlanwrightError {
  readonly code = 'TOPOLOGY_MISSING';
  constructor(
    readonly topology: string,
    readonly known: readonly string[],
  ) {
    const given = known.length > 0 ? known.map((kind) => `"${kind}"`).join(', ') : 'none';
    super(
      `The plan's topology "${topology}" adds steps while the run is under way, and it is not at hand. Pass it in topologies; given: ${given}.`,
    );
  }
}

/** Something that `approvePlan` did not make was handed to `materialize`. */
export class NotApprovedError extends PlanwrightError {
  readonly code = 'NOT_APPROVED';
  constructor() {
    super(
      'Only an approved plan can be materialized. Call approvePlan(plan, { digest, revision, approvedBy }) and pass its value.',
    );
  }
}

/** A plan that no single XState machine can hold, because steps are added to it while its run is under way. */
export class NotComposableError extends PlanwrightError {
  readonly code = 'NOT_COMPOSABLE';
  constructor(readonly stepIds: readonly string[]) {
    super(
      `${stepIds.map((id) => `"${id}"`).join(', ')} ${stepIds.length === 1 ? 'is a goal' : 'are goals'} that steps are added for while the run is under way, and one machine has all its states from the start. Run the plan with an orchestrator, or with createKernel(materialized).`,
    );
  }
}
