import type { Plan, PlanEstimate } from '../ports/plan.js';
import { toUsd } from '../shared/money.js';

/** What a plan's estimates come to. A figure is `null` where no step has an estimate of its kind: nothing is made up. */
export interface ExpectedFigures {
  /** Sum over the steps. */
  readonly costUsd: number | null;
  /** Sum over the steps. */
  readonly tokens: number | null;
  /** Along the critical path. */
  readonly durationMs: number | null;
  /** Whether some step that calls an agent lacks one of the figures that others have, so that these are too low. */
  readonly isPartial: boolean;
  /** Whether a figure passes the run's ceiling. */
  readonly exceedsBudget: boolean;
}

/** Adds up the estimates of a plan whose critical path is known. */
export function expectedFigures({ steps, budget }: Plan, criticalPathMs: number): ExpectedFigures {
  const estimates = steps.filter(({ role }) => role !== undefined).map(({ estimate }) => estimate ?? {});
  const cost = addUp(estimates, ({ costMicroUsd }) => costMicroUsd);
  const tokens = addUp(estimates, (estimate) => estimate.tokens);
  const duration = addUp(estimates, ({ durationMs }) => durationMs);
  const counts = [cost.count, tokens.count, duration.count].filter((count) => count > 0);
  return {
    costUsd: cost.count === 0 ? null : toUsd(cost.sum),
    tokens: tokens.count === 0 ? null : tokens.sum,
    durationMs: duration.count === 0 ? null : criticalPathMs,
    isPartial: counts.some((count) => count < estimates.length),
    exceedsBudget:
      cost.sum > (budget.maxCostMicroUsd ?? Infinity) ||
      tokens.sum > (budget.maxTokens ?? Infinity) ||
      criticalPathMs > (budget.maxDurationMs ?? Infinity),
  };
}

function addUp(estimates: readonly PlanEstimate[], figureOf: (estimate: PlanEstimate) => number | undefined) {
  const figures = estimates.map(figureOf).filter((figure) => figure !== undefined);
  return { count: figures.length, sum: figures.reduce((sum, figure) => sum + figure, 0) };
}
