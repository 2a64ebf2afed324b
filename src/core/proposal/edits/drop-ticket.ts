import type { PolicySpec } from '../../ports/policy.js';
import type { OrchestrationProposal, Ticket } from '../../ports/proposal.js';
import { type Issue, pointerOf } from '../../shared/issue.js';
import { placeholdersOf } from '../../shared/placeholder.js';
import { err, ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { named } from '../words.js';
import { editProposal, type EditOptions, findElement } from './edit-proposal.js';

/** Which ticket goes, and what becomes of those that depend on it. */
export interface DropTicketOptions extends EditOptions {
  /** Its key. */
  readonly ticket: string;
  /**
   * `bridge`: what depended on it depends on its dependencies instead. `refuse`: the edit is refused with `has-dependents` where
   * anything depends on it. Default: `bridge`.
   */
  readonly mode?: 'bridge' | 'refuse';
}

/** Takes a ticket out. Never leaves a dependency dangling; refused with `still-read` where something names its output. */
export const dropTicket = (
  history: ProposalHistory,
  { ticket: key, mode = 'bridge', ...options }: DropTicketOptions,
): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit(proposal) {
      const found = findElement(proposal.tickets, { kind: 'ticket', key });
      if (!found.ok) return found;
      const issues = [...readers(proposal, key), ...(mode === 'refuse' ? dependents(proposal, key) : [])];
      if (issues.length > 0) return err(issues);
      const { element, index } = found.value;
      const { policies, ...rest } = proposal;
      const tickets = proposal.tickets.toSpliced(index, 1).map((ticket) => bridged(ticket, element));
      return ok({ ...rest, tickets, ...(policies && { policies: policies.flatMap((policy) => released(policy, key)) }) });
    },
  });

/** A policy without the dropped ticket; none where that was all that it applied to. */
function released(policy: PolicySpec, dropped: string): readonly PolicySpec[] {
  if (policy.tickets?.includes(dropped) !== true) return [policy];
  const tickets = policy.tickets.filter((key) => key !== dropped);
  return tickets.length === 0 ? [] : [{ ...policy, tickets }];
}

/** A ticket that waits for what the dropped one waited for, in the dropped one's place. */
function bridged(ticket: Ticket, dropped: Ticket): Ticket {
  const { dependsOn } = ticket;
  if (dependsOn?.includes(dropped.key) !== true) return ticket;
  const repaired = dependsOn.flatMap((key) => (key === dropped.key ? (dropped.dependsOn ?? []) : [key]));
  return { ...ticket, dependsOn: [...new Set(repaired)] };
}

const dependents = ({ tickets }: OrchestrationProposal, dropped: string): Issue[] =>
  tickets.flatMap(({ key, dependsOn = [] }, index) =>
    dependsOn.includes(dropped)
      ? [
          {
            code: 'has-dependents',
            pointer: pointerOf(['tickets', index, 'dependsOn', dependsOn.indexOf(dropped)]),
            message: `Ticket ${named(dropped)} cannot be dropped: ticket ${named(key)} depends on it. Remove that first, or bridge.`,
          },
        ]
      : [],
  );

/** Who asks for the output by name: an input selection or a placeholder. */
function readers(proposal: OrchestrationProposal, dropped: string): Issue[] {
  const issues: Issue[] = [];
  const report = (reader: string, path: readonly PropertyKey[]) => {
    const message = `Ticket ${named(dropped)} cannot be dropped: ${reader} reads its output. Change that first.`;
    issues.push({ code: 'still-read', pointer: pointerOf(path), message });
  };
  const mentions = (instructions: string | undefined) => placeholdersOf(instructions ?? '').includes(dropped);

  proposal.tickets.forEach(({ key, input, instructions }, index) => {
    if (key === dropped) return;
    const place = input?.from.indexOf(dropped) ?? -1;
    if (place >= 0) report(`ticket ${named(key)}`, ['tickets', index, 'input', 'from', place]);
    if (mentions(instructions)) report(`ticket ${named(key)}`, ['tickets', index, 'instructions']);
  });
  // A placeholder of research or discussion can name no ticket: parsing refused that.
  if (mentions(proposal.synthesis.instructions)) report('the synthesis', ['synthesis', 'instructions']);
  return issues;
}
