import {
  type AgentContext,
  type AgentRequest,
  createOrchestrator,
  type OrchestrationProposal,
  type ResourceLimit,
} from 'planwright';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';

import { supervised } from './team.js';
import { ada, ticket, tickets } from './world.js';

/** Many that use one tool, in virtual time. */
export interface Load {
  /** Runs at once, and workers in each of them. */
  readonly runs: number;
  readonly workers: number;
  /** Calls of the tool that each worker makes, one after the other. */
  readonly calls: number;
  /** How long a call takes, in milliseconds. */
  readonly callMs: number;
  readonly tool: ResourceLimit;
  /** Attempts at once in the process. Default: as many as there are. */
  readonly concurrency?: number;
  /** `supervisor`: a lead hands the work out. Default: a graph of tickets. */
  readonly topology?: 'graph' | 'supervisor';
}

/** What came of it. Times are milliseconds. */
export interface Throughput {
  readonly calls: number;
  /** Started per second, from the first to the last start, the last ones that started together aside. */
  readonly perSecond: number;
  /** The longest that a worker waited for a call to begin. */
  readonly longestWaitMs: number;
  /** The most calls that began within one interval of the tool's limit. */
  readonly mostInInterval: number;
}

const proposalOf = ({ workers, topology = 'graph' }: Load): OrchestrationProposal =>
  topology === 'graph'
    ? tickets(Array.from({ length: workers }, (_, nth) => ticket(`t${nth}`)))
    : supervised(['worker'], { topology: { maxParallel: workers, maxDelegations: workers, maxRounds: 2 * workers } });

/** Hands out all of it at once, and waits for the last report. */
const leadOf = (workers: number) => async (request: AgentRequest) => {
  const { counts } = request.input['board'] as unknown as { readonly counts: { readonly done: number; readonly open: number } };
  if (counts.done === workers) return { output: {}, route: { finish: true } as const };
  const left = counts.done + counts.open > 0 ? 0 : workers;
  const delegate = Array.from({ length: left }, (_, nth) => ({ role: 'worker', task: `Do part ${nth}.` }));
  return { output: null, route: { delegate } };
};

const isWork = ({ kind }: AgentRequest): boolean => kind === 'ticket' || kind === 'delegation';

export async function throughputOf(load: Load): Promise<Throughput> {
  const { runs, workers, calls, callMs, tool, concurrency } = load;
  const clock = createVirtualClock({ startAt: 0 });
  const began: number[] = [];
  let longestWaitMs = 0;
  const worker = async (request: AgentRequest, context: AgentContext) => {
    for (let nth = 0; isWork(request) && nth < calls; nth += 1) {
      const askedAt = clock.now();
      await context.call('tool', async (signal) => {
        began.push(clock.now());
        longestWaitMs = Math.max(longestWaitMs, clock.now() - askedAt);
        await clock.sleep(callMs, { signal });
      });
    }
    return { output: {} };
  };
  const orchestrator = createOrchestrator({
    ...{ clock, ids: createSequentialIds(), agents: { worker, clerk: worker, lead: leadOf(workers) } },
    resources: { tool },
    ...(concurrency !== undefined && { concurrency }),
  });
  const proposal = proposalOf(load);
  const started = await clock.runUntil(
    Promise.all(
      Array.from({ length: runs }, async () => {
        const { runId, revision, digest } = await orchestrator.propose(proposal);
        return orchestrator.approve(runId, { revision, digest, approvedBy: ada });
      }),
    ),
  );
  const results = await clock.runUntil(Promise.all(started.map((run) => run.result())));
  const failed = results.find(({ status }) => status !== 'completed');
  if (failed) throw new Error(`A run has not completed: ${failed.error?.message}`);
  await clock.runUntil(orchestrator.close());
  const [first = 0, last = 0] = [began[0], began.at(-1)];
  const before = began.filter((at) => at < last).length;
  const { intervalMs = 0 } = tool;
  return {
    calls: began.length,
    perSecond: (before * 1_000) / (last - first),
    longestWaitMs,
    mostInInterval: Math.max(...began.map((from) => began.filter((at) => at >= from && at < from + intervalMs).length)),
  };
}
