import type { Json } from '../shared/json.js';
import type { Plan } from '../ports/plan.js';
import type { PlannedStepFact, RunEvent } from '../ports/run-output.js';
import type { Gap } from '../ports/run.js';
import type { StepState } from './fold-step.js';
import type { StepView } from './step-view.js';
import { createSpendSum, totalsOf } from './usage-totals.js';

/** A step as it was saved, with the output that is kept elsewhere. */
export function restoreStep({ outputReleased, ...saved }: StepState, output: Json | undefined): StepState {
  const step = { ...saved, spent: { ...saved.spent } };
  if (!outputReleased) return step;
  return output === undefined ? { ...step, outputReleased } : { ...step, output };
}

export const stepState = (
  { id, title, kind, role, expands }: Pick<Plan['steps'][number], 'id' | 'title' | 'kind' | 'role' | 'expands'>,
  wave: number,
): StepState => ({
  id,
  title,
  kind,
  ...(role !== undefined && { role }),
  ...(expands !== undefined && { isGoal: true }),
  wave,
  status: 'blocked',
  attempts: 0,
  activeMs: 0,
  usage: totalsOf(createSpendSum()),
  spent: createSpendSum(),
  attemptStartedAt: undefined,
});

export function addedStepState(event: Extract<RunEvent, { readonly type: 'step.added' }>, wave: number): StepState {
  const { stepId: id, title, kind, role, agentId, isGoal, goal, parent, depth, dependsOn } = event;
  return {
    ...stepState({ id, title, kind, ...(role !== undefined && { role }) }, wave),
    ...(agentId !== undefined && { agentId }),
    ...(isGoal && { isGoal }),
    ...{ goal, parent, depth, dependsOn },
  };
}

/** Puts the steps of another plan in the place of those before, with what is kept of them. Those that were added stand behind. */
export function replanSteps(steps: Map<string, StepState>, planned: readonly PlannedStepFact[]): void {
  const before = new Map(steps);
  steps.clear();
  for (const { id, kind, title, role, agentId, isGoal, wave, standing } of planned) {
    const known = before.get(id);
    const fresh = { ...stepState({ id, title, kind }, wave), ...(role !== undefined && { role }), ...(isGoal && { isGoal }) };
    const { attempts, activeMs, usage, spent } = known ?? fresh;
    const step = standing === 'kept' && known ? { ...known, title, wave } : { ...fresh, attempts, activeMs, usage, spent };
    steps.set(id, { ...step, ...(agentId !== undefined && { agentId }) });
  }
  for (const [id, step] of before) if (step.goal !== undefined && steps.has(step.goal)) steps.set(id, step);
}

export const viewStep = ({ spent: _, attemptStartedAt: _startedAt, ...step }: StepState): StepView => step;

export function gapOf({ id, kind, goal, status, error }: StepState): Gap[] {
  const isGap = status === 'failed' || status === 'skipped' || status === 'cancelled' || status === 'in-doubt';
  // What a route did not choose is not missed.
  return kind === 'ticket' && goal === undefined && isGap && error && error.code !== 'NOT_CHOSEN'
    ? [{ key: id, status, reason: error }]
    : [];
}

export function assignAgents(steps: Iterable<StepState>, roles: Readonly<Record<string, { readonly agentId: string }>>): void {
  const agents = new Map(Object.entries(roles));
  for (const step of steps) {
    const agent = agents.get(step.role ?? '');
    if (agent) step.agentId = agent.agentId;
  }
}
