import type { StepDefinition } from '../../src/core/materializer/definition.js';
import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import type { StepStatus } from '../../src/core/ports/run.js';
import { attemptPlan, effortPlan, isGateOpened, type Fate } from './run-fate.js';

export interface Expected {
  readonly statuses: ReadonlyMap<string, StepStatus>;
  readonly status: 'completed' | 'failed';
  readonly reason?: string;
}

/**
 * How a run must end that nobody cancels and that has neither ceilings nor races, told from the fate alone: one walk through the
 * steps, in the order of the plan, without machines, events or a kernel.
 */
export function expectedEnd(run: MaterializedRun, fate: Fate): Expected {
  const { statuses, ...end } = endBeforeUndoing(run, fate);
  const isUndone = end.status === 'failed' && isCompensated(fate);
  const undone = run.definition.steps.map((step, index): readonly [string, StepStatus] => {
    const status = statuses.get(step.id)!;
    return [step.id, isUndone && step.compensation && status === 'succeeded' ? undoneStatus(step, fate, index) : status];
  });
  return { statuses: new Map(undone), ...end };
}

/** Whether a run that fails is undone. */
export const isCompensated = ({ compensate }: Fate): boolean => compensate === 'always' || compensate === 'on-failure';

/** What a step that succeeded comes to when it is undone. */
export function undoneStatus(step: StepDefinition, fate: Fate, index: number): StepStatus {
  for (let attempt = 1; attempt <= Math.max(3, step.retry.attempts); attempt += 1) {
    const { end } = effortPlan(fate, step, { index, attempt });
    if (end === 'succeed') return 'compensated';
    if (end === 'fatal') return 'failed';
  }
  return 'failed';
}

function endBeforeUndoing({ definition }: MaterializedRun, fate: Fate): Expected {
  const statuses = new Map<string, StepStatus>();
  let doomed = false;
  for (const [index, step] of definition.steps.entries()) {
    if (step.phase === 'synthesis') continue;
    const status = endOf(step, { fate, index, statuses });
    statuses.set(step.id, status);
    doomed ||= status === 'failed' && step.onFailure === 'fail-run';
  }
  const tickets = definition.steps.filter(({ kind }) => kind === 'ticket');
  const isNothingDone = tickets.length > 0 && tickets.every(({ id }) => statuses.get(id) !== 'succeeded');
  for (const [index, step] of definition.steps.entries()) {
    if (step.phase !== 'synthesis') continue;
    statuses.set(step.id, isNothingDone ? 'cancelled' : endOf(step, { fate, index, statuses }));
  }
  if (doomed) return { statuses, status: 'failed', reason: 'step_failed' };
  if (isNothingDone) return { statuses, status: 'failed', reason: 'all_tickets_failed' };
  const isSynthesized = statuses.get(definition.steps.at(-1)!.id) === 'succeeded';
  if (!isSynthesized) return { statuses, status: 'failed', reason: 'synthesis_failed' };
  return fate.deliveryFails ? { statuses, status: 'failed', reason: 'delivery_failed' } : { statuses, status: 'completed' };
}

interface Walk {
  readonly fate: Fate;
  readonly index: number;
  readonly statuses: ReadonlyMap<string, StepStatus>;
}

function endOf(step: StepDefinition, { fate, index, statuses }: Walk): StepStatus {
  if (step.join === 'all-succeeded' && step.dependsOn.some((id) => statuses.get(id) !== 'succeeded')) return 'skipped';
  if (step.gate && !isGateOpened(fate, index)) return 'failed';
  for (let attempt = 1; attempt <= step.retry.attempts; attempt += 1) {
    const { end, late } = attemptPlan(fate, step, { index, attempt });
    if (end === 'succeed') return 'succeeded';
    if (end === 'fatal') return 'failed';
    // Its time runs out; what may happen only once is in doubt until somebody, or its late result, says what became of it.
    if (end === 'hang' && step.effect === 'once') return late === 'succeed' ? 'succeeded' : 'failed';
  }
  return 'failed';
}
