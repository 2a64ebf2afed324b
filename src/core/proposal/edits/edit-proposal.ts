import type { OrchestrationProposal } from '../../ports/proposal.js';
import { type Issue, pointerOf, quote } from '../../shared/issue.js';
import { err, ok, type Result } from '../../shared/result.js';
import { parseProposal, type ParseOptions } from '../parse-proposal.js';
import { appendRevision, currentRevision, type EditBase, type ProposalHistory, refuseEdit } from '../proposal-history.js';
import { createHints, named } from '../words.js';

/** What every edit is told: on which revision it builds, who makes it, and by which rules its result is checked. */
export interface EditOptions extends EditBase, ParseOptions {}

/** An edit proper: the changed proposal, not yet checked, or why it cannot be made. */
export type ProposalEdit = (proposal: OrchestrationProposal) => Result<OrchestrationProposal, Issue[]>;

/**
 * Applies an edit to the current proposal and appends the result as the next revision. The result is parsed anew and its topology must
 * be able to arrange it, so that no edit leads to a proposal that could not have been handed in.
 */
export function editProposal(
  history: ProposalHistory,
  { edit, topologies, limits, ...base }: EditOptions & { readonly edit: ProposalEdit },
): Result<ProposalHistory, Issue[]> {
  const refusal = refuseEdit(history, base.baseRevision);
  if (refusal !== undefined) return err([refusal]);
  const edited = edit(currentRevision(history).proposal);
  if (!edited.ok) return edited;
  const parsed = parseProposal(edited.value, { topologies, limits });
  if (!parsed.ok) return parsed;
  const arranged = checkArrangement(parsed.value, topologies);
  return arranged.length > 0 ? err(arranged) : appendRevision(history, { ...base, proposal: parsed.value });
}

/** What the chosen topology has against a proposal: it may name tickets in options that only it understands. */
function checkArrangement(proposal: OrchestrationProposal, topologies: ParseOptions['topologies']): Issue[] {
  if (proposal.topology === undefined) return [];
  const { kind, ...given } = proposal.topology;
  const topology = topologies.find((candidate) => candidate.kind === kind);
  try {
    const options = topology?.options.safeParse(given);
    if (topology === undefined || options?.success !== true) return [];
    const drafts = topology.arrange(proposal, options.data);
    return drafts.ok ? [] : drafts.error;
  } catch (error) {
    const reason = error instanceof Error ? error.message : quote(error);
    const message = `The topology ${named(kind)} threw instead of arranging the edited proposal: ${reason}`;
    return [{ code: 'topology-fault', pointer: '/topology', message }];
  }
}

/** The proposal's element with a key, and its index; or an issue `unknown-ticket` or `unknown-role` with the nearest name. */
export function findElement<Element extends { readonly key: string }>(
  elements: readonly Element[],
  { kind, key }: { readonly kind: 'role' | 'ticket'; readonly key: string },
): Result<{ readonly element: Element; readonly index: number }, Issue[]> {
  const index = elements.findIndex((candidate) => candidate.key === key);
  const element = elements[index];
  if (element !== undefined) return ok({ element, index });
  const hint = createHints(elements.map((candidate) => candidate.key))(key);
  const message = `There is no ${kind} ${named(key)}${hint}`;
  return err([{ code: `unknown-${kind}`, pointer: pointerOf([`${kind}s`]), message }]);
}
