import { parseProposal, type ProposalHistory, type Result, type Issue, startHistory } from 'planwright';
import { expect } from 'vitest';

import { builtInTopologies } from '../../../../src/topologies/index.js';
import { accepted, baseProposal } from './base-proposal.js';

/** What an edit of a fresh history needs besides the edit itself. */
export const edit = { baseRevision: 1, at: 1_000, topologies: builtInTopologies } as const;

/** A history at revision 1. */
export const historyOf = (proposal: unknown = baseProposal()): ProposalHistory =>
  startHistory(accepted(parseProposal(proposal)), { author: { kind: 'user', id: 'ada' }, at: 500 });

/** The history after an edit, or a failing test that shows the issues. */
export function edited(result: Result<ProposalHistory, Issue[]>): ProposalHistory {
  expect(result.ok ? [] : result.error).toEqual([]);
  return (result as { readonly value: ProposalHistory }).value;
}
