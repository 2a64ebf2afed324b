import type { Topology } from '../../ports/topology.js';
import type { IssueList } from '../issue-list.js';
import type { ProposalLimits } from '../proposal-limits.js';
import type { ProposalSketch } from '../sketch.js';

/** What a rule may look at, and where it reports. */
export interface RuleContext {
  readonly sketch: ProposalSketch;
  readonly limits: ProposalLimits;
  readonly topologies: readonly Topology[];
  /** Names of those of somebody's own; absent where nobody can know. */
  readonly reducers: readonly string[] | undefined;
  readonly issues: IssueList;
}

/** Reports what is wrong with how the parts of a proposal fit together; passes over what it cannot read. */
export type Rule = (context: RuleContext) => void;
