import type { Expand, Expansion, ExpansionEvent, ExpansionState, ReportReference } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { followDecision } from './follow-decision.js';
import { ask, remember } from './ask.js';
import { isJoinedNext } from './join.js';
import { firstMemo, memoOf, settingsOf, type Memo } from './memo.js';

/** The supervisor is asked at the beginning and whenever there is something to tell it, one question at a time. */
export const expandSupervisor: Expand = (state, event) => {
  switch (event.type) {
    case 'begun':
      return ask(state, firstMemo);
    case 'decided':
      return followDecision(state, event);
    case 'reported':
      return event.step.decides ? giveUp(state, event) : hearReport(state, event);
    case 'noticed':
      return event.step.decides ? {} : hearNotice(state, event);
  }
};

type EventOf<Type extends ExpansionEvent['type']> = Extract<ExpansionEvent, { readonly type: Type }>;

/** The supervisor itself has failed, as often as it was to be tried. */
function giveUp(state: ExpansionState, { step, outcome, error }: EventOf<'reported'>): Expansion {
  const cause = error ?? { code: 'NO_OUTPUT', message: `it is ${outcome}` };
  const message = `${quote(step.id)}, in which ${quote(settingsOf(state).supervisor)} was to decide, came to nothing: ${cause.message}`;
  return { end: { failed: { code: 'DECISION_FAILED', message, decision: step.id, cause } } };
}

function hearReport(state: ExpansionState, { step, outcome }: EventOf<'reported'>): Expansion {
  const memo = told(memoOf(state), step.id);
  // Who has replaced it knows; it is told with the next report. That of a join comes at once, when all that it joins have ended.
  return outcome === 'superseded' || isJoinedNext(state, step) ? remember(memo) : askUnlessAsked(state, memo);
}

/** A notice does not end anything, so there might be many: those beyond one for each delegation are on record, and no more. */
function hearNotice(state: ExpansionState, { step, notice, output = null }: EventOf<'noticed'>): Expansion {
  const { id: delegationId, role } = step;
  const memo = memoOf(state);
  if (memo.notices >= state.bounds.delegations) return {};
  const report = { delegationId, role, outcome: notice, output };
  return askUnlessAsked(state, told({ ...memo, notices: memo.notices + 1 }, report));
}

const told = (memo: Memo, report: ReportReference): Memo => ({ ...memo, pending: [...memo.pending, report] });

const askUnlessAsked = (state: ExpansionState, memo: Memo): Expansion => (memo.isAsked ? remember(memo) : ask(state, memo));
