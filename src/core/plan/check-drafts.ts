import type { StepKind } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { StepDraft } from '../ports/topology.js';
import { type Issue, pointerOf, quote } from '../shared/issue.js';
import { reservedIds } from './phase-ids.js';

/**
 * Kinds that stand around the work or come about while it runs, and so are not a topology's to give. A gate is a property of the
 * step that waits for it.
 */
const foreignKinds: ReadonlySet<StepKind> = new Set(['research', 'position', 'synthesis', 'compensation', 'gate']);

/** Where in the proposal a fault of a draft is to be mended: at its ticket, else at the topology. */
export type PointerOf = (id: string, ...path: readonly PropertyKey[]) => string;

/** What steps are checked against: the roles and tickets that they come from. */
export type PlanSource = Pick<OrchestrationProposal, 'roles' | 'tickets'>;

/** A {@link PointerOf} for the tickets of a proposal. */
export function pointerIn({ tickets }: PlanSource): PointerOf {
  const places = new Map(tickets.map(({ key }, index) => [key, index]));
  return (id, ...path) => {
    const place = places.get(id);
    return place === undefined ? '/topology' : pointerOf(['tickets', place, ...path]);
  };
}

/** What is wrong with the ids of the work: missing and doubled tickets, unknown ones, clashes with the phases. */
export function checkDraftIds(proposal: OrchestrationProposal, drafts: readonly StepDraft[]): Issue[] {
  const issues: Issue[] = [];
  const at = pointerIn(proposal);
  const reserved = reservedIds(proposal);
  const tickets = new Set(proposal.tickets.map(({ key }) => key));
  const seen = new Set<string>();
  for (const { id, kind } of drafts) {
    const report = (code: string, message: string) => issues.push({ code, pointer: at(id, 'key'), message });
    const taken = reserved.get(id);
    if (taken !== undefined) report('reserved-key', `${quote(id)} is also the id of ${taken}. Choose another key.`);
    if (seen.has(id)) report('duplicate-step', `The topology gave two steps with the id ${quote(id)}. Ids must be unique.`);
    seen.add(id);
    if (foreignKinds.has(kind))
      report('foreign-kind', `The topology gave ${quote(id)} of kind "${kind}", which is not its to give.`);
    if ((kind === 'ticket') !== tickets.has(id)) report('ticket-mismatch', mismatch(id, kind));
  }
  for (const { key } of proposal.tickets) {
    if (seen.has(key)) continue;
    const message = `The topology left out ticket ${quote(key)}. Every ticket must be a step.`;
    issues.push({ code: 'missing-ticket', pointer: at(key), message });
  }
  return issues;
}

const mismatch = (id: string, kind: StepKind): string =>
  kind === 'ticket'
    ? `The topology gave a ticket step ${quote(id)}, but the proposal has no such ticket.`
    : `The topology gave a step of kind "${kind}" the id ${quote(id)}, which is a ticket's key.`;
