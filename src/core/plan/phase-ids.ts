import type { OrchestrationProposal } from '../ports/proposal.js';

/** Id of the position that a role gives in a round of the discussion; rounds count from 1. */
export const positionStepId = (round: number, roleKey: string): string => `discuss:${round}:${roleKey}`;

/** Id of the step that joins the positions of a round: `discussion` for the last, `discussion:<round>` for those before. */
export const discussionStepId = (round: number, rounds: number): string =>
  round === rounds ? 'discussion' : `discussion:${round}`;

/** Rounds of the discussion of a proposal; 0 without one. */
export const discussionRounds = ({ discussion }: OrchestrationProposal): number =>
  discussion === undefined ? 0 : (discussion.rounds ?? 1);

/** Whether something in a proposal is checked before it is released. */
const isVerified = ({ tickets, synthesis }: OrchestrationProposal): boolean =>
  synthesis.verify !== undefined || tickets.some(({ verify }) => verify !== undefined);

/** Names that no ticket may have, each with what it stands for: the phases of this proposal, and what agents find in their input. */
export function reservedIds(proposal: OrchestrationProposal): ReadonlyMap<string, string> {
  const reserved = new Map([
    ['synthesis', 'the synthesis step'],
    ['gaps', 'the gaps that a synthesis is given'],
    ['reports', 'the reports that a supervisor is given'],
    ['board', 'the board that a supervisor is given'],
  ]);
  if (isVerified(proposal)) {
    reserved.set('result', 'what a verifier is given');
    reserved.set('previous', 'what a rework is given');
    reserved.set('rework', 'what a rework is told');
  }
  if (proposal.research !== undefined) reserved.set('research', 'the research step');
  const rounds = discussionRounds(proposal);
  for (let round = 1; round <= rounds; round++) {
    for (const { key } of proposal.roles)
      reserved.set(positionStepId(round, key), `the position of role "${key}" in round ${round}`);
    reserved.set(discussionStepId(round, rounds), `the outcome of discussion round ${round}`);
  }
  return reserved;
}
