import type { RunStatus } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import type { CrashDamage, CrashExpectation } from './crash-damage.js';
import { keysAppliedTwice } from './crash-ledger.js';
import type { CrashSchedule } from './crash-points.js';
import type { SimulatedRun } from './crash-run.js';

/** An expectation that did not hold. `simulateCrashes({ ...options, at: failure.at })` shows it again. */
export interface CrashFailure extends CrashDamage {
  readonly seed: number;
  /** Empty where it shows without a crash. */
  readonly at: CrashSchedule;
}

/** What came of a simulation. */
export interface CrashReport {
  readonly seed: number;
  /** The run without a crash. */
  readonly reference: {
    readonly status: RunStatus;
    readonly deliverable: Json;
    /** Where its one life could be made to end. */
    readonly writes: number;
    readonly calls: number;
    readonly effects: number;
  };
  /** Runs that crashed at least once, and their crashes. */
  readonly runs: number;
  readonly crashes: number;
  /** Those of them that came to the end of the run without a crash. */
  readonly resumed: number;
  /** Effects that were done over all runs, and keys under which more than one was. */
  readonly effects: number;
  readonly keysAppliedTwice: number;
  /** Acknowledged results that were gone, or were asked for again. */
  readonly lostResults: number;
  /** Steps whose effect is `once` that were started again without need. */
  readonly secondStarts: number;
  /** Calls of agents that crashes had made again. */
  readonly callsRepeated: number;
  /** Results that were there after a crash, and so were not asked for again. */
  readonly resultsKept: number;
  readonly failures: readonly CrashFailure[];
}

export interface CrashTally {
  add(run: SimulatedRun, damage: readonly CrashDamage[]): void;
  /** There are as many failures as anyone wants to see. */
  readonly isFull: boolean;
  report(): CrashReport;
}

export interface CrashTallyOptions {
  readonly seed: number;
  readonly reference: SimulatedRun;
  readonly maxFailures: number;
}

const aboutTheEnd: ReadonlySet<CrashExpectation> = new Set<CrashExpectation>([
  'ends',
  'same-status',
  'same-deliverable',
  'same-gaps',
]);

export function createCrashTally({ seed, reference, maxFailures }: CrashTallyOptions): CrashTally {
  const counts = { runs: 0, crashes: 0, resumed: 0, effects: 0, keysAppliedTwice: 0, callsRepeated: 0, resultsKept: 0 };
  const failures: CrashFailure[] = [];
  const found = { 'keeps-results': 0, 'no-second-start': 0 };
  return {
    add(run, damage) {
      for (const one of damage) {
        if (one.expectation in found) found[one.expectation as keyof typeof found] += 1;
        if (failures.length < maxFailures) failures.push({ ...one, seed, at: run.schedule });
      }
      counts.effects += run.world.effects.applied.length;
      counts.keysAppliedTwice += keysAppliedTwice(run.world.effects).length;
      if (run.crashes === 0) return;
      counts.runs += 1;
      counts.crashes += run.crashes;
      if (!damage.some(({ expectation }) => aboutTheEnd.has(expectation))) counts.resumed += 1;
      counts.callsRepeated += Math.max(0, run.world.calls.length - reference.world.calls.length);
      counts.resultsKept += run.world.resultsKept;
    },
    get isFull() {
      return failures.length >= maxFailures;
    },
    report: () => ({
      seed,
      reference: { ...endOf(reference), ...reference.figures },
      ...counts,
      lostResults: found['keeps-results'],
      secondStarts: found['no-second-start'],
      failures,
    }),
  };
}

function endOf({ ending }: SimulatedRun): Pick<CrashReport['reference'], 'status' | 'deliverable'> {
  if (ending.kind === 'broken') return { status: 'proposed', deliverable: null };
  return { status: ending.result.status, deliverable: ending.result.deliverable ?? null };
}
