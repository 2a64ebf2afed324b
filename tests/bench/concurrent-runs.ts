import { createOrchestrator, type Run } from 'planwright';
import { proposalOf } from 'planwright/testing';

import { bytesInUse, collectGarbage, median } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

const proposal = proposalOf(
  ['a', 'b', 'c', 'd'].map((key, nth) => ({
    ...{ key, title: key, role: 'worker', instructions: `Do ${key}.`, resources: ['tool'] },
    ...(nth === 3 && { dependsOn: ['a'] }),
  })),
  { resources: { tool: { concurrency: 1_000_000 } } },
);

/** What one run takes while so many are under way. */
interface Measured {
  readonly bytes: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Starts so many runs, holds all of them where three of their steps are under way, and lets them end. */
async function hold(runs: number): Promise<Measured> {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const worker = async () => {
    await gate;
    return { output: {} };
  };
  const before = bytesInUse();
  const orchestrator = createOrchestrator({ agents: { worker }, concurrency: 1_000_000 });
  const startedAt = process.cpuUsage();
  const handles: Run[] = [];
  for (let nth = 0; nth < runs; nth += 1) {
    const { runId, revision, digest } = await orchestrator.propose(proposal);
    handles.push(await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'bench' } }));
  }
  const startMs = cpuMs(startedAt);
  const bytes = bytesInUse() - before;
  collectGarbage();
  const releasedAt = process.cpuUsage();
  open();
  const results = await Promise.all(handles.map((run) => run.result()));
  const endMs = cpuMs(releasedAt);
  if (results.some(({ status }) => status !== 'completed')) throw new TypeError('A run has not completed.');
  await orchestrator.close();
  return { bytes: bytes / runs, startMs: startMs / runs, endMs: endMs / runs };
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

/** What 1,000 runs at once take, each, beside 100. */
export async function benchConcurrentRuns({ rounds }: { readonly rounds: number }): Promise<void> {
  const sizes = [100, 1_000] as const;
  // Code that nobody has run yet is slow, and takes room when it is compiled.
  for (let round = 0; round < 10; round += 1) await hold(100);
  const measured: (readonly Measured[])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const small: Measured[] = [];
    // As many runs on either side, so that collecting garbage weighs the same.
    for (let nth = 0; nth < 10; nth += 1) small.push(await hold(sizes[0]));
    const mean = (of: (one: Measured) => number): number => small.reduce((sum, one) => sum + of(one), 0) / small.length;
    measured.push([
      { bytes: mean((one) => one.bytes), startMs: mean((one) => one.startMs), endMs: mean((one) => one.endMs) },
      await hold(sizes[1]),
    ]);
  }
  const figures: readonly (readonly [string, (one: Measured) => number])[] = [
    ['memory under way, kB a run', ({ bytes }) => bytes / 1_000],
    ['from proposal to under way, ms of CPU a run', ({ startMs }) => startMs],
    ['from there to the result, ms of CPU a run', ({ endMs }) => endMs],
  ];
  printTable(`1,000 runs of five steps at once beside 100, medians of ${rounds} (target: ratio at most 1.5)`, [
    ['a run', '100 at once', '1,000 at once', 'ratio'],
    ...figures.map(([name, of]): Row => [
      name,
      median(measured.map(([small]) => of(small!))),
      median(measured.map(([, large]) => of(large!))),
      median(measured.map(([small, large]) => of(large!) / of(small!))).toFixed(2),
    ]),
  ]);
}
