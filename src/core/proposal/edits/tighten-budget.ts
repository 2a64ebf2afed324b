import type { ProposalBudget } from '../../ports/proposal.js';
import { type Issue, pointerOf } from '../../shared/issue.js';
import { err, ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { editProposal, type EditOptions } from './edit-proposal.js';

/** The ceilings that can be tightened. */
export type Ceilings = Omit<ProposalBudget, 'onExceeded' | 'warnAt' | 'shed'>;

/** Ceilings to lower, or to put where there is none. */
export interface TightenBudgetOptions extends EditOptions {
  readonly budget: Ceilings;
}

/** Lowers ceilings of the run. A figure above the present one is refused with `not-tighter`, and so is an edit that lowers nothing. */
export const tightenBudget = (
  history: ProposalHistory,
  { budget: wanted, ...options }: TightenBudgetOptions,
): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit(proposal) {
      const present = proposal.budget ?? {};
      const issues = notTighter(present, wanted);
      return issues.length > 0 ? err(issues) : ok({ ...proposal, budget: { ...present, ...wanted } });
    },
  });

function notTighter(present: Ceilings, wanted: Ceilings): Issue[] {
  const issues: Issue[] = [];
  let lowered = 0;
  for (const [name, to] of Object.entries(wanted) as [keyof Ceilings, number | undefined][]) {
    const from = present[name];
    if (to === undefined) continue;
    // Written this way round, NaN is let through to the parser, which has the better words for it.
    if (from !== undefined && to > from) issues.push(refusal(name, `${to} is above the present ${name} of ${from}`));
    else if (from !== to) lowered += 1;
  }
  if (issues.length === 0 && lowered === 0) issues.push(refusal(undefined, 'no ceiling would be lower than it is'));
  return issues;
}

const refusal = (name: string | undefined, why: string): Issue => ({
  code: 'not-tighter',
  pointer: pointerOf(name === undefined ? ['budget'] : ['budget', name]),
  message: `This does not tighten the budget: ${why}. Name a lower figure, or set the budget anew.`,
});
