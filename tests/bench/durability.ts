import { join } from 'node:path';

import type { AgentFunction, Json, OrchestrationProposal } from 'planwright';
import { chainProposal, layeredProposal } from 'planwright/testing';

import { approval, fileBytes, inFolder, openOn, openRows, text200 } from './support/durable.js';
import { dagOf, runOnQueue } from './support/hand-written.js';
import { collectGarbage, growth, median } from './support/statistics.js';
import { printTable } from './support/table.js';

/** An agent whose outputs are 200 characters long, and no two the same. */
function writingAgent(): AgentFunction {
  let nth = 0;
  return async ({ stepId }) => ({ output: stepId === 'synthesis' ? { done: true } : { text: text200(nth++) } });
}

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  collectGarbage();
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** From approval to result on SQLite, and what the file takes. */
const runDurably = (proposal: OrchestrationProposal): Promise<{ readonly ms: number; readonly bytes: number }> =>
  inFolder(async (folder) => {
    const path = join(folder, 'runs.db');
    const { orchestrator, close } = openOn(path, writingAgent());
    const proposed = await orchestrator.propose(proposal);
    const ms = await elapsed(async () => {
      const run = await orchestrator.approve(proposed.runId, approval(proposed));
      const { status } = await run.result();
      if (status !== 'completed') throw new TypeError(`The run ended as ${status}.`);
    });
    await close();
    return { ms, bytes: fileBytes(path) };
  });

/** The same DAG by hand: a loop on p-queue that commits one row for each step. */
const loopDurably = (proposal: OrchestrationProposal): Promise<number> =>
  inFolder(async (folder) => {
    const rows = openRows(join(folder, 'rows.db'));
    const dag = dagOf(proposal);
    const ms = await elapsed(() =>
      runOnQueue(
        dag,
        async (index) => {
          const output = { text: text200(index) };
          rows.write(`t${index}`, output);
          return output;
        },
        1_000,
      ),
    );
    rows.close();
    return ms;
  });

export interface Rounds {
  readonly rounds: number;
}

/** A layered DAG with an output of 200 characters a step, beside a loop that commits each row by itself. */
export async function benchDurableRun({ rounds }: Rounds): Promise<void> {
  const sizes = [1_000, 10_000] as const;
  const measured: {
    readonly size: number;
    readonly ours: number;
    readonly loop: number;
    readonly ratio: number;
    readonly bytes: number;
  }[] = [];
  for (const size of sizes) {
    const proposal = layeredProposal({ tickets: size });
    await runDurably(proposal);
    await loopDurably(proposal);
    const figures: { readonly ours: number; readonly loop: number; readonly bytes: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { ms, bytes } = await runDurably(proposal);
      figures.push({ ours: ms, loop: await loopDurably(proposal), bytes });
    }
    const of = (pick: (one: (typeof figures)[number]) => number): number => median(figures.map(pick));
    measured.push({
      size,
      ours: of(({ ours }) => ours),
      loop: of(({ loop }) => loop),
      ratio: of(({ ours, loop }) => ours / loop),
      bytes: of(({ bytes }) => bytes),
    });
  }
  const [small, large] = measured as [(typeof measured)[0], (typeof measured)[0]];
  const exponent = (pick: (one: typeof small) => number): string =>
    growth({ size: small.size, cost: pick(small) }, { size: large.size, cost: pick(large) }).toFixed(2);
  printTable(
    `A durable run of steps with 200-byte outputs on SQLite, synchronous=FULL, medians of ${rounds} (targets at 10,000: 0.7 times the loop, 600 bytes a step, exponents 1.1)`,
    [
      ['', '1,000 steps', '10,000 steps', 'growth exponent'],
      ['planwright, ms', small.ours, large.ours, exponent(({ ours }) => ours)],
      ['loop on p-queue, a row a step, ms', small.loop, large.loop, exponent(({ loop }) => loop)],
      ['planwright ÷ loop', small.ratio.toFixed(2), large.ratio.toFixed(2), ''],
      ['bytes a step', small.bytes / small.size, large.bytes / large.size, exponent(({ bytes }) => bytes)],
    ],
  );
}

/** A chain, where nothing can be committed together, beside a loop with one transaction a step. */
export async function benchDurableChain({ rounds }: Rounds): Promise<void> {
  const proposal = chainProposal({ tickets: 1_000 });
  const byHand = (): Promise<number> =>
    inFolder(async (folder) => {
      const rows = openRows(join(folder, 'rows.db'));
      const agent = async (index: number): Promise<Json> => ({ text: text200(index) });
      const ms = await elapsed(async () => {
        for (let index = 0; index < 1_000; index += 1) rows.write(`t${index}`, await agent(index));
      });
      rows.close();
      return ms;
    });
  await runDurably(proposal);
  await byHand();
  const figures: (readonly [ours: number, loop: number])[] = [];
  for (let round = 0; round < rounds; round += 1) figures.push([(await runDurably(proposal)).ms, await byHand()]);
  printTable(`A durable chain of 1,000 steps on SQLite, medians of ${rounds} (target: 1.5 times the loop)`, [
    ['way', 'ms', 'µs a step'],
    ['planwright', median(figures.map(([ours]) => ours)), median(figures.map(([ours]) => ours))],
    ['loop, a transaction a step', median(figures.map(([, loop]) => loop)), median(figures.map(([, loop]) => loop))],
    ['planwright ÷ loop', median(figures.map(([ours, loop]) => ours / loop)).toFixed(2), ''],
  ]);
}

const ticket = (key: string, dependsOn: readonly string[] = []) =>
  ({ key, title: key, role: 'worker', instructions: 'Do it.', dependsOn }) as const;

const diamond = {
  schemaVersion: 1,
  goal: 'Run four steps',
  roles: [{ key: 'worker', kind: 'existing', agentId: 'worker' }],
  tickets: [ticket('a'), ticket('b', ['a']), ticket('c', ['a']), ticket('d', ['b', 'c'])],
  synthesis: { role: 'worker', instructions: 'Join.', outputSchema: { type: 'object' } },
} as const;

/** Many small runs at once, from proposal to result. */
export async function benchManyRuns({ rounds }: Rounds): Promise<void> {
  const once = (): Promise<number> =>
    inFolder(async (folder) => {
      const { orchestrator, close } = openOn(join(folder, 'runs.db'), writingAgent());
      let started = 0;
      const worker = async (): Promise<void> => {
        while (started < 1_000) {
          started += 1;
          const proposed = await orchestrator.propose(diamond);
          await (await orchestrator.approve(proposed.runId, approval(proposed))).result();
        }
      };
      const ms = await elapsed(() => Promise.all(Array.from({ length: 50 }, worker)));
      await close();
      return ms;
    });
  const cold = await once();
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await once());
  printTable(`1,000 runs of a diamond of four tickets, 50 at a time, on SQLite, median of ${rounds} (target: under 1,000 ms)`, [
    ['', 'ms'],
    ['in a process that has just started', cold],
    ['after that', median(times)],
  ]);
}

/** Reopening a run of 10,000 steps that is half done: to handles, and to the first call of an agent. */
export async function benchRecovery({ rounds }: Rounds): Promise<void> {
  const proposal = layeredProposal({ tickets: 10_000 });
  const once = (): Promise<{ readonly taken: number; readonly first: number }> =>
    inFolder(async (folder) => {
      const path = join(folder, 'runs.db');
      let calls = 0;
      const half = await new Promise<ReturnType<typeof openOn>>((resolve, reject) => {
        const opened = openOn(
          path,
          async () => {
            calls += 1;
            if (calls === 5_000) resolve(opened);
            if (calls >= 5_000) await new Promise(() => undefined);
            return { output: { text: text200(calls) } };
          },
          { graceMs: 0 },
        );
        const start = async (): Promise<void> => {
          const proposed = await opened.orchestrator.propose(proposal);
          await opened.orchestrator.approve(proposed.runId, approval(proposed));
        };
        start().catch(reject);
      });
      await half.close();
      let reached = (): void => undefined;
      const called = new Promise<void>((resolve) => (reached = resolve));
      const next = openOn(path, async () => {
        reached();
        return { output: { done: true } };
      });
      collectGarbage();
      const startedAt = performance.now();
      const [run] = await next.orchestrator.recover();
      const taken = performance.now() - startedAt;
      await called;
      const first = performance.now() - startedAt;
      await run?.result();
      await next.close();
      return { taken, first };
    });
  await once();
  const figures: Awaited<ReturnType<typeof once>>[] = [];
  for (let round = 0; round < rounds; round += 1) figures.push(await once());
  printTable(`Reopening a half-done run of 10,000 steps on SQLite, medians of ${rounds} (target: under 500 ms)`, [
    ['', 'ms'],
    ['recover() has given a handle', median(figures.map(({ taken }) => taken))],
    ['the first agent is called', median(figures.map(({ first }) => first))],
  ]);
}

/** What a durable run of 10,000 steps takes at its peak, beside the process before it. To be measured in a process of its own. */
export async function benchDurableMemory(): Promise<void> {
  collectGarbage();
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
  await runDurably(layeredProposal({ tickets: 10_000 }));
  clearInterval(watch);
  printTable('Peak resident memory of a durable run of 10,000 steps above that of the process before it (target: 150 MiB)', [
    ['', 'MiB'],
    ['outputs of 200 bytes', (peak - before) / 1_048_576],
  ]);
}
