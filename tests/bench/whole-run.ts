import { createOrchestrator, type Json, type Orchestrator, type OrchestrationProposal, type Proposed } from 'planwright';
import { layeredProposal, starProposal } from 'planwright/testing';

import { createBlockProbe } from './support/block-probe.js';
import { dagOf, runOnPromises, runOnQueue } from './support/hand-written.js';
import { collectGarbage, growth, median } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

/** Attempts that may work at once, on the queue as in the orchestrator. */
const concurrency = 1_000;

const noop = async (): Promise<{ readonly output: Json }> => ({ output: {} });

const openOrchestrator = (): Orchestrator => createOrchestrator({ agents: { worker: noop }, concurrency });

const approval = ({ revision, digest }: Proposed) => ({ revision, digest, approvedBy: { kind: 'user', id: 'bench' } }) as const;

/** From approval to result. What was proposed, and with it what is kept of the run, goes with the orchestrator. */
async function runApproved(proposal: OrchestrationProposal): Promise<number> {
  const orchestrator = openOrchestrator();
  const proposed = await orchestrator.propose(proposal);
  const ms = await elapsed(async () => {
    const run = await orchestrator.approve(proposed.runId, approval(proposed));
    const { status } = await run.result();
    if (status !== 'completed') throw new TypeError(`The run ended as ${status}.`);
  });
  await orchestrator.close();
  return ms;
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  collectGarbage();
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** A run of no-op steps beside what one would write by hand, in turns in one process. */
export async function benchWholeRun({
  sizes,
  rounds,
}: {
  readonly sizes: readonly number[];
  readonly rounds: number;
}): Promise<void> {
  const ways = ['planwright', 'loop on p-queue', 'loop on promises'] as const;
  const measured: { readonly tickets: number; readonly medians: readonly number[]; readonly ratio: number }[] = [];
  for (const tickets of sizes) {
    const proposal = layeredProposal({ tickets });
    const dag = dagOf(proposal);
    const round = async (): Promise<readonly number[]> => [
      await runApproved(proposal),
      await elapsed(() => runOnQueue(dag, noop, concurrency)),
      await elapsed(() => runOnPromises(dag, noop)),
    ];
    // Small plans are over before the compiler has seen their code.
    for (let warm = 0; warm < Math.min(rounds, 10_000 / tickets); warm += 1) await round();
    const times: (readonly number[])[] = [];
    for (let nth = 0; nth < rounds; nth += 1) times.push(await round());
    const medians = ways.map((_, way) => median(times.map((of) => of[way]!)));
    measured.push({ tickets, medians, ratio: median(times.map(([ours = NaN, queue = NaN]) => ours / queue)) });
  }
  const perStep = (ms: number, tickets: number): string => ((ms * 1_000) / tickets).toPrecision(3);
  printTable(
    `A whole run of no-op steps, in memory, medians of ${rounds} (target: at most 20 times the p-queue loop at 10,000)`,
    [
      [
        'way',
        ...measured.flatMap(({ tickets }) => [`${tickets.toLocaleString('en')} steps, ms`, 'µs a step']),
        'growth exponent',
      ],
      ...ways.map((way, at): Row => {
        const sized = measured.map(({ tickets, medians }) => ({ size: tickets, cost: medians[at]! }));
        return [
          way,
          ...sized.flatMap(({ size, cost }) => [cost, perStep(cost, size)]),
          growth(sized[0]!, sized.at(-1)!).toFixed(2),
        ];
      }),
      ['planwright ÷ p-queue', ...measured.flatMap(({ ratio }) => [ratio.toFixed(1), '']), ''],
    ],
  );
}

/** How long a run of one step with 9,999 dependents holds up the event loop at a time. */
export async function benchStarRun({ rounds }: { readonly rounds: number }): Promise<void> {
  const proposal = starProposal({ dependents: 9_999 });
  const names = ['propose', 'approve', 'from then on to the result'] as const;
  const blocks: (readonly number[])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const orchestrator = openOrchestrator();
    collectGarbage();
    const probe = createBlockProbe();
    const proposed = await orchestrator.propose(proposal);
    const proposing = probe.longestMs();
    const run = await orchestrator.approve(proposed.runId, approval(proposed));
    const approving = probe.longestMs();
    await run.result();
    blocks.push([proposing, approving, probe.longestMs()]);
    probe.stop();
    await orchestrator.close();
  }
  printTable(
    `A step with 9,999 dependents, in a whole run of 10,001 steps, ${rounds} runs (target: at most 50 ms from the start on)`,
    [
      ['longest block of the event loop', 'median, ms', 'worst, ms'],
      ...names.map((name, at): Row => [name, median(blocks.map((of) => of[at]!)), Math.max(...blocks.map((of) => of[at]!))]),
    ],
  );
}
