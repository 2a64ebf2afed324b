import { createOrchestrator, type Json, type OrchestrationProposal, type ResourceLimit } from 'planwright';
import { layeredProposal } from 'planwright/testing';

import { throughputOf } from '../running/support/throughput.js';
import { collectGarbage, median } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

const concurrency = 1_000;
const noop = async (): Promise<{ readonly output: Json }> => ({ output: {} });

/** From approval to result, in milliseconds of CPU: what else runs on the machine is not to be measured. */
async function run(proposal: OrchestrationProposal): Promise<number> {
  const orchestrator = createOrchestrator({ agents: { worker: noop }, concurrency });
  const { runId, revision, digest } = await orchestrator.propose(proposal);
  collectGarbage();
  const startedAt = process.cpuUsage();
  const one = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'bench' } });
  const { status } = await one.result();
  const { user, system } = process.cpuUsage(startedAt);
  await orchestrator.close();
  if (status !== 'completed') throw new TypeError(`The run ended as ${status}.`);
  return (user + system) / 1_000;
}

const far: ResourceLimit = { concurrency: 1_000_000, maxQueued: 1_000_000, maxWaitMs: 86_400_000 };
const farRate: ResourceLimit = { ...far, limit: 100_000, intervalMs: 1_000 };

/** The same plan with one more kind of limit in each row, none of them near. */
function limited(tickets: number): readonly (readonly [string, OrchestrationProposal])[] {
  const plain = layeredProposal({ tickets });
  const roles = plain.roles.map((role) => ({ ...role, concurrency: 1_000_000 }));
  const using = (limit: ResourceLimit): OrchestrationProposal => ({
    ...plain,
    roles,
    resources: { tool: limit },
    tickets: plain.tickets.map((ticket) => ({ ...ticket, resources: ['tool'] })),
  });
  return [
    ['none', plain],
    ['concurrency of the role', { ...plain, roles }],
    ['and a resource: concurrency, queue, wait', using(far)],
    ['and its rate', using(farRate)],
  ];
}

/** What limits cost a step when none is near. */
export async function benchLimits({ tickets, rounds }: { readonly tickets: number; readonly rounds: number }): Promise<void> {
  const plans = limited(tickets);
  const times: number[][] = [];
  // The first rounds are for the compiler; whoever comes first in one comes last in the next.
  const warm = Math.min(rounds, 4);
  for (let round = -warm; round < rounds; round += 1) {
    const took: number[] = [];
    for (let nth = 0; nth < plans.length; nth += 1) {
      const at = (nth + round + warm) % plans.length;
      took[at] = await run(plans[at]![1]);
    }
    if (round >= 0) times.push(took);
  }
  const perStep = (ms: number): number => (ms * 1_000) / tickets;
  printTable(
    `${tickets.toLocaleString('en')} no-op steps with limits that none of them comes near, medians of ${rounds}, µs of CPU (target: at most 10 a step)`,
    [
      ['limits', 'µs a step', 'more than without, µs a step'],
      ...plans.map(([name], at): Row => [
        name,
        perStep(median(times.map((took) => took[at]!))),
        perStep(median(times.map((took) => took[at]! - took[0]!))).toFixed(1),
      ]),
    ],
  );
  await tableOfFairness();
  await tableOfThroughput();
}

async function tableOfFairness(): Promise<void> {
  const tool = { limit: 10, intervalMs: 1_000 };
  const rows: Row[] = [];
  for (const [runs, workers] of [
    [1, 50],
    [5, 10],
    [50, 1],
  ] as const) {
    const { calls, perSecond, longestWaitMs } = await throughputOf({ runs, workers, calls: 10, callMs: 30, tool });
    rows.push([
      `${runs} × ${workers}`,
      String(calls),
      perSecond.toFixed(2),
      (longestWaitMs / 1_000).toFixed(1),
      (longestWaitMs / 5_000).toFixed(2),
    ]);
  }
  printTable(
    '50 workers on one tool limited to 10 calls per second, in virtual time (target: 10 a second, waits at most twice the fair share of 5 s)',
    [['runs × workers', 'calls', 'a second', 'longest wait, s', '÷ fair share'], ...rows],
  );
}

async function tableOfThroughput(): Promise<void> {
  const levels = [1, 2, 4, 8, 16];
  const rows: Row[] = [];
  for (const topology of ['graph', 'supervisor'] as const) {
    const cells: string[] = [];
    for (const level of levels) {
      const load = { runs: 1, workers: 64, calls: 1, callMs: 1_000, tool: { limit: 4, intervalMs: 1_000 } };
      cells.push((await throughputOf({ ...load, concurrency: level, topology })).perSecond.toFixed(2));
    }
    rows.push([topology, ...cells]);
  }
  printTable('Calls per second of a tool limited to 4 per second, each taking 1 s, by how many work at once, in virtual time', [
    ['topology', ...levels.map((level) => `concurrency ${level}`)],
    ...rows,
  ]);
}
