import { analyzePlan } from '../analysis/analyze-plan.js';
import { worstCase, type Bounds } from '../analysis/bounds.js';
import type { Diagnostic } from '../analysis/diagnostic.js';
import type { Plan } from '../ports/plan.js';
import type { ProposalDiff } from '../proposal/diff-proposals.js';
import type { Issue } from '../shared/issue.js';
import type { Result } from '../shared/result.js';
import { ProposalRejectedError } from './errors.js';
import type { ReplanPreview } from './replan-run.js';

/** What was proposed, and what an approver needs to know. Nothing has been executed. */
export interface Proposed {
  readonly runId: string;
  readonly revision: number;
  readonly digest: string;
  readonly plan: Plan;
  readonly diagnostics: readonly Diagnostic[];
  /** The worst case. */
  readonly bounds: Bounds;
  /** Present for a plan that was proposed while its run is under way: what it would change. */
  readonly replan?: ReplanPreview & {
    /** What differs between the proposals. */
    readonly diff: ProposalDiff;
  };
}

export function describe({ runId, plan }: { readonly runId: string; readonly plan: Plan }): Proposed {
  const { revision, digest } = plan;
  return { runId, revision, digest, plan, diagnostics: analyzePlan(plan), bounds: worstCase(plan) };
}

/** @throws ProposalRejectedError */
export function accepted<T>(result: Result<T, readonly Issue[]>): T {
  if (result.ok) return result.value;
  throw new ProposalRejectedError(result.error);
}
