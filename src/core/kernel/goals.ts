import type { StepDefinition } from '../materializer/definition.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Json } from '../shared/json.js';
import type { Goal, StoredGoal } from './goal.js';
import { stepOf, type RunCore } from './run-core.js';

const createGoal = (index: number): Goal => ({
  index,
  memo: null,
  added: [],
  ended: [],
  open: new Set(),
  counts: { steps: 0, decisions: 0, delegations: 0, handoffs: 0, parallel: 0 },
  tasks: { tasks: 0, done: 0 },
  isOver: false,
});

/** The goal that has its place in a row of the step table. */
export const goalAt = ({ goals }: RunCore, index: number): Goal | undefined => goals.get(index);

/** The goal that a step was added to. */
export function goalOf(core: RunCore, index: number): Goal | undefined {
  const id = stepOf(core, index).added?.goal;
  return id === undefined ? undefined : core.goals.get(core.graph.indexOf.get(id)!);
}

/** Gives a goal its first memory of itself. */
export function openGoal(core: RunCore, index: number): Goal {
  const goal = createGoal(index);
  core.goals.set(index, goal);
  touch(core);
  core.undo.onRollback(() => core.goals.delete(index));
  return goal;
}

export function setMemo(core: RunCore, goal: Goal, memo: Json): void {
  const before = goal.memo;
  core.undo.onRollback(() => (goal.memo = before));
  goal.memo = memo;
  touch(core);
}

export function closeGoal(core: RunCore, goal: Goal): void {
  core.undo.onRollback(() => (goal.isOver = false));
  goal.isOver = true;
  touch(core);
}

export function noteAdded(core: RunCore, goal: Goal, index: number): void {
  const step = stepOf(core, index);
  count(goal, step, 1);
  goal.added.push(index);
  goal.open.add(index);
  touch(core);
  core.undo.onRollback(() => {
    count(goal, step, -1);
    goal.added.pop();
    goal.open.delete(index);
  });
}

export function noteEndOfAdded(core: RunCore, goal: Goal, index: number): void {
  const step = stepOf(core, index);
  goal.open.delete(index);
  goal.ended.push(index);
  countEnd(goal, step, 1);
  touch(core);
  core.undo.onRollback(() => {
    // In its place among the open ones: their order is that in which they were added.
    const open = [...goal.open, index].sort((a, b) => a - b);
    goal.open.clear();
    for (const row of open) goal.open.add(row);
    goal.ended.pop();
    countEnd(goal, step, -1);
  });
}

/** Whether a step is something that somebody was given to do, and not a question what is to be done. */
export const isTask = ({ kind }: StepDefinition): boolean => kind !== 'route' && kind !== 'reduce';

function count({ counts, tasks }: Goal, step: StepDefinition, change: 1 | -1): void {
  const { kind, decides } = step;
  if (isTask(step)) tasks.tasks += change;
  counts.steps += change;
  if (decides) counts.decisions += change;
  if (kind === 'handoff') counts.handoffs += change;
  if (kind !== 'delegation') return;
  counts.delegations += change;
  counts.parallel += change;
}

function countEnd({ counts, tasks }: Goal, step: StepDefinition, change: 1 | -1): void {
  if (step.kind === 'delegation') counts.parallel -= change;
  if (isTask(step)) tasks.done += change;
}

/** What is known of goals is stored as one part, which has changed. */
const touch = ({ dirty }: RunCore): void => void (dirty.goals = true);

export const storeGoals = ({ goals }: RunCore): StoredGoal[] =>
  Array.from(goals.values(), ({ index, memo, ended, isOver }) => [index, memo, [...ended], isOver]);

/** Puts goals back, once all steps are there that were added to them. */
export function restoreGoals(core: RunCore, stored: readonly StoredGoal[], plannedSteps: number): void {
  for (const [index, memo, ended, isOver] of stored) {
    const goal = createGoal(index);
    goal.memo = deepFreeze(memo);
    goal.isOver = isOver;
    for (const row of ended) goal.ended.push(row);
    core.goals.set(index, goal);
  }
  for (let index = plannedSteps; index < core.steps.length; index += 1) {
    const goal = goalOf(core, index);
    if (!goal) continue;
    count(goal, stepOf(core, index), 1);
    goal.added.push(index);
    goal.open.add(index);
  }
  for (const goal of core.goals.values()) {
    for (const index of goal.ended) {
      goal.open.delete(index);
      countEnd(goal, stepOf(core, index), 1);
    }
  }
}
