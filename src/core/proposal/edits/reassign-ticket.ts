import type { Issue } from '../../shared/issue.js';
import { ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { editProposal, type EditOptions, findElement } from './edit-proposal.js';

/** Which ticket goes to which role; both are keys. */
export interface ReassignTicketOptions extends EditOptions {
  readonly ticket: string;
  readonly role: string;
}

/** Gives one ticket to another role. What it waits for, and so the waves, stay. */
export const reassignTicket = (
  history: ProposalHistory,
  { ticket, role, ...options }: ReassignTicketOptions,
): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit(proposal) {
      const found = findElement(proposal.tickets, { kind: 'ticket', key: ticket });
      if (!found.ok) return found;
      const { element, index } = found.value;
      return ok({ ...proposal, tickets: proposal.tickets.with(index, { ...element, role }) });
    },
  });
