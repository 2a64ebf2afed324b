import type { Plan } from '../ports/plan.js';
import type { RunStatus } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';
import type { RunView } from './run-view.js';
import type { StepView } from './step-view.js';
import { sharesOf, type Shares } from './work-share.js';

/** What a run adds to the figures of many: small plain data, to be kept where the run is not. Times are milliseconds since the epoch. */
export interface RunSample extends Shares {
  readonly runId: string;
  readonly status: RunStatus;
  /** Kind of its topology. */
  readonly topology: string;
  /** Whether its deliverable has passed a verification. */
  readonly isVerified: boolean;
  /** Absent for a run that has not started, or not ended. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Time in which steps could have been at work and were not begun, in milliseconds. */
  readonly queuedMs: number;
  /** Attempts beyond the first of each step. */
  readonly retries: number;
  /** Tickets that succeeded. */
  readonly tasks: number;
  /** All that it spent, also by steps that another plan has dropped. */
  readonly usage: UsageTotals;
  readonly recoveries: number;
  readonly effects: EffectCounts;
}

/** How often steps of a run may have changed the world. What agents do beside their steps' keys is not seen. */
export interface EffectCounts {
  /** Steps that succeeded and that may have an effect: by their `effect`, and every delegation and handoff. */
  readonly happened: number;
  /** Those of them of which an attempt was begun once more under the same key, because its process was gone. Whoever minds the key does it once. */
  readonly repeated: number;
  /** Those of them that are known to have happened twice under different keys: an attempt that was given up has answered after all, and a later one succeeded. */
  readonly duplicated: number;
}

/** What a run adds to {@link fleetFigures}, by its plan and its view. Pure. */
export function runSample({ steps: planned, topology }: Pick<Plan, 'steps' | 'topology'>, view: RunView): RunSample {
  const { runId, status, startedAt, endedAt, steps, tickets, usage, recoveries } = view;
  // Nothing comes after the synthesis, where there is one that is verified.
  const last = steps.findLast(({ kind, goal }) => kind === 'synthesis' && goal === undefined) ?? steps.at(-1);
  return {
    ...{ runId, status, topology: topology.kind, isVerified: status === 'completed' && last?.isVerified === true },
    ...(startedAt !== undefined && { startedAt }),
    ...(endedAt !== undefined && { endedAt }),
    queuedMs: queuedIn(steps),
    retries: retriesOf(steps),
    ...{ tasks: tickets.succeeded, usage, recoveries },
    effects: effectsOf(steps, new Set(planned.flatMap(({ id, effect }) => (effect === 'none' ? [id] : [])))),
    ...sharesOf(steps),
  };
}

export const queuedIn = (steps: readonly StepView[]): number => steps.reduce((sum, { queuedMs }) => sum + queuedMs, 0);

export const retriesOf = (steps: readonly StepView[]): number =>
  steps.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0);

const changing = new Set<StepView['kind']>(['ticket', 'research', 'delegation', 'handoff', 'synthesis', 'position']);

function effectsOf(steps: readonly StepView[], harmless: ReadonlySet<string>): EffectCounts {
  const happened = steps.filter(({ id, kind, role, isGoal, status }) => {
    const mayChange = changing.has(kind) && role !== undefined && !isGoal && !harmless.has(id);
    return mayChange && (status === 'succeeded' || status === 'compensated');
  });
  return {
    happened: happened.length,
    repeated: happened.filter(({ repeats = 0 }) => repeats > 0).length,
    duplicated: happened.filter(({ late }) => late !== undefined).length,
  };
}
