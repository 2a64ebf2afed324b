import { readRoute, type ReadRoute } from '../../core/deciding/read-route.js';
import type { StoredError } from '../../core/ports/run.js';
import type { Expansion, ExpansionState, Report } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { ask, remember } from './ask.js';
import { delegate, type Decided } from './delegate.js';
import { isJoining } from './join.js';
import { memoOf, settingsOf, type Memo } from './memo.js';

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
  if (state.counts.parallel > 0 || isJoining(state)) return { ...remember(memo), reason: 'waits for what is under way' };
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
