import type { ProposalBudget } from '../../ports/proposal.js';
import type { Issue } from '../../shared/issue.js';
import { ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { editProposal, type EditOptions } from './edit-proposal.js';

/** The budget that shall stand in the place of the present one. */
export interface SetBudgetOptions extends EditOptions {
  /** `null` takes every ceiling away. */
  readonly budget: ProposalBudget | null;
}

/** Replaces the whole budget, upwards too: a new revision like any other, which needs its own approval. */
export const setBudget = (history: ProposalHistory, { budget, ...options }: SetBudgetOptions): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit({ budget: _, ...proposal }) {
      return ok({ ...proposal, ...(budget !== null && { budget }) });
    },
  });
