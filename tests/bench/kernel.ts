import { createKernel, replay, type Kernel, type MaterializedRun } from 'planwright';
import { layeredProposal, starProposal } from 'planwright/testing';

import { driveKernel, type Drive } from './support/drive-kernel.js';
import { failsOnce, materialized, withRetries } from './support/plans.js';
import { bytesInUse, collectGarbage, median, quantile, timed } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

const machinesOf = (tickets: number): MaterializedRun => materialized(withRetries(layeredProposal({ tickets })));
const drive = (kernel: Kernel): Drive => driveKernel(kernel, (stepId) => failsOnce(Number(stepId.slice(1))));

interface Cost {
  readonly meanUs: number;
  readonly p99Us: number;
  readonly longestUs: number;
}

/** What an event costs, by the size of the plan. Small plans are run as often as it takes to come to as many events as large ones. */
export function benchEvents({ sizes, rounds }: { readonly sizes: readonly number[]; readonly rounds: number }): void {
  eventCost(1_000, rounds);
  const measured = sizes.map((tickets) => ({ tickets, ...eventCost(tickets, rounds) }));
  const base = measured[0]!.meanUs;
  printTable(
    `The kernel: each event of runs in which a tenth of the steps fails once, median of ${rounds} (target: ratio at most 1.5, mean under 60 µs)`,
    [
      ['steps', 'mean, µs', 'ratio', 'p99, µs', 'longest, µs'],
      ...measured.map(({ tickets, meanUs, p99Us, longestUs }): Row => [
        tickets.toLocaleString('en'),
        meanUs,
        (meanUs / base).toFixed(2),
        p99Us,
        longestUs,
      ]),
    ],
  );
}

/** Steps of one round, so that a round of small plans is not over before it has shown anything. */
const stepsOfRound = 20_000;

function eventCost(tickets: number, rounds: number): Cost {
  const machines = machinesOf(tickets);
  const costs = Array.from({ length: rounds }, (): Cost => {
    collectGarbage();
    const runs = Array.from({ length: Math.ceil(stepsOfRound / tickets) }, () => drive(createKernel(machines)).appliedInUs);
    const sorted = concatenated(runs).sort();
    return {
      meanUs: sorted.reduce((sum, us) => sum + us, 0) / sorted.length,
      p99Us: quantile(sorted, 0.99),
      longestUs: sorted.at(-1)!,
    };
  });
  const middle = (of: keyof Cost): number => median(costs.map((cost) => cost[of]));
  return { meanUs: middle('meanUs'), p99Us: middle('p99Us'), longestUs: middle('longestUs') };
}

function concatenated(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** What a kernel holds per step once its run is over, and what the machines under it do. */
export function benchMemory({ sizes }: { readonly sizes: readonly number[] }): void {
  printTable('Bytes a step, after garbage collection (target: kernel under 2,000)', [
    ['steps', 'kernel after its run', 'plan, definition, machines and graph'],
    ...sizes.map((tickets): Row => {
      const empty = bytesInUse();
      const machines = machinesOf(tickets);
      const before = bytesInUse();
      const kernel = createKernel(machines);
      drive(kernel);
      const after = bytesInUse();
      // Used once more, so that it is not garbage before.
      const steps = kernel.statuses().length;
      return [tickets.toLocaleString('en'), (after - before) / steps, (before - empty) / steps];
    }),
  ]);
}

/** The journal of a run of 10,000 steps, taken again. */
export function benchReplay({ rounds }: { readonly rounds: number }): void {
  const machines = machinesOf(10_000);
  const kernel = createKernel(machines);
  const { journal } = drive(kernel);
  const digest = kernel.digest();
  const replays = Array.from({ length: rounds }, () => {
    collectGarbage();
    return timed(() => replay(machines, journal));
  });
  const areEqual = replays.every(({ value }) => value.digest() === digest);
  printTable(`Replay of a 10,000-step journal, median of ${rounds} (target: under 1,500 ms, equal digest)`, [
    ['entries', 'ms', 'digests'],
    [journal.length.toLocaleString('en'), median(replays.map(({ ms }) => ms)), areEqual ? 'equal' : 'NOT EQUAL'],
  ]);
}

/** One step with 9,999 dependents: how long a single `apply` takes. */
export function benchStarKernel({ rounds }: { readonly rounds: number }): void {
  const machines = materialized(starProposal({ dependents: 9_999 }));
  const longest = Array.from({ length: rounds }, () => {
    collectGarbage();
    return driveKernel(createKernel(machines)).appliedInUs.reduce((most, us) => Math.max(most, us), 0) / 1_000;
  });
  printTable(`A step with 9,999 dependents, in the kernel, ${rounds} runs (target: at most 50 ms)`, [
    ['longest apply', 'ms'],
    ['median', median(longest)],
    ['worst', Math.max(...longest)],
  ]);
}
