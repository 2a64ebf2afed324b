import { receiverFault } from '../../core/deciding/admit.js';
import { busyFault } from '../../core/deciding/busy.js';
import type { Assignment } from '../../core/ports/agent.js';
import type { StoredError } from '../../core/ports/run.js';
import type { ExpansionState } from '../../core/ports/topology.js';
import { quote } from '../../core/shared/issue.js';
import { outputUnder, waitingAbove, type Memo } from './memo.js';
import { allowedFor, settingsOf } from './settings.js';
import { trafficOf, type Course } from './turns.js';
import type { TakenTurn } from './taken-turn.js';

/** Objections that peers cannot settle among themselves. */
const conflicts: ReadonlySet<string> = new Set(['WAIT_CYCLE', 'HANDOFF_CYCLE', 'HANDOFFS_EXHAUSTED', 'LAST_HANDOFF']);
export const isConflict = ({ code }: StoredError): boolean => conflicts.has(code);

/** Why control cannot be handed over; `undefined` where it can. */
export function handoffFault(state: ExpansionState, turn: TakenTurn, assignment: Assignment): StoredError | undefined {
  const { maxHandoffs, arbiter } = settingsOf(state);
  const { memo, step } = turn;
  const { role } = assignment;
  const sender = sendingFault(state, turn, { assignment });
  if (sender) return sender;
  if (memo.handoffs >= maxHandoffs) {
    const message = `There were ${maxHandoffs} handoffs, and there may be no more (maxHandoffs). Finish with what there is.`;
    return { code: 'HANDOFFS_EXHAUSTED', message, role, bound: 'maxHandoffs', limit: maxHandoffs };
  }
  if (arbiter !== null && step.role !== arbiter && memo.handoffs === maxHandoffs - 1) {
    const message = `One handoff is left of ${maxHandoffs} (maxHandoffs), and that is for ${quote(arbiter)} to give.`;
    return { code: 'LAST_HANDOFF', message, role, bound: 'maxHandoffs', limit: maxHandoffs };
  }
  if (!memo.seen.includes(handoffKey(step.role, assignment))) return undefined;
  const message = `${quote(step.role)} has handed the same task to ${quote(role)} before: it goes in a circle.`;
  return { code: 'HANDOFF_CYCLE', message, role };
}

/** Why a task cannot be delegated; `undefined` where it can. */
export function delegationFault(
  state: ExpansionState,
  turn: TakenTurn,
  { assignment, course }: { readonly assignment: Assignment; readonly course: Course },
): StoredError | undefined {
  const { bounds, counts } = state;
  const { role } = assignment;
  const tooMany = (code: string, bound: string, limit: number, what: string): StoredError => ({
    ...{
      code,
      message: `The delegation to ${quote(role)} would be one too many: ${limit} may ${what} (${bound}).`,
      role,
      bound,
      limit,
    },
  });
  const beside = course.add.map((planned) => planned.role);
  const sender = sendingFault(state, turn, { assignment, beside });
  if (sender) return sender;
  if (turn.step.depth >= bounds.depth) return tooMany('TOO_DEEP', 'maxDelegationDepth', bounds.depth, 'lie in one another');
  if (underWay(course.memo) >= bounds.parallel)
    return tooMany('TOO_MANY_PARALLEL', 'maxParallel', bounds.parallel, 'be under way at once');
  if (counts.delegations + course.add.length >= bounds.delegations)
    return tooMany('TOO_MANY_DELEGATIONS', 'maxDelegations', bounds.delegations, 'be made in all');
  return busyFault(trafficOf(state, role, course.add));
}

/** Lines that somebody has asked for, and waits for. */
const underWay = ({ lines }: Memo): number => Object.values(lines).filter(({ askedBy }) => askedBy !== undefined).length;

interface Sending {
  readonly assignment: Assignment;
  /** Roles that the same decision turns to besides. */
  readonly beside?: readonly string[];
}

/** What is wrong with turning to somebody at all, whether for good or for a report. */
function sendingFault(
  state: ExpansionState,
  { step, memo, name }: TakenTurn,
  { assignment, beside = [] }: Sending,
): StoredError | undefined {
  const settings = settingsOf(state);
  const { role } = assignment;
  const fault = receiverFault(state, assignment, {
    ...{ sender: step.role, allowed: allowedFor(settings, step.role), word: 'peer', beside },
    hasOutput: (id) => outputUnder(state, memo, id) !== undefined,
  });
  if (fault) return fault;
  const waiting = waitingAbove(memo, name);
  if (waiting.includes(role)) {
    const chain = [...waiting.slice(0, waiting.indexOf(role) + 1).reverse(), step.role, role];
    const message = `${chain.map(quote).join(' -> ')}: ${quote(role)} waits for this very work, so they would wait for each other.`;
    return { code: 'WAIT_CYCLE', message, role, chain };
  }
  return pairFault(state, memo, { from: step.role, to: role });
}

interface Pair {
  readonly from: string;
  readonly to: string;
}

const pairKey = ({ from, to }: Pair): string => JSON.stringify([from, to]);

function pairFault(state: ExpansionState, { times }: Memo, pair: Pair): StoredError | undefined {
  const { pairLimit } = settingsOf(state);
  const since = times[pairKey(pair)] ?? [];
  const oldest = since.at(-(pairLimit?.limit ?? Infinity));
  if (!pairLimit || oldest === undefined || state.at - oldest >= pairLimit.intervalMs) return undefined;
  const { limit, intervalMs } = pairLimit;
  const message = `${quote(pair.from)} has turned to ${quote(pair.to)} ${limit} times within ${intervalMs} ms (pairLimit). Turn to somebody else, or finish.`;
  return { code: 'PAIR_LIMIT', message, role: pair.to, bound: 'pairLimit', limit };
}

const handoffKey = (from: string, { role, task, input = null }: Assignment): string => JSON.stringify([from, role, task, input]);

interface Turning {
  readonly from: string;
  readonly assignment: Assignment;
  readonly isHandoff: boolean;
}

/** Remembers that one peer has turned to another, as far as there is a limit to it. */
export function noteTurning(state: ExpansionState, memo: Memo, { from, assignment, isHandoff }: Turning): Memo {
  const { pairLimit } = settingsOf(state);
  const key = pairKey({ from, to: assignment.role });
  const times = pairLimit ? { ...memo.times, [key]: [...(memo.times[key] ?? []), state.at].slice(-pairLimit.limit) } : memo.times;
  if (!isHandoff) return { ...memo, times };
  return { ...memo, times, handoffs: memo.handoffs + 1, seen: [...memo.seen, handoffKey(from, assignment)] };
}
