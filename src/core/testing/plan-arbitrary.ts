import type fc from 'fast-check';

import { planProposal } from '../plan/plan-proposal.js';
import type { Plan } from '../ports/plan.js';
import type { Topology } from '../ports/topology.js';
import { InvariantError, listIssues } from '../shared/error.js';
import { proposalArbitrary, type ProposalArbitraryOptions } from './proposal-arbitrary.js';

export interface PlanArbitraryOptions extends Omit<ProposalArbitraryOptions, 'topologies'> {
  /** What the plans are made with, such as `builtInTopologies`. Each must take the proposals of `proposalArbitrary`. */
  readonly topologies: readonly Topology[];
}

/** Plans of the proposals of {@link proposalArbitrary}. @throws InvariantError while generating, when a proposal cannot be planned. */
export const planArbitrary = ({ topologies, ...options }: PlanArbitraryOptions): fc.Arbitrary<Plan> =>
  proposalArbitrary({ ...options, topologies: topologies.map(({ kind }) => kind) }).map((proposal) => {
    const planned = planProposal(proposal, { topologies });
    if (planned.ok) return planned.value;
    throw new InvariantError(`A generated proposal could not be planned:${listIssues(planned.error)}`);
  });
