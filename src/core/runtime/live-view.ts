import type { Plan } from '../ports/plan.js';
import {
  createRunProjection,
  type ProjectionStart,
  type RunProjection,
  type RunView,
  type SavedProjection,
} from '../views/run-view.js';
import type { EventLog } from './event-log.js';

/** The view of a run that goes on. */
export interface LiveView {
  /** The run as it stands after every event so far. */
  read(): RunView;
  /** Begins again: another plan has taken the place of the one before. */
  reset(): void;
  /** Takes in every event so far, and lets go of the outputs of some steps. */
  release(stepIds: readonly string[]): void;
  /** Where the fold stands. */
  save(): SavedProjection;
}

/** Events that are folded in one go. To fold all of a long run when it ends would hold up everything else. */
const stretch = 1_000;

export function createLiveView(log: EventLog, plan: () => Plan, start?: ProjectionStart): LiveView {
  let projection: RunProjection | undefined = start && createRunProjection(plan(), start);
  const folded = (): RunProjection => {
    projection ??= createRunProjection(plan());
    for (const event of log.since(projection.seq)) projection.apply(event);
    return projection;
  };
  log.subscribe(({ seq }) => {
    if (seq % stretch === 0) folded();
  });
  return {
    read: () => folded().view(),
    reset: () => (projection = undefined),
    release: (stepIds) => folded().release(stepIds),
    save: () => folded().save(),
  };
}
