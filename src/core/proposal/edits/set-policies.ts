import type { PolicySpec } from '../../ports/policy.js';
import type { Issue } from '../../shared/issue.js';
import { ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { editProposal, type EditOptions } from './edit-proposal.js';

/** The policies to go by, in their order. */
export interface SetPoliciesOptions extends EditOptions {
  /** Empty for none. */
  readonly policies: readonly PolicySpec[];
}

/** Puts other policies in the place of those there are: a revision like any other. */
export const setPolicies = (
  history: ProposalHistory,
  { policies, ...options }: SetPoliciesOptions,
): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit({ policies: _, ...proposal }) {
      return ok(policies.length === 0 ? proposal : { ...proposal, policies });
    },
  });
