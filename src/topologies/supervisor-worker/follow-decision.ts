import { freeSession, handedInput, receiverFault, titleOf } from '../../core/deciding/admit.js';
import { readRoute, type PlacedAssignment, type ReadRoute } from '../../core/deciding/read-route.js';
import type { StoredError } from '../../core/ports/run.js';
import type { AddedStep, Expansion, ExpansionEvent, ExpansionState, Report, StepAddition } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';

import { ask, remember } from './ask.js';
import { memoOf, settingsOf, type Memo } from './memo.js';
import { delegationTemplate } from './settings.js';

type Decided = Extract<ExpansionEvent, { readonly type: 'decided' }>;

/** Does what the supervisor has decided, as far as it can be done; what cannot is told to it, and counts against its rounds. */
export function followDecision(state: ExpansionState, event: Decided): Expansion {
  const memo = { ...memoOf(state), isAsked: false };
  const route = readRoute(event.route);
  if (route.kind === 'finish') return finish(state, event, memo);
  if (route.kind === 'delegate' && isWait(route)) return wait(state, event, memo);
  const counted = { ...memo, rounds: memo.rounds + 1 };
  if (counted.rounds >= settingsOf(state).maxRounds) return exhaust(state, event, route);
  switch (route.kind) {
    case 'delegate':
      return delegate(state, { event, route, memo: counted });
    case 'handoff':
      return refuse(state, { event, memo: counted, error: noHandoff(route.assignment.role) });
    case 'unreadable':
      return refuse(state, { event, memo: counted, error: route.error });
  }
}

const isWait = ({ assignments, unreadable }: Extract<ReadRoute, { readonly kind: 'delegate' }>): boolean =>
  assignments.length + unreadable.length === 0;

const noHandoff = (role: string): StoredError => ({
  code: 'HANDOFF_NOT_POSSIBLE',
  message: `A supervisor does not hand over control, to ${quote(role)} or anybody: it delegates, or finishes.`,
});

/** What the supervisor finishes with is what the ticket asked for, or it is told what is wrong with it. */
function finish(state: ExpansionState, event: Decided, memo: Memo): Expansion {
  const { outputSchema } = state.goal;
  const faults = outputSchema === undefined ? [] : state.faultsOf(outputSchema, event.output);
  if (faults.length === 0) return { reason: 'finished', end: { succeeded: event.step.id } };
  const message = `It finished with an output that the ticket's schema refuses: ${faults.join('; ')}.`;
  const counted = { ...memo, rounds: memo.rounds + 1 };
  const error = { code: 'OUTPUT_INVALID', message, faults };
  if (counted.rounds >= settingsOf(state).maxRounds) return exhaust(state, event, { kind: 'unreadable', error });
  return refuse(state, { event, memo: counted, error });
}

/** It waits for what is under way. That is no round, unless there is nothing to wait for. */
function wait(state: ExpansionState, event: Decided, memo: Memo): Expansion {
  if (memo.pending.length > 0) return { ...ask(state, memo), reason: 'waits, and there is news' };
  if (state.counts.parallel > 0) return { ...remember(memo), reason: 'waits for what is under way' };
  const message = 'It waits, but nothing is under way. Delegate something, or finish.';
  const counted = { ...memo, rounds: memo.rounds + 1 };
  const error = { code: 'NOTHING_UNDER_WAY', message };
  if (counted.rounds >= settingsOf(state).maxRounds) return exhaust(state, event, { kind: 'unreadable', error });
  return refuse(state, { event, memo: counted, error });
}

/** It has decided as often as it may, and has not finished. */
function exhaust(state: ExpansionState, { step }: Decided, route: ReadRoute): Expansion {
  const { supervisor, maxRounds } = settingsOf(state);
  const said = route.kind === 'unreadable' ? ` ${route.error.message}` : ` It wanted to ${wish(route)}.`;
  const message = `${quote(supervisor)} has not finished ${quote(state.goal.id)} within its ${maxRounds} rounds (maxRounds). The last was ${quote(step.id)}.${said}`;
  const error = { code: 'ROUNDS_EXHAUSTED', message, bound: 'maxRounds', limit: maxRounds, decision: step.id };
  return { reason: 'its rounds are used up', refused: [error], end: { failed: error } };
}

function wish(route: ReadRoute): string {
  if (route.kind === 'handoff') return `hand over to ${quote(route.assignment.role)}`;
  if (route.kind !== 'delegate') return 'finish';
  const roles = route.assignments.slice(0, 5).map(({ role }) => quote(role));
  const more = route.assignments.length - roles.length;
  return `delegate to ${roles.join(', ') || 'nobody'}${more > 0 ? ` and ${more} more` : ''}`;
}

interface Refused {
  readonly event: Decided;
  readonly memo: Memo;
  readonly error: StoredError;
}

/** Nothing of the decision was followed: the supervisor is told why, and asked again. */
function refuse(state: ExpansionState, { event, memo, error }: Refused): Expansion {
  const report: Report = { delegationId: event.step.id, role: event.step.role, outcome: 'refused', output: error };
  return { ...ask(state, { ...memo, pending: [...memo.pending, report] }), refused: [error], reason: 'refused' };
}

interface Delegating {
  readonly event: Decided;
  readonly route: Extract<ReadRoute, { readonly kind: 'delegate' }>;
  readonly memo: Memo;
}

/** What of a decision has come about so far. */
interface Admitted {
  readonly add: StepAddition[];
  readonly cancel: NonNullable<Expansion['cancel']>[number][];
  readonly refusals: { readonly place: number; readonly role: string; readonly error: StoredError }[];
}

/** Starts what can be started. Of a decision that can be followed in part, that part is, and the rest is told with the next report. */
function delegate(state: ExpansionState, { event, route, memo }: Delegating): Expansion {
  const admitted: Admitted = { add: [], cancel: [], refusals: [] };
  for (const { place, error } of route.unreadable) admitted.refusals.push({ place, role: '', error });
  const open = state.open().filter(({ kind }) => kind === 'delegation');
  for (const assignment of route.assignments) admit(state, { assignment, open, event, admitted });
  const { add, cancel } = admitted;
  const refusals = admitted.refusals.sort((a, b) => a.place - b.place);
  const reports = refusals.map(({ place, role, error }): Report => {
    const delegationId = `${state.goal.id}/${delegationName(event.step, place)}`;
    return { delegationId, role, outcome: 'refused', output: error };
  });
  const next = { ...memo, pending: [...memo.pending, ...reports] };
  const refused = refusals.map(({ error }) => error);
  const reason = `delegated ${add.length} of ${add.length + refusals.length}`;
  const goesOn = add.length > 0 && memo.pending.length === 0 ? remember(next) : ask(state, next);
  return { ...goesOn, add: [...add, ...(goesOn.add ?? [])], cancel, refused, reason };
}

interface Admitting {
  readonly assignment: PlacedAssignment;
  /** Delegations of the goal that were under way before. */
  readonly open: readonly AddedStep[];
  readonly event: Decided;
  readonly admitted: Admitted;
}

function admit(state: ExpansionState, { assignment, open, event, admitted }: Admitting): void {
  const { supervisor, workers, reportTimeoutMs } = settingsOf(state);
  const { place, role, task, from = [], supersedes } = assignment;
  const replaced = supersedes === undefined ? undefined : open.find(({ id }) => id === supersedes);
  const error =
    receiverFault(state, assignment, { sender: supervisor, allowed: workers, word: 'worker' }) ??
    replacementFault(assignment, replaced) ??
    roomFault(state, { role, admitted }) ??
    busyFault(state, { role, open, replaced });
  if (error) return void admitted.refusals.push({ place, role, error });
  if (replaced) {
    const reason = `${quote(event.step.id)} has replaced it by another delegation.`;
    admitted.cancel.push({ id: replaced.id, outcome: 'superseded', reason });
  }
  const own = delegationTemplate(role, state.ticket);
  const given = handedInput(assignment);
  admitted.add.push({
    name: delegationName(event.step, place),
    template: state.hasTemplate(own) ? own : delegationTemplate(role),
    parent: event.step.id,
    title: titleOf(assignment),
    instructions: task,
    isVerbatim: true,
    input: from,
    ...(given && { given }),
    ...beside(state, { role, open, replaced, admitted }),
    ...(reportTimeoutMs > 0 && { overdueAfterMs: reportTimeoutMs }),
  });
}

/** `3.1` for the first delegation of decision `3`. */
const delegationName = ({ id }: AddedStep, place: number): string => `${id.slice(id.lastIndexOf('/') + 1)}.${place + 1}`;

function replacementFault({ supersedes }: PlacedAssignment, replaced: AddedStep | undefined): StoredError | undefined {
  if (supersedes === undefined || replaced) return undefined;
  const message = `${quote(supersedes)} in supersedes is no delegation of this goal that is under way.`;
  return { code: 'UNKNOWN_DELEGATION', message, delegationId: supersedes };
}

interface Room {
  readonly role: string;
  readonly admitted: Admitted;
}

function roomFault({ bounds, counts }: ExpansionState, { role, admitted: { add, cancel } }: Room): StoredError | undefined {
  const message = `The delegation to ${quote(role)} would be one too many:`;
  if (counts.parallel - cancel.length + add.length >= bounds.parallel)
    return {
      code: 'TOO_MANY_PARALLEL',
      message: `${message} ${bounds.parallel} may be under way at once (maxParallel). Wait for a report.`,
      role,
      bound: 'maxParallel',
      limit: bounds.parallel,
    };
  if (counts.delegations + add.length >= bounds.delegations)
    return {
      code: 'TOO_MANY_DELEGATIONS',
      message: `${message} ${bounds.delegations} may be made in all (maxDelegations). Finish with what there is.`,
      role,
      bound: 'maxDelegations',
      limit: bounds.delegations,
    };
  return undefined;
}

interface Busy {
  readonly role: string;
  readonly open: readonly AddedStep[];
  readonly replaced: AddedStep | undefined;
}

const policyOf = (state: ExpansionState, role: string): 'another-instance' | 'queue' | 'refuse' => {
  const { whenBusy, keepSession } = settingsOf(state);
  return whenBusy ?? (keepSession.includes(role) ? 'queue' : 'another-instance');
};

function busyFault(state: ExpansionState, { role, open, replaced }: Busy): StoredError | undefined {
  if (policyOf(state, role) !== 'refuse') return undefined;
  const other = open.find((step) => step.role === role && step !== replaced);
  if (!other) return undefined;
  const message = `${quote(role)} is busy with ${quote(other.id)} (whenBusy: refuse). Wait for its report, or replace it (supersedes).`;
  return { code: 'BUSY', message, role, delegationId: other.id };
}

/** How a delegation gets along with others of its role: behind them, or beside them in a session of its own. */
function beside(
  state: ExpansionState,
  { role, open, replaced, admitted }: Busy & Room,
): Pick<StepAddition, 'dependsOn' | 'session'> {
  const policy = policyOf(state, role);
  const isKept = settingsOf(state).keepSession.includes(role);
  if (policy === 'another-instance' && !isKept) return {};
  const others = open.filter((step) => step.role === role);
  const before = admitted.add.filter(
    ({ template }) => template === delegationTemplate(role) || template === delegationTemplate(role, state.ticket),
  );
  if (policy === 'another-instance') {
    const started = before.map(({ session }) => ({ role, session }) as AddedStep);
    const session = freeSession([...others.filter((step) => step !== replaced), ...started], role);
    return session === undefined ? {} : { session };
  }
  const last = before.at(-1);
  const awaited = last ? `${state.goal.id}/${last.name}` : others.filter((step) => step !== replaced).at(-1)?.id;
  return awaited === undefined ? {} : { dependsOn: [awaited] };
}
