import type { RunStatus, StepStatus } from '../ports/run.js';
import type { WaitReason } from '../ports/wait.js';
import type { StepState } from './fold-step.js';

/** What is to be known of a run to say why its steps wait. */
export interface WaitFacts {
  readonly status: RunStatus;
  readonly proposedAt?: number;
  readonly startedAt?: number;
  readonly pausedFor?: { readonly reason: string; readonly since: number };
  /** Steps of the plan that must have ended, by the step that waits for them. */
  readonly dependsOn: ReadonlyMap<string, readonly string[]>;
  readonly statusOf: (stepId: string) => StepStatus | undefined;
}

/** Why a step is not at work, as far as the events of its run say it; `undefined` where it is, or has ended. */
export function waitOf(step: StepState, run: WaitFacts): WaitReason | undefined {
  const since = step.since ?? run.startedAt ?? run.proposedAt ?? 0;
  switch (step.status) {
    case 'blocked':
      if (run.startedAt === undefined) return { for: 'run-start', since };
      return { for: 'dependencies', since, steps: openDependencies(step, run) };
    case 'ready':
      if (run.pausedFor) return { for: 'resume', since: Math.max(since, run.pausedFor.since), reason: run.pausedFor.reason };
      return { for: 'start', since };
    case 'gated':
      return { for: 'decision', since, ...(step.prompt !== undefined && { prompt: step.prompt }) };
    case 'in-doubt':
      return { for: 'certainty', since };
    case 'backing-off':
    case 'compensating':
      // One that is compensated is at work, unless its last effort has failed.
      return step.retryAt === undefined ? undefined : { for: 'retry', since, opensAt: step.retryAt };
    default:
      return undefined;
  }
}

function openDependencies({ id, dependsOn = [] }: StepState, run: WaitFacts): readonly string[] {
  return (run.dependsOn.get(id) ?? dependsOn).filter((one) => !hasEnded(run.statusOf(one)));
}

const ends: ReadonlySet<StepStatus | undefined> = new Set<StepStatus>([
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
  'compensated',
]);
const hasEnded = (status: StepStatus | undefined): boolean => ends.has(status);
