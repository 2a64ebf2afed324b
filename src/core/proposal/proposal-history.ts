import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Actor, RunStatus } from '../ports/run.js';
import { copyJson } from '../shared/copy-json.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Issue } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';

/** One state that a proposal was in. */
export interface ProposalRevision {
  /** 1 for the first; grows by one with each edit and is never used again. */
  readonly revision: number;
  readonly proposal: OrchestrationProposal;
  /** `null` where nobody said who. */
  readonly author: Actor | null;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** What the author said about it. */
  readonly note?: string;
}

/** All revisions of a proposal, oldest first, never changed and never removed. Plain, frozen data. */
export interface ProposalHistory {
  /** Of the run that the proposal is for. Only while it is `proposed` can there be another revision. */
  readonly status: RunStatus;
  readonly revisions: readonly ProposalRevision[];
}

/** Who makes a revision, when, and why. */
export interface Authorship {
  /** Default: `null`, nobody said who. */
  readonly author?: Actor | null | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly note?: string | undefined;
}

/** {@link Authorship} of an edit, and the revision that its author was looking at. */
export interface EditBase extends Authorship {
  /** The edit is refused when the history has moved on since. */
  readonly baseRevision: number;
}

/** A history with one revision, in status `proposed`. */
export const startHistory = (proposal: OrchestrationProposal, authorship: Authorship): ProposalHistory =>
  deepFreeze(copyJson({ status: 'proposed', revisions: [revisionOf(proposal, { revision: 1, ...authorship })] }));

/** The newest revision. */
export const currentRevision = ({ revisions }: ProposalHistory): ProposalRevision => revisions.at(-1)!;

/**
 * Adds a revision: refused with `not-editable` unless the status is `proposed`, and with `stale-revision` when `baseRevision` is not
 * the current one, and with `replan-storm` for an agent within two minutes of an agent's last revision. The proposal must come from `parseProposal`, or be an edit of one that does.
 */
export function appendRevision(
  history: ProposalHistory,
  { proposal, baseRevision, ...authorship }: EditBase & { readonly proposal: OrchestrationProposal },
): Result<ProposalHistory, Issue[]> {
  const refusal = refuseEdit(history, baseRevision) ?? refuseStorm(history, authorship);
  if (refusal !== undefined) return err([refusal]);
  const revision = revisionOf(proposal, { revision: currentRevision(history).revision + 1, ...authorship });
  // What is there is frozen already; copying it all for each edit would be quadratic.
  return ok(Object.freeze({ ...history, revisions: Object.freeze([...history.revisions, deepFreeze(copyJson(revision))]) }));
}

/** Makes an old revision's proposal the newest again, as a revision of its own; `unknown-revision` where there is none. */
export function rewindTo(
  history: ProposalHistory,
  { revision, ...edit }: EditBase & { readonly revision: number },
): Result<ProposalHistory, Issue[]> {
  const target = history.revisions.find((candidate) => candidate.revision === revision);
  const refusal = refuseEdit(history, edit.baseRevision);
  if (refusal !== undefined) return err([refusal]);
  if (target !== undefined) return appendRevision(history, { ...edit, proposal: target.proposal });
  const message = `There is no revision ${revision}; this plan has the revisions 1 to ${currentRevision(history).revision}.`;
  return err([{ code: 'unknown-revision', pointer: '', message }]);
}

/** Milliseconds that an agent must leave between two revisions of its kind. */
const agentIntervalMs = 120_000;

/** Agents that replan at every turn would leave nobody time to look: their revisions must be two minutes apart. */
function refuseStorm({ revisions }: ProposalHistory, { author, at }: Authorship): Issue | undefined {
  if (author?.kind !== 'agent') return undefined;
  const last = revisions.findLast((revision) => revision.author?.kind === 'agent');
  if (last === undefined || at - last.at >= agentIntervalMs) return undefined;
  const message = `An agent revised the plan ${at - last.at} ms ago (revision ${last.revision}). Agents wait ${agentIntervalMs} ms between revisions: put your changes together into one.`;
  return { code: 'replan-storm', pointer: '', message };
}

/** Why an edit on top of a revision cannot be taken, or `undefined` when it can. */
export function refuseEdit(history: ProposalHistory, baseRevision: number): Issue | undefined {
  const { status } = history;
  if (status !== 'proposed') {
    const message = `The plan cannot be edited: its run is ${status}, and edits are taken only while it is proposed.`;
    return { code: 'not-editable', pointer: '', message };
  }
  const { revision } = currentRevision(history);
  if (baseRevision === revision) return undefined;
  const message = `The plan moved on: your edit was based on revision ${baseRevision} but the plan is at revision ${revision}. Reload and re-apply.`;
  return { code: 'stale-revision', pointer: '', message };
}

const revisionOf = (
  proposal: OrchestrationProposal,
  { revision, author, at, note }: Authorship & { readonly revision: number },
): ProposalRevision => ({ revision, proposal, author: author ?? null, at, ...(note !== undefined && { note }) });
