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

/** Something that `approvePlan` did not make was handed to `materialize`. */
export class NotApprovedError extends PlanwrightError {
  readonly code = 'NOT_APPROVED';
  constructor() {
    super(
      'Only an approved plan can be materialized. Call approvePlan(plan, { digest, revision, approvedBy }) and pass its value.',
    );
  }
}
