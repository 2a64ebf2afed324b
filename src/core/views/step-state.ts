import type { Json } from '../shared/json.js';
import type { Plan } from '../ports/plan.js';
import type { PlannedStepFact, RunEvent } from '../ports/run-output.js';
import type { Gap } from '../ports/run.js';
import type { StepState } from './fold-step.js';
import type { WaitReason } from '../ports/wait.js';
import type { StepView } from './step-view.js';
import { createSpendSum, totalsOf } from './usage-totals.js';

/** A step as it was saved, with the output that is kept elsewhere. */
export function restoreStep({ outputReleased, ...saved }: StepState, output: Json | undefined): StepState {
  // Versions before did not count how long it was queued.
  const step = { ...saved, queuedMs: (saved as Partial<StepState>).queuedMs ?? 0, spent: { ...saved.spent } };
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
  queuedMs: 0,
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
export function replanSteps(
  steps: Map<string, StepState>,
  { steps: planned, at }: { readonly steps: readonly PlannedStepFact[]; readonly at: number },
): void {
  const before = new Map(steps);
  steps.clear();
  for (const { id, kind, title, role, agentId, isGoal, wave, standing } of planned) {
    const known = before.get(id);
    const fresh = { ...stepState({ id, title, kind }, wave), ...(role !== undefined && { role }), ...(isGoal && { isGoal }) };
    const { attempts, activeMs, queuedMs, usage, spent } = known ?? fresh;
    const anew = { ...fresh, attempts, activeMs, queuedMs, usage, spent, since: at };
    const step = standing === 'kept' && known ? { ...known, title, wave } : anew;
    steps.set(id, { ...step, ...(agentId !== undefined && { agentId }) });
  }
  for (const [id, step] of before) if (step.goal !== undefined && steps.has(step.goal)) steps.set(id, step);
}

export function viewStep(
  {
    spent: _,
    attemptStartedAt: _startedAt,
    begun: _begun,
    lostAttempt: _lost,
    takenOver: _takenOver,
    since: _since,
    prompt: _prompt,
    ...step
  }: StepState,
  waiting: WaitReason | undefined,
): StepView {
  return waiting ? { ...step, waiting } : step;
}

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
