import type { StoredError } from '../ports/run.js';
import type { Expansion, ExpansionEvent } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { addStep } from './add-step.js';
import { noteAnswerOf } from './answers.js';
import { boundFault } from './expansion-bounds.js';
import { expansionFault } from './expansion-fault.js';
import { expansionState } from './expansion-state.js';
import { concludeFailure } from './fail-step.js';
import type { Goal } from './goal.js';
import { closeGoal, openGoal, setMemo } from './goals.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { isOver, publish, stepOf, type RunCore } from './run-core.js';
import { withdrawStep } from './withdraw-step.js';

/** The turn of a step has come that others are added for. */
export function beginGoal(core: RunCore, index: number, at: number): void {
  const stepId = stepOf(core, index).id;
  core.run.stepsStarted += 1;
  core.undo.set(core.columns.attempt, index, 1);
  mustMoveStep(core, index, 'START', { at });
  publish(core, { type: 'step.started', stepId, attempt: 1 });
  expandGoal(core, openGoal(core, index), { event: { type: 'begun' }, at });
}

/** Something that has happened to a goal. */
export interface Happening {
  readonly event: ExpansionEvent;
  readonly at: number;
}

/** Asks the topology what follows for a goal, and does it: all of it, or, where it cannot be, the goal ends. */
export function expandGoal(core: RunCore, goal: Goal, { event, at }: Happening): void {
  if (goal.isOver || core.run.stop || isOver(core)) return;
  const decision = event.type === 'begun' ? stepOf(core, goal.index).id : event.step.id;
  const expansion = ask(core, goal, { event, at });
  const { add = [], cancel = [] } = expansion;
  const fault = 'fault' in expansion ? expansion.fault : invalid(core, goal, { expansion, decision });
  const error = fault ?? boundFault(core, goal, { add, cancel: cancel.map(({ id }) => id), decision });
  if (error) return endGoal(core, goal, { failed: error, at });
  if (expansion.memo !== undefined && expansion.memo !== goal.memo) setMemo(core, goal, deepFreeze(expansion.memo));
  for (const { id, outcome, reason } of cancel) {
    const code = outcome === 'superseded' ? 'SUPERSEDED' : 'NOT_WANTED';
    withdrawStep(core, core.graph.indexOf.get(id)!, { error: { code, message: reason, decision }, at });
  }
  const added = add.map((addition) => stepOf(core, addStep(core, goal, addition, at)).id);
  if (event.type === 'decided') tellDecision(core, { stepId: decision, expansion, added });
  if (expansion.end) endGoal(core, goal, { ...expansion.end, ...outputOf(event), at });
  else if (goal.open.size === 0) endGoal(core, goal, { failed: stalled(core, goal, decision), at });
}

function ask(core: RunCore, goal: Goal, { event, at }: Happening): Expansion & { readonly fault?: StoredError } {
  try {
    return core.expanderOf(goal.index)(expansionState(core, goal, at), event);
  } catch (cause) {
    // The code is somebody else's: what it throws must not end the process, or the run of others.
    const message = `The topology threw instead of saying how ${quote(stepOf(core, goal.index).id)} goes on: ${cause instanceof Error ? cause.message : quote(cause)}`;
    return { fault: { code: 'TOPOLOGY_FAULT', message } };
  }
}

function invalid(
  core: RunCore,
  goal: Goal,
  { expansion, decision }: { readonly expansion: Expansion; readonly decision: string },
): StoredError | undefined {
  const detail = expansionFault(core, goal, expansion);
  if (detail === undefined) return undefined;
  const message = `The topology answered for ${quote(stepOf(core, goal.index).id)} with what cannot be: ${detail}.`;
  return { code: 'EXPANSION_INVALID', message, decision };
}

interface Decision {
  readonly stepId: string;
  readonly expansion: Expansion;
  readonly added: readonly string[];
}

function tellDecision(core: RunCore, { stepId, expansion: { reason = '', refused = [] }, added }: Decision): void {
  publish(core, { type: 'step.routed', stepId, to: added, reason });
  if (refused.length > 0) publish(core, { type: 'step.route-refused', stepId, refusals: refused });
}

/** Nothing is under way for the goal, and nothing was added: it would wait for ever. */
function stalled(core: RunCore, goal: Goal, decision: string): StoredError {
  const message = `Nothing is under way for ${quote(stepOf(core, goal.index).id)} any more, and the topology added nothing.`;
  return { code: 'GOAL_STALLED', message, decision };
}

function outputOf(event: ExpansionEvent): { readonly output?: Json } {
  const { output }: { readonly output?: Json } = event.type === 'begun' ? {} : event;
  return output === undefined ? {} : { output };
}

type GoalEnd = (
  { readonly succeeded: string; readonly isVerified?: true; readonly output?: Json } | { readonly failed: StoredError }
) & { readonly at: number };

/** The goal is over. What is under way for it is not wanted any more. */
function endGoal(core: RunCore, goal: Goal, end: GoalEnd): void {
  const { index } = goal;
  const { id: stepId } = stepOf(core, index);
  const { at } = end;
  closeGoal(core, goal);
  const error = { code: 'GOAL_ENDED', message: `${quote(stepId)}, which it was added for, has come to its end.` };
  for (const open of [...goal.open]) withdrawStep(core, open, { error, at });
  if ('failed' in end) {
    mustMoveStep(core, index, 'FAIL', { at });
    return concludeFailure(core, index, { error: end.failed, spend: noSpend, at });
  }
  mustMoveStep(core, index, 'SUCCEED', { at });
  const { succeeded: outputFrom, isVerified, output = null } = end;
  // One that is itself a part of a goal is reported to it like any other.
  if (stepOf(core, index).added) noteAnswerOf(core, index, { output, route: null });
  const fact = { type: 'step.succeeded', stepId, attempt: 1, output, spend: noSpend, outputFrom } as const;
  publish(core, { ...fact, ...(isVerified && { isVerified }) });
}
