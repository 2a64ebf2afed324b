import { handedInput, titleOf } from '../../core/deciding/admit.js';
import { placeBeside, type RoleTraffic } from '../../core/deciding/busy.js';
import type { Assignment } from '../../core/ports/agent.js';
import type { AddedStep, Expansion, ExpansionState, ReportReference, StepAddition } from '../../core/ports/topology.js';
import type { JsonObject } from '../../core/shared/json.js';
import { asJson, outputUnder, withLine, type Line, type Memo } from './memo.js';
import { allowedFor, settingsOf, turnTemplate, type TurnKind } from './settings.js';

/** What has come of a decision so far: what is known then, and the steps to add. */
export interface Course {
  readonly memo: Memo;
  readonly add: readonly PlannedTurn[];
}

/** A course as a topology answers it. */
export const expansionOf = ({ memo, add }: Course): Expansion => ({ memo: asJson(memo), add: add.map(({ step }) => step) });

/** A step to add, and whose it is. */
export interface PlannedTurn {
  readonly role: string;
  readonly step: StepAddition;
}

interface Turn {
  readonly kind: TurnKind;
  readonly role: string;
  readonly parent: string;
  readonly title: string;
  readonly task: Pick<StepAddition, 'instructions' | 'isVerbatim' | 'input' | 'inputAs' | 'given'>;
  readonly reports?: readonly ReportReference[];
  /** What its board shows besides. */
  readonly board?: JsonObject;
}

/** The line whose turn it will be: all but the turn itself. */
type NextLine = Pick<Line, 'awaits' | 'askedBy'>;

/** Gives a peer the next turn of a line. A line without a name is a new one, and is called after the step that it begins with. */
function takeTurn(
  state: ExpansionState,
  { memo, add }: Course,
  { turn, line, name }: { readonly turn: Turn; readonly line: NextLine; readonly name?: string },
): Course & { readonly name: string } {
  const { goal, ticket } = state;
  const { kind, role, parent, title, task, reports = [] } = turn;
  const settings = settingsOf(state);
  const number = memo.turns + 1;
  const id = `${goal.id}/${number}`;
  const own = turnTemplate(kind, role, ticket);
  // Somebody waits for what comes of it, through however many hands it goes.
  const isWatched = line.askedBy !== undefined && settings.reportTimeoutMs > 0;
  const step: StepAddition = {
    ...{ name: String(number), parent, title, ...task, reports },
    ...(line.askedBy === undefined && { mayFinish: true }),
    template: state.hasTemplate(own) ? own : turnTemplate(kind, role),
    board: {
      ...{ allowed: allowedFor(settings, role), handoffsLeft: settings.maxHandoffs - memo.handoffs },
      ...{ refusalsLeft: settings.maxRefusals - memo.refusals, ...turn.board },
    },
    ...placeBeside(trafficOf(state, role, add)),
    ...(isWatched && { overdueAfterMs: settings.reportTimeoutMs }),
  };
  const next: Line = { turn: id, role, isAsked: true, pending: [], ...line };
  const lineName = name ?? id;
  return { memo: withLine({ ...memo, turns: number }, lineName, next), add: [...add, { role, step }], name: lineName };
}

/** How a new turn of a role gets along with those that it has. */
export function trafficOf(state: ExpansionState, role: string, add: Course['add']): RoleTraffic {
  const { whenBusy, keepSession } = settingsOf(state);
  return {
    role,
    policy: whenBusy,
    keepsSession: keepSession.includes(role),
    open: state.open().filter((step) => step.role === role),
    added: add
      .filter((planned) => planned.role === role)
      .map(({ step: { name, session } }) => ({ id: `${state.goal.id}/${name}`, ...(session !== undefined && { session }) })),
  };
}

/** The goal is handed to the entry. */
export function enter(state: ExpansionState, memo: Memo): Course {
  const { goal } = state;
  const { entry } = settingsOf(state);
  const task = { instructions: goal.instructions, input: goal.input, ...(goal.given && { given: goal.given }) };
  const turn: Turn = { kind: 'handoff', role: entry, parent: goal.id, title: `${entry}: the goal`, task };
  return takeTurn(state, { memo, add: [] }, { turn, line: { awaits: [] } });
}

/** A peer goes on with what it was given: there is something to tell it. */
export function goOn(
  state: ExpansionState,
  course: Course,
  { name, line }: { readonly name: string; readonly line: Line },
): Course {
  const step = state.stepOf(line.turn)!;
  const { askedBy, awaits, pending, role } = line;
  const turn: Turn = {
    ...{ kind: 'route', role, parent: step.id, title: `${role}: goes on`, reports: pending },
    task: taskOf(step),
  };
  return takeTurn(state, course, { turn, name, line: { awaits, ...(askedBy !== undefined && { askedBy }) } });
}

/** The instructions of a peer are the goal's, or another peer's. */
const taskOf = ({ instructions, isVerbatim, input, inputAs, given }: AddedStep): Turn['task'] => ({
  instructions,
  input,
  ...(inputAs && { inputAs }),
  ...(isVerbatim && { isVerbatim }),
  ...(given && { given }),
});

function handed(state: ExpansionState, memo: Memo, assignment: Assignment): Turn['task'] {
  const { task, from = [] } = assignment;
  const given = handedInput(assignment);
  const inputAs = Object.fromEntries(from.map((id) => [id, outputUnder(state, memo, id)!]));
  return { instructions: task, isVerbatim: true, ...(from.length > 0 && { inputAs }), ...(given && { given }) };
}

interface Handing {
  readonly step: AddedStep;
  readonly assignment: Assignment;
}

/** Another peer has control of the line from now on. */
export function handOver(
  state: ExpansionState,
  course: Course,
  { step, assignment, name, line }: Handing & { readonly name: string; readonly line: Line },
): Course {
  const { awaits, pending, askedBy } = line;
  const { role } = assignment;
  const turn: Turn = {
    kind: 'handoff',
    role,
    parent: step.id,
    title: titleOf(assignment),
    task: handed(state, course.memo, assignment),
    reports: pending,
  };
  return takeTurn(state, course, { turn, name, line: { awaits, ...(askedBy !== undefined && { askedBy }) } });
}

/** Another peer is given a task, and reports. Gives the line that begins with it. */
export function delegateTo(
  state: ExpansionState,
  course: Course,
  { step, assignment, askedBy }: Handing & { readonly askedBy: string },
): Course & { readonly name: string } {
  const { role } = assignment;
  const turn: Turn = {
    kind: 'delegation',
    role,
    parent: step.id,
    title: titleOf(assignment),
    task: handed(state, course.memo, assignment),
  };
  return takeTurn(state, course, { turn, line: { awaits: [], askedBy } });
}

/** The arbiter has control of a line, because its peers do not get on. */
export function arbitrate(
  state: ExpansionState,
  course: Course,
  {
    step,
    name,
    line,
    matter,
  }: { readonly step: AddedStep; readonly name: string; readonly line: Line; readonly matter: JsonObject },
): Course {
  const { askedBy, awaits, pending } = line;
  const role = settingsOf(state).arbiter!;
  const turn: Turn = {
    ...{ kind: 'route', role, parent: step.id, title: `${role}: arbitrates`, reports: pending },
    task: taskOf(step),
    board: { arbitration: matter },
  };
  return takeTurn(state, course, { turn, name, line: { awaits, ...(askedBy !== undefined && { askedBy }) } });
}
