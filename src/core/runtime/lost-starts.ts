import type { ManagedRun } from './managed-run.js';

/** The steps of each run whose start counts as lost. */
export type Suspects = ReadonlyMap<ManagedRun, readonly string[]>;

/** Lost starts of one attempt after which a step is told from those that only were at work beside it. */
const watchedFrom = 2;

/**
 * Which steps may have taken their process down, over all runs that it drove: every attempt that was under way, at first; from the third time
 * on, only the one that began last, because attempts that were lost twice begin one at a time. A process that stopped in good order lost none.
 */
export function lostStarts(runs: readonly ManagedRun[]): Suspects {
  const found = new Map<ManagedRun, string[]>();
  let youngest: { readonly run: ManagedRun; readonly stepId: string; readonly startedAt: number } | undefined;
  for (const run of runs) {
    const lost: string[] = [];
    found.set(run, lost);
    if (run.state.record.letGo) continue;
    for (const { stepId, lostBefore, startedAt } of underWay(run)) {
      if (lostBefore < watchedFrom) lost.push(stepId);
      else if (!youngest || startedAt >= youngest.startedAt) youngest = { run, stepId, startedAt };
    }
  }
  if (youngest) found.get(youngest.run)?.push(youngest.stepId);
  return found;
}

interface UnderWay {
  readonly stepId: string;
  readonly lostBefore: number;
  /** 0 where no start is on record. */
  readonly startedAt: number;
}

function underWay({ state }: ManagedRun): UnderWay[] {
  const { kernel } = state;
  if (!kernel || kernel.status === 'approved') return [];
  return kernel.statuses().flatMap(({ id, status }) => {
    const isAsked = status === 'ready' && kernel.attempt(id) > 0;
    if (status !== 'running' && status !== 'compensating' && !isAsked) return [];
    // What calls no agent takes nobody down.
    const { agentId, compensationAgentId } = kernel.step(id);
    if ((status === 'compensating' ? compensationAgentId : agentId) === undefined) return [];
    const { lost = 0, startedAt = 0 } = state.starts.get(id) ?? {};
    // After a loss a start is on record before it begins, so without a record there was none.
    return isAsked && lost > 0 ? [] : [{ stepId: id, lostBefore: lost, startedAt }];
  });
}
