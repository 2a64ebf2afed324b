import { agentsOfStep, defineAdded, type StepDefinition } from '../materializer/definition.js';
import type { StepAddition } from '../ports/topology.js';
import type { Goal, StoredStep } from './goal.js';
import { noteAdded } from './goals.js';
import { mustMoveStep } from './move-step.js';
import { callsAgent, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { growColumns } from './step-columns.js';
import { isSettled } from './step-status.js';

/** Adds a step for a goal. That it may be added was seen to before. It goes on at once where nothing has to end first. */
export function addStep(core: RunCore, goal: Goal, addition: StepAddition, at: number): number {
  const index = insertStep(core, storedStep(core, goal, addition));
  const { id, kind, phase, role, agentId, dependsOn, expands, added } = stepOf(core, index);
  const { title, parent, depth } = added!;
  noteAdded(core, goal, index);
  countStep(core, index);
  publish(core, {
    type: 'step.added',
    stepId: id,
    ...{ kind, phase, title },
    ...(role !== undefined && { role }),
    ...(agentId !== undefined && { agentId }),
    ...{ goal: added!.goal, parent, depth, dependsOn },
    ...(expands !== undefined && { isGoal: true }),
  });
  if (core.columns.unmet[index] === 0) mustMoveStep(core, index, 'RELEASE', { at });
  return index;
}

function storedStep(core: RunCore, goal: Goal, addition: StepAddition): StoredStep {
  const { name, template, parent, title, instructions, dependsOn = [], input = [], given } = addition;
  const { reports, board, session, overdueAfterMs, isVerbatim, mayFinish, seesGaps, inputAs } = addition;
  const goalId = stepOf(core, goal.index).id;
  const isDelegation = core.materialized.definition.templates?.[template]?.kind === 'delegation';
  const around = core.steps[core.graph.indexOf.get(parent)!]!.added?.depth ?? 0;
  return {
    id: `${goalId}/${name}`,
    instructions,
    dependsOn,
    input,
    ...(given && { given }),
    added: {
      ...{ template, goal: goalId, parent, title },
      depth: around + (isDelegation ? 1 : 0),
      before: { added: goal.added.length, ended: goal.ended.length, ...goal.tasks },
      ...(reports && { reports }),
      ...(board && { board }),
      ...(session !== undefined && { session }),
      ...(overdueAfterMs !== undefined && { overdueAfterMs }),
      ...(isVerbatim && { isVerbatim }),
      ...(mayFinish && { mayFinish }),
      ...(seesGaps && { seesGaps }),
      ...(inputAs && { inputAs }),
    },
  };
}

/** Gives a step its row, with every column as that of a step that nothing has happened to. */
export function insertStep(core: RunCore, stored: StoredStep): number {
  const { steps, graph, columns, undo, ledger, dirty } = core;
  const template = core.materialized.definition.templates![stored.added.template]!;
  const step: StepDefinition = defineAdded(template, stored);
  const dependencies = step.dependsOn.map((id) => graph.indexOf.get(id)!);
  if (steps.length === columns.status.length) {
    growColumns(columns, undo);
    growColumns(ledger.columns.held, undo);
  }
  const index = graph.add(step.id, dependencies);
  steps.push(step);
  core.useChart(step.chart);
  dirty.added.mark(index);
  undo.onRollback(() => {
    graph.removeLast(dependencies);
    steps.pop();
    core.dropChart();
  });
  ledger.adopt(index, goalsAround(core, index));
  for (const agentId of agentsOfStep(step)) takePart(core, agentId);
  const open = dependencies.filter((dependency) => !isSettled(statusOf(core, dependency)));
  undo.set(columns.unmet, index, open.length);
  undo.set(columns.cause, index, -1);
  return index;
}

function takePart({ agents, undo }: RunCore, agentId: string): void {
  if (agents.has(agentId)) return;
  agents.add(agentId);
  undo.onRollback(() => agents.delete(agentId));
}

/** The goals that a step was added for, the nearest first: it draws on their budgets. */
function goalsAround({ steps, graph }: RunCore, index: number): number[] {
  const rows: number[] = [];
  for (let { added } = steps[index]!; added; { added } = steps[rows.at(-1)!]!) rows.push(graph.indexOf.get(added.goal)!);
  return rows;
}

/** One step more to wait for. */
function countStep({ run, ledger, steps }: RunCore, index: number): void {
  const step = steps[index]!;
  if (callsAgent(step)) ledger.expect(index, 1);
  if (step.phase === 'synthesis') run.synthesisLeft += 1;
  else run.workLeft += 1;
}
