import type { LineWait } from '../limits/line-waits.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { Clock } from '../ports/clock.js';
import type { BreakerWait, LimitWait, WaitReason } from '../ports/wait.js';
import type { RunView } from '../views/run-view.js';
import type { StepView } from '../views/step-view.js';
import type { Breakers } from './breakers.js';
import type { RunEngine } from './run-engine.js';
import { claimedBy } from './step-claims.js';
import { place, type WorkQueue } from './work-queue.js';

/** Where attempts of this process, and calls inside of them, wait. */
export interface WaitingPlaces {
  readonly queue: WorkQueue;
  readonly suspects: WorkQueue;
  readonly breakers: Breakers;
  readonly clock: Clock;
}

/** What steps of one run wait for, by their ids. */
interface Waits {
  readonly steps: Map<string, (since: number) => WaitReason>;
  readonly calls: Map<string, (LimitWait | BreakerWait)[]>;
}

/** A view with what only the process knows that drives the run: in which lines its steps, and calls inside of them, wait. */
export function withLiveWaits(view: RunView, engine: RunEngine | undefined, places: WaitingPlaces): RunView {
  if (!engine || engine.driver.halted) return view;
  const waits: Waits = { steps: new Map(), calls: new Map() };
  for (const { stepId, ...budget } of engine.driver.kernel.budgetWaits())
    waits.steps.set(stepId, (since) => ({ for: 'budget', since, ...budget }));
  addBreakers(waits, engine, places);
  addLines(waits, view.runId, places);
  if (waits.steps.size + waits.calls.size === 0) return view;
  return { ...view, steps: view.steps.map((step) => withWaits(step, waits)) };
}

function withWaits(step: StepView, { steps, calls }: Waits): StepView {
  const callsWaiting = calls.get(step.id);
  // Nothing starts in a run that is paused, whatever becomes free.
  const found = step.waiting?.for === 'resume' ? undefined : steps.get(step.id);
  if (!found && !callsWaiting) return step;
  return { ...step, ...(found && { waiting: found(step.waiting?.since ?? 0) }), ...(callsWaiting && { callsWaiting }) };
}

function addLines(waits: Waits, runId: string, { queue, suspects }: WaitingPlaces): void {
  for (const line of [queue, suspects])
    for (const { item, wait } of line.waitsOf(runId)) {
      if (item.stepId === undefined) continue;
      const found = limitWaitOf(wait, line === suspects);
      if (item.isCall) addCall(waits, item.stepId, found);
      else waits.steps.set(item.stepId, () => found);
    }
}

function addBreakers(waits: Waits, { attempts }: RunEngine, { breakers, clock }: WaitingPlaces): void {
  const now = clock.now();
  const opensAt = (key: BreakerKey): number => breakers.view(key).until ?? Infinity;
  const waitOf = (key: BreakerKey, since: number): BreakerWait => {
    const at = opensAt(key);
    // While somebody tries it, that time is over.
    return { for: 'breaker', key, since, ...(at > now && at < Infinity && { opensAt: at }) };
  };
  for (const [stepId, { keys }] of attempts.putOffs) {
    const [first] = keys.toSorted((one, other) => opensAt(one) - opensAt(other));
    if (first) waits.steps.set(stepId, (since) => waitOf(first, since));
  }
  for (const { stepId, key, since } of attempts.pausedCalls) addCall(waits, stepId, waitOf(key, since));
}

function addCall({ calls }: Waits, stepId: string, wait: LimitWait | BreakerWait): void {
  if (!calls.get(stepId)?.push(wait)) calls.set(stepId, [wait]);
}

function limitWaitOf({ resource, ...wait }: LineWait, isSuspect: boolean): LimitWait {
  if (resource === null) return { for: 'shared-budget', ...wait };
  if (resource === place) return { for: isSuspect ? 'suspects' : 'process', ...wait };
  return { ...claimedBy(resource), ...wait };
}
