import type { Issue } from '../shared/issue.js';
import type { Result } from '../shared/result.js';
import type { PlanStep } from './plan.js';
import type { OrchestrationProposal } from './proposal.js';

/** The part of a schema library's schema that planwright calls. A zod object fits as it is. */
export interface OptionsSchema<Options> {
  safeParse(
    input: unknown,
  ):
    | { readonly success: true; readonly data: Options }
    | { readonly success: false; readonly error: { readonly issues: readonly OptionsFault[] } };
}
export interface OptionsFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
}

/**
 * A step as a topology gives it: the id, and what differs from the defaults. A `ticket` step takes what it does not name
 * from the ticket whose key is its id; `dependsOn` left out takes the ticket's.
 */
export type StepDraft = Pick<PlanStep, 'id' | 'kind'> & Partial<Omit<PlanStep, 'id' | 'kind' | 'phase'>>;

/**
 * How the work of a proposal is arranged. A topology is a pure plug-in: it gives the work steps; research, discussion and
 * synthesis are put around them by `planProposal`, which also checks ids, roles, dependencies and cycles.
 *
 * Rules (checked by `topologyConformance`): equal input gives equal output; input is not changed; every ticket is the id of
 * exactly one `ticket` step, unless `arrange` refuses the proposal with an issue.
 */
export interface Topology<Options = unknown> {
  /** The name that a proposal's `topology.kind` uses. */
  readonly kind: string;
  /**
   * Changes whenever `arrange` gives other steps for the same proposal. A run that was planned under another version is not taken up after
   * a restart. Left out: the plan is made again on each restart, and compared.
   */
  readonly version?: string;
  /** One sentence for planners and for docs: when to use it. */
  readonly description: string;
  /** Checks the options that stand beside `kind` in the proposal. Should refuse unknown ones. */
  readonly options: OptionsSchema<Options>;
  arrange(proposal: OrchestrationProposal, options: Options): Result<readonly StepDraft[], Issue[]>;
}
