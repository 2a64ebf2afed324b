import type { Expand, Expansion, ExpansionEvent, ExpansionState, Report } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { followTurn } from './follow-turn.js';
import { asJson, firstMemo, lineOf, memoOf, withLine } from './memo.js';
import { reportTo } from './report.js';
import { enter, expansionOf, goOn } from './turns.js';

/** One peer has control of a line at a time; what it delegates are lines of their own, and it goes on when all of them have reported. */
export const expandNetwork: Expand = (state, event) => {
  switch (event.type) {
    case 'begun':
      return expansionOf(enter(state, firstMemo));
    case 'decided':
      return followTurn(state, event);
    case 'reported':
      return breakOff(state, event);
    case 'noticed':
      return hearNotice(state, event);
  }
};

type EventOf<Type extends ExpansionEvent['type']> = Extract<ExpansionEvent, { readonly type: Type }>;

/** A peer has failed, as often as it was to be tried: so has its line. */
function breakOff(state: ExpansionState, { step, outcome, error }: EventOf<'reported'>): Expansion {
  const memo = memoOf(state);
  const found = lineOf(memo, step.id);
  // It was cancelled together with its line.
  if (!found) return {};
  const [name, { askedBy }] = found;
  const cause = error ?? { code: 'NO_OUTPUT', message: `it is ${outcome}` };
  if (askedBy === undefined) {
    const message = `${quote(step.id)}, in which ${quote(step.role)} was to decide, came to nothing: ${cause.message}`;
    return { end: { failed: { code: 'DECISION_FAILED', message, decision: step.id, cause } } };
  }
  const report: Report = { delegationId: name, role: roleOf(state, name), outcome, output: cause };
  return expansionOf(reportTo(state, { memo, name, report }));
}

const roleOf = (state: ExpansionState, stepId: string): string => state.stepOf(stepId)?.role ?? '';

/** Who waits for a peer that does not report hears of it, and may decide otherwise. There are no more such turns than delegations. */
function hearNotice(state: ExpansionState, { step, notice, output = null }: EventOf<'noticed'>): Expansion {
  const memo = memoOf(state);
  const [delegationId = '', { askedBy: asking = '' } = {}] = lineOf(memo, step.id) ?? [];
  const line = memo.lines[asking];
  if (!line || memo.notices >= state.bounds.delegations) return {};
  const report: Report = { delegationId, role: roleOf(state, delegationId), outcome: notice, output };
  const told = { ...line, pending: [...line.pending, report] };
  const counted = withLine({ ...memo, notices: memo.notices + 1 }, asking, told);
  return line.isAsked
    ? { memo: asJson(counted) }
    : expansionOf(goOn(state, { memo: counted, add: [] }, { name: asking, line: told }));
}
