import type { UsageTotals } from '../ports/usage.js';
import { groupsBy } from './groups-by.js';
import { latencyOf, type Latency } from './latency.js';
import { ratio } from './ratio.js';
import type { EffectCounts, RunSample } from './run-sample.js';
import { sumOfTotals } from './usage-totals.js';
import { addShares, type Shares } from './work-share.js';

/** How many runs did together. Rates are between 0 and 1; one of nothing is absent. Durations are milliseconds. */
export interface FleetTotals extends Shares {
  readonly runs: number;
  readonly ended: number;
  readonly completed: number;
  /** Those of them whose deliverable has passed a verification. */
  readonly verified: number;
  /** Completed, of those that have ended. */
  readonly completionRate?: number;
  /** From start to end, of runs that have ended. */
  readonly wall?: Latency;
  /** Runs that a process has taken up after another was lost, or had let them go. */
  readonly recovered: number;
  /** Completed, of the recovered runs that have ended. */
  readonly resumeSuccessRate?: number;
  readonly effects: EffectCounts;
  /** `effects.duplicated` of `effects.happened`. */
  readonly duplicateEffectRate?: number;
  readonly queuedMs: number;
  readonly retries: number;
  readonly usage: UsageTotals;
  /** Tickets that succeeded. */
  readonly tasks: number;
  /** All that was spent, also on what failed, for each ticket that succeeded. */
  readonly costPerTaskUsd?: number;
  readonly tokensPerTask?: number;
  /** Steps begun per second, from the first start of a run to the last end. */
  readonly stepsPerSecond?: number;
}

/** {@link FleetTotals}, and the same for each kind of topology. */
export interface FleetFigures extends FleetTotals {
  readonly byTopology: Readonly<Record<string, FleetTotals>>;
}

/**
 * The figures of many runs, by what `runSample` gives of each. Pure, whatever their order; the figures of two fleets together are those of the samples of both.
 *
 * @example
 * const { completionRate, wall, costPerTaskUsd } = fleetFigures(runs.map((run) => runSample(plan, run.view())));
 */
export function fleetFigures(samples: Iterable<RunSample>): FleetFigures {
  const all = [...samples];
  const groups = groupsBy(all, ({ topology }) => topology);
  const byTopology = Array.from(groups, ([kind, group]) => [kind, totalsOver(group)] as const);
  return { ...totalsOver(all), byTopology: Object.fromEntries(byTopology) };
}

function totalsOver(samples: readonly RunSample[]): FleetTotals {
  const ended = samples.filter(({ endedAt }) => endedAt !== undefined);
  const isCompleted = ({ status }: RunSample): boolean => status === 'completed';
  const completed = ended.filter(isCompleted);
  const recovered = samples.filter(({ recoveries }) => recoveries > 0);
  const resumed = recovered.filter(({ endedAt }) => endedAt !== undefined);
  const sum = (figure: (sample: RunSample) => number): number => samples.reduce((so, sample) => so + figure(sample), 0);
  const effects = {
    happened: sum((sample) => sample.effects.happened),
    repeated: sum((sample) => sample.effects.repeated),
    duplicated: sum((sample) => sample.effects.duplicated),
  };
  const usage = sumOfTotals(samples.map((sample) => sample.usage));
  const [work, overhead] = [addShares(samples.map((one) => one.work)), addShares(samples.map((one) => one.overhead))];
  const tasks = sum((sample) => sample.tasks);
  const wall = latencyOf(ended.flatMap(({ startedAt, endedAt = 0 }) => (startedAt === undefined ? [] : [endedAt - startedAt])));
  return {
    ...{ runs: samples.length, ended: ended.length, completed: completed.length, recovered: recovered.length },
    verified: completed.filter(({ isVerified }) => isVerified).length,
    ...ratio('completionRate', completed.length, ended.length),
    ...(wall && { wall }),
    ...ratio('resumeSuccessRate', resumed.filter(isCompleted).length, resumed.length),
    ...{ effects, usage, tasks, work, overhead },
    ...ratio('duplicateEffectRate', effects.duplicated, effects.happened),
    ...{ queuedMs: sum((sample) => sample.queuedMs), retries: sum((sample) => sample.retries) },
    ...ratio('costPerTaskUsd', usage.costUsd, tasks),
    ...ratio('tokensPerTask', usage.tokens, tasks),
    ...ratio('stepsPerSecond', (work.steps + overhead.steps) * 1_000, spanMs(samples)),
  };
}

function spanMs(samples: readonly RunSample[]): number {
  let [first, last] = [Infinity, -Infinity];
  for (const { startedAt, endedAt } of samples) {
    if (startedAt === undefined || endedAt === undefined) continue;
    first = Math.min(first, startedAt);
    last = Math.max(last, endedAt);
  }
  return last - first;
}
