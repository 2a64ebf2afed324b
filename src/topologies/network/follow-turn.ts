import { readRoute, type ReadRoute } from '../../core/deciding/read-route.js';
import type { Assignment } from '../../core/ports/agent.js';
import type { StoredError } from '../../core/ports/run.js';
import type { AddedStep, Expansion, ExpansionEvent, ExpansionState, Report } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { delegationFault, handoffFault, isConflict, noteTurning } from './faults.js';
import { linesBelow, lineOf, memoOf, withLine, withoutLines, type Line, type Memo } from './memo.js';
import { reportTo } from './report.js';
import { settingsOf } from './settings.js';
import type { TakenTurn } from './taken-turn.js';
import { arbitrate, delegateTo, expansionOf, goOn, handOver, type Course } from './turns.js';

type Decided = Extract<ExpansionEvent, { readonly type: 'decided' }>;

/** Does what a peer has decided, as far as it can be done; what cannot is told to it, and counts against the refusals of the goal. */
export function followTurn(state: ExpansionState, event: Decided): Expansion {
  const before = memoOf(state);
  const found = lineOf(before, event.step.id);
  // Its line was broken off while it was deciding.
  if (!found) return {};
  const [name, asked] = found;
  const line: Line = { ...asked, isAsked: false };
  const turn: TakenTurn = { step: event.step, memo: withLine(before, name, line), name, line };
  const route = readRoute(event.route);
  switch (route.kind) {
    case 'finish':
      return finish(state, turn, event);
    case 'handoff':
      return handoff(state, turn, route.assignment);
    case 'delegate':
      return delegate(state, turn, route);
    case 'unreadable':
      return refuse(state, turn, route.error);
  }
}

/** The line has ended: the goal with it, where it is the goal's own, or else there is a report to make. */
function finish(state: ExpansionState, turn: TakenTurn, { step, output }: Decided): Expansion {
  const { memo, name, line } = turn;
  if (line.askedBy === undefined) {
    const { outputSchema } = state.goal;
    const faults = outputSchema === undefined ? [] : state.faultsOf(outputSchema, output);
    if (faults.length === 0) return { reason: 'finished', end: { succeeded: step.id } };
    const message = `It finished with an output that the ticket's schema refuses: ${faults.join('; ')}.`;
    return refuse(state, turn, { code: 'OUTPUT_INVALID', message, faults });
  }
  const role = state.stepOf(name)?.role ?? step.role;
  const report = { delegationId: name, role, outcome: 'completed', outputFrom: step.id } as const;
  const { rest, cancel } = breakOffBelow(state, memo, name);
  const answered = { ...rest, answers: { ...rest.answers, [name]: step.id } };
  return { ...expansionOf(reportTo(state, { memo: answered, name, report })), cancel, reason: 'finished, and reports' };
}

/** Whatever a line waits for is not wanted any more once it has ended. */
function breakOffBelow(state: ExpansionState, memo: Memo, name: string) {
  const below = linesBelow(memo, name);
  const turns = new Set(below.map((other) => memo.lines[other]?.turn));
  const cancel = state
    .open()
    .filter(({ id }) => turns.has(id))
    .map(({ id }) => ({ id, outcome: 'cancelled', reason: `${quote(name)}, which it was to report to, has ended.` }) as const);
  return { rest: withoutLines(memo, below), cancel };
}

function handoff(state: ExpansionState, turn: TakenTurn, assignment: Assignment): Expansion {
  const { step, name } = turn;
  const error = handoffFault(state, turn, assignment);
  if (error) return objectTo(state, turn, { error, assignment });
  const memo = noteTurning(state, turn.memo, { from: step.role, assignment, isHandoff: true });
  const { line } = turn;
  const course = handOver(state, { memo, add: [] }, { step, assignment, name, line });
  return { ...expansionOf(course), reason: `handed over to ${quote(assignment.role)}` };
}

function delegate(state: ExpansionState, turn: TakenTurn, route: Extract<ReadRoute, { readonly kind: 'delegate' }>): Expansion {
  const { step, name, line } = turn;
  const { assignments, unreadable } = route;
  if (assignments.length + unreadable.length === 0) return wait(state, turn);
  let course: Course = { memo: turn.memo, add: [] };
  const begun: string[] = [];
  const refused: { readonly place: number; readonly role: string; readonly error: StoredError }[] = [];
  for (const { place, error } of unreadable) refused.push({ place, role: '', error });
  for (const assignment of assignments) {
    const error = delegationFault(state, { ...turn, memo: course.memo }, { assignment, course });
    if (error) {
      refused.push({ place: assignment.place, role: assignment.role, error });
      continue;
    }
    const memo = noteTurning(state, course.memo, { from: step.role, assignment, isHandoff: false });
    const next = delegateTo(state, { memo, add: course.add }, { step, assignment, askedBy: name });
    begun.push(next.name);
    course = { memo: next.memo, add: next.add };
  }
  refused.sort((a, b) => a.place - b.place);
  const [first] = refused;
  if (begun.length === 0 && first) {
    const conflict = refused.find(({ error }) => isConflict(error)) ?? first;
    const assignment = assignments.find(({ place }) => place === conflict.place);
    return objectTo(state, turn, { error: conflict.error, ...(assignment && { assignment }) });
  }
  const reports = refused.map(({ place, role, error }): Report => ({
    delegationId: `${step.id}.${place + 1}`,
    role,
    outcome: 'refused',
    output: error,
  }));
  const waiting: Line = { ...line, awaits: [...line.awaits, ...begun], pending: [...line.pending, ...reports] };
  return {
    ...expansionOf({ memo: withLine(course.memo, name, waiting), add: course.add }),
    refused: refused.map(({ error }) => error),
    reason: `delegated ${begun.length} of ${begun.length + refused.length}`,
  };
}

/** It waits for what it has delegated before. */
function wait(state: ExpansionState, turn: TakenTurn): Expansion {
  const { memo, name, line } = turn;
  if (line.pending.length > 0)
    return { ...expansionOf(goOn(state, { memo, add: [] }, { name, line })), reason: 'waits, and there is news' };
  if (line.awaits.length > 0) return { ...expansionOf({ memo, add: [] }), reason: 'waits for what it has delegated' };
  const message = 'It waits, but has delegated nothing that is under way. Delegate something, hand over, or finish.';
  return refuse(state, turn, { code: 'NOTHING_UNDER_WAY', message });
}

interface Objection {
  readonly error: StoredError;
  readonly assignment?: Assignment;
}

/** What cannot be: between peers that do not get on, the arbiter decides, where there is one; anything else is for the peer to mend. */
function objectTo(state: ExpansionState, turn: TakenTurn, { error, assignment }: Objection): Expansion {
  const { arbiter, maxRefusals } = settingsOf(state);
  const { step, memo, name, line } = turn;
  const mayArbitrate = arbiter !== null && step.role !== arbiter && isConflict(error) && memo.refusals < maxRefusals;
  if (!mayArbitrate) return refuse(state, turn, error);
  const matter = { ...error, from: step.role, ...(assignment && { wanted: { role: assignment.role, task: assignment.task } }) };
  const counted = { ...memo, refusals: memo.refusals + 1 };
  const course = arbitrate(state, { memo: counted, add: [] }, { step, name, line, matter });
  return { ...expansionOf(course), refused: [error], reason: `${quote(arbiter)} arbitrates` };
}

/** Nothing of the decision was followed: the peer is told why, and asked again, as often as refusals are allowed. */
function refuse(state: ExpansionState, turn: TakenTurn, error: StoredError): Expansion {
  const { maxRefusals } = settingsOf(state);
  const { step, memo, name, line } = turn;
  if (memo.refusals >= maxRefusals) return exhaust(state, step, error);
  const report: Report = { delegationId: step.id, role: step.role, outcome: 'refused', output: error };
  const told: Line = { ...line, pending: [...line.pending, report] };
  const counted = withLine({ ...memo, refusals: memo.refusals + 1 }, name, told);
  return { ...expansionOf(goOn(state, { memo: counted, add: [] }, { name, line: told })), refused: [error], reason: 'refused' };
}

/** More decisions were refused than may be. What stood in the way of the last one is the bound that the reason names, if it was one. */
function exhaust(state: ExpansionState, { id, role }: AddedStep, last: StoredError): Expansion {
  const { maxRefusals } = settingsOf(state);
  const message = `${quote(state.goal.id)} was not finished, and ${maxRefusals} decisions were refused before (maxRefusals). The last was ${quote(id)}, of ${quote(role)}: ${last.message}`;
  const { bound = 'maxRefusals', limit = maxRefusals } = last;
  const error: StoredError = { code: 'REFUSALS_EXHAUSTED', message, bound, limit, decision: id, cause: last };
  return { reason: 'its refusals are used up', refused: [last], end: { failed: error } };
}
