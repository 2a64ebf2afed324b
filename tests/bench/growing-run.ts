import { createOrchestrator, type AgentFunction, type OrchestrationProposal } from 'planwright';
import { layeredProposal } from 'planwright/testing';

import { collectGarbage, median } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

const concurrency = 1_000;
const parallel = 100;

const worker: AgentFunction = async () => ({ output: {} });

/** Delegates as many tasks as there is room for, until it has delegated all; then waits for the last. */
function createLead(delegations: number): AgentFunction {
  let delegated = 0;
  return async ({ input }) => {
    const { counts } = input['board'] as unknown as { readonly counts: { readonly done: number; readonly open: number } };
    if (counts.done === delegations) return { output: {}, route: { finish: true } };
    const room = Math.min(parallel - counts.open, delegations - delegated);
    const tasks = Array.from({ length: room }, (_, nth) => ({ role: 'worker', task: `Do part ${delegated + nth}.` }));
    delegated += room;
    return { output: null, route: { delegate: tasks } };
  };
}

const supervised = (delegations: number): OrchestrationProposal => ({
  schemaVersion: 1,
  goal: 'Reach the goal',
  roles: ['lead', 'worker'].map((key) => ({ key, kind: 'existing', agentId: key })),
  tickets: [{ key: 'goal', title: 'Goal', role: 'lead', instructions: 'Reach it.' }],
  topology: {
    kind: 'supervisor-worker',
    supervisor: 'lead',
    maxParallel: parallel,
    maxDelegations: delegations,
    maxRounds: 2 * delegations,
    reportTimeoutMs: 0,
  },
  synthesis: { role: 'worker', instructions: 'Put it together.', outputSchema: true },
});

/** Microseconds for each step, and how many there were. */
interface Measured {
  readonly steps: number;
  readonly fromProposal: number;
  readonly fromApproval: number;
}

async function run(proposal: OrchestrationProposal, lead: AgentFunction): Promise<Measured> {
  const orchestrator = createOrchestrator({ agents: { lead, worker }, concurrency });
  collectGarbage();
  const proposedAt = performance.now();
  const { runId, revision, digest } = await orchestrator.propose(proposal);
  const approvedAt = performance.now();
  const one = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'bench' } });
  const { status } = await one.result();
  const endedAt = performance.now();
  const steps = one.view().steps.length;
  await orchestrator.close();
  if (status !== 'completed') throw new TypeError(`The run ended as ${status}.`);
  const perStep = (ms: number): number => (ms * 1_000) / steps;
  return { steps, fromProposal: perStep(endedAt - proposedAt), fromApproval: perStep(endedAt - approvedAt) };
}

/** A graph is planned before it is approved, and what a supervisor wants after. */
const spans = ['fromProposal', 'fromApproval'] as const;

/** A supervisor that makes many delegations beside a graph of as many steps, which are known beforehand. */
export async function benchGrowingRun({
  sizes,
  rounds,
}: {
  readonly sizes: readonly number[];
  readonly rounds: number;
}): Promise<void> {
  const rows: Row[] = [];
  for (const size of sizes) {
    const times: { readonly grown: Measured; readonly fixed: Measured }[] = [];
    // The first round is for the compiler.
    for (let round = 0; round <= rounds; round += 1) {
      const grown = await run(supervised(size), createLead(size));
      const fixed = await run(layeredProposal({ tickets: Math.min(10_000, grown.steps - 1) }), worker);
      if (round > 0) times.push({ grown, fixed });
    }
    const middle = (of: (time: (typeof times)[number]) => number): number => median(times.map(of));
    for (const span of spans)
      rows.push([
        `${size.toLocaleString('en')}, ${span === 'fromProposal' ? 'proposal' : 'approval'} to result`,
        middle(({ grown }) => grown.steps).toLocaleString('en'),
        middle(({ grown }) => grown[span]),
        middle(({ fixed }) => fixed[span]),
        middle(({ grown, fixed }) => grown[span] / fixed[span]).toFixed(2),
      ]);
  }
  printTable(
    `A supervisor with ${parallel} delegations at once beside a graph of as many steps, medians of ${rounds} (target: ratio at most 1 from proposal to result)`,
    [['delegations', 'steps', 'supervisor, µs a step', 'graph, µs a step', 'ratio'], ...rows],
  );
}
