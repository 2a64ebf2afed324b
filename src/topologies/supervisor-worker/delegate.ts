import { handedInput, receiverFault, titleOf } from '../../core/deciding/admit.js';
import { busyFault, placeBeside, type RoleTraffic } from '../../core/deciding/busy.js';
import type { PlacedAssignment, ReadRoute } from '../../core/deciding/read-route.js';
import type { StoredError } from '../../core/ports/run.js';
import type { AddedStep, Expansion, ExpansionEvent, ExpansionState, Report, StepAddition } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { ask, remember } from './ask.js';
import { joinOf } from './join.js';
import { settingsOf, type Memo } from './memo.js';
import { delegationTemplate } from './settings.js';

/** A step of the supervisor has ended with an answer. */
export type Decided = Extract<ExpansionEvent, { readonly type: 'decided' }>;

/** What the supervisor wants delegated, and what was known before. */
export interface Delegating {
  readonly event: Decided;
  readonly route: Extract<ReadRoute, { readonly kind: 'delegate' }>;
  readonly memo: Memo;
}

/** What of a decision has come about so far. */
interface Admitted {
  readonly add: StepAddition[];
  /** Whom those go to. */
  readonly roles: Set<string>;
  /** By the id of what is no longer wanted. */
  readonly cancel: Map<string, NonNullable<Expansion['cancel']>[number]>;
  readonly refusals: { readonly place: number; readonly role: string; readonly error: StoredError }[];
}

/** Starts what can be started. Of a decision that can be followed in part, that part is, and the rest is told with the next report. */
export function delegate(state: ExpansionState, { event, route, memo }: Delegating): Expansion {
  const admitted: Admitted = { add: [], roles: new Set(), cancel: new Map(), refusals: [] };
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
  return {
    ...goesOn,
    add: [...add, ...joinOf(state, event.step, add), ...(goesOn.add ?? [])],
    cancel: [...cancel.values()],
    refused,
    reason,
  };
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
  // What an earlier part of the decision has replaced is not there to be replaced again.
  const isLeft = ({ id }: AddedStep): boolean => !admitted.cancel.has(id);
  const replaced = supersedes === undefined ? undefined : open.find((step) => step.id === supersedes && isLeft(step));
  const traffic = trafficOf(state, { role, open: open.filter(isLeft), replaced, admitted });
  const error =
    receiverFault(state, assignment, { sender: supervisor, allowed: workers, word: 'worker', beside: admitted.roles }) ??
    replacementFault(assignment, replaced) ??
    roomFault(state, { role, replaced, admitted }) ??
    busyFault(traffic);
  if (error) return void admitted.refusals.push({ place, role, error });
  if (replaced) {
    const reason = `${quote(event.step.id)} has replaced it by another delegation.`;
    admitted.cancel.set(replaced.id, { id: replaced.id, outcome: 'superseded', reason });
  }
  const own = delegationTemplate(role, state.ticket);
  const given = handedInput(assignment);
  admitted.roles.add(role);
  admitted.add.push({
    name: delegationName(event.step, place),
    template: state.hasTemplate(own) ? own : delegationTemplate(role),
    parent: event.step.id,
    title: titleOf(assignment),
    instructions: task,
    isVerbatim: true,
    input: from,
    ...(given && { given }),
    ...placeBeside(traffic),
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
  /** Makes room for what takes its place. */
  readonly replaced: AddedStep | undefined;
  readonly admitted: Admitted;
}

function roomFault(
  { bounds, counts }: ExpansionState,
  { role, replaced, admitted: { add, cancel } }: Room,
): StoredError | undefined {
  const message = `The delegation to ${quote(role)} would be one too many:`;
  const underWay = counts.parallel - cancel.size - (replaced ? 1 : 0) + add.length;
  if (underWay >= bounds.parallel)
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

interface Beside extends Room {
  readonly open: readonly AddedStep[];
}

function trafficOf(state: ExpansionState, { role, open, replaced, admitted }: Beside): RoleTraffic {
  const { whenBusy, keepSession } = settingsOf(state);
  const templates = [delegationTemplate(role), delegationTemplate(role, state.ticket)];
  return {
    role,
    policy: whenBusy,
    keepsSession: keepSession.includes(role),
    open: open.filter((step) => step.role === role && step !== replaced),
    added: admitted.add
      .filter(({ template }) => templates.includes(template))
      .map(({ name, session }) => ({ id: `${state.goal.id}/${name}`, ...(session !== undefined && { session }) })),
  };
}
