import { AgentError, type AgentContext, type AgentRequest, type OrchestrationProposal, ThrottledError } from 'planwright';
import type { VirtualClock } from 'planwright/testing';

import { role } from './team.js';
import { ticket } from './world.js';

/**
 * The external tools of so many research teams: `search` is a provider with a rate, `reader` one that few may use at once. Both are scarce, and enough for
 * every team to be done before its time is up.
 */
export const toolsFor = (teams: number) => ({
  search: { limit: Math.ceil(teams * 0.45), intervalMs: 10_000, concurrency: Math.ceil(teams * 0.27) },
  reader: { concurrency: Math.ceil(teams * 0.14) },
});
export type Tools = ReturnType<typeof toolsFor>;
export type ToolName = keyof Tools;

/** A call of a tool as the provider saw it. */
export interface ToolCall {
  readonly tool: ToolName;
  readonly at: number;
  endedAt: number;
  readonly source: string;
  isThrottled: boolean;
}

export interface ResearchTeams {
  readonly agents: Readonly<
    Record<'lead' | 'worker' | 'clerk', (request: AgentRequest, context: AgentContext) => Promise<never>>
  >;
  readonly calls: readonly ToolCall[];
  /** Attempts that took effect in the world, by their key. */
  readonly applied: ReadonlyMap<string, string>;
}

/** What a run may spend, in US dollars. A call costs at most a cent. */
export const capUsd = 2;

const kinds = ['supervisor-worker', 'graph', 'pipeline'] as const;

/** A question for a team, answered with the sources that it found. */
export function question(nth: number, tools: Tools): OrchestrationProposal {
  const kind = kinds[nth % kinds.length]!;
  const care = { retry: { attempts: 5, backoffMs: 2_000, factor: 2, jitter: 0.2 }, timeoutMs: 600_000 };
  const parts = ['a', 'b', 'c', 'd'].map((key, at) =>
    ticket(key, {
      ...care,
      ...(kind === 'pipeline' && at > 0 && { dependsOn: [['a', 'b', 'c'][at - 1]!] }),
      ...(kind === 'graph' && at === 3 && { dependsOn: ['a', 'b'] }),
    }),
  );
  return {
    schemaVersion: 1,
    goal: `Question ${nth}`,
    roles: [role('lead'), role('worker', { concurrency: 2 }), role('clerk')],
    tickets: kind === 'supervisor-worker' ? [ticket('goal', { ...care, role: 'lead' })] : parts,
    topology: kind === 'supervisor-worker' ? { kind, supervisor: 'lead', workers: ['worker'], maxParallel: 3 } : { kind },
    synthesis: {
      ...care,
      role: 'clerk',
      instructions: 'Answer, and say where it comes from.',
      outputSchema: {
        type: 'object',
        required: ['answer', 'citations'],
        properties: { answer: { type: 'string' }, citations: { type: 'array', items: { type: 'string' }, minItems: 1 } },
      },
    },
    budget: { maxCostUsd: capUsd },
    resources: { ...tools },
  };
}

/** Agents that fail, are throttled and take their time, by chance; the same for the same seed. */
export function researchTeams(clock: VirtualClock, seed: number): ResearchTeams {
  const calls: ToolCall[] = [];
  const applied = new Map<string, string>();
  /** What a lead has heard in its reports, by run. */
  const heard = new Map<string, string[]>();
  let state = seed >>> 0;
  const chance = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;

  const use = (context: AgentContext, tool: ToolName): Promise<string> =>
    context.call(tool, async (signal) => {
      const call: ToolCall = {
        tool,
        at: clock.now(),
        endedAt: Infinity,
        source: `https://example.org/${calls.length}`,
        isThrottled: false,
      };
      calls.push(call);
      try {
        if (chance() < 0.02) {
          call.isThrottled = true;
          throw new ThrottledError({ retryAfterMs: 5_000 });
        }
        await clock.sleep(2_000 + Math.floor(chance() * 20_000), { signal });
      } finally {
        call.endedAt = clock.now();
      }
      return call.source;
    });

  const worker = async (request: AgentRequest, context: AgentContext) => {
    const citations: string[] = [];
    let cost = 0;
    for (const tool of ['search', 'reader', 'search', 'reader'] as const) {
      citations.push(await use(context, tool));
      cost += 0.001 + Math.floor(chance() * 9_000) / 1_000_000;
      const usage = { costUsd: Math.round(cost * 1_000_000) / 1_000_000, inputTokens: 400, outputTokens: 100 };
      if (chance() < 0.03) throw new AgentError('The page could not be read.', { usage });
      if (chance() < 0.005)
        await new Promise((_, reject) => context.signal.addEventListener('abort', () => reject(new Error('cut off'))));
    }
    // What it does to the world, once for each key.
    applied.set(request.idempotencyKey, `${request.runId}/${request.stepId}`);
    heard.set(request.runId, [...(heard.get(request.runId) ?? []), ...citations]);
    return {
      output: { citations },
      usage: { costUsd: Math.round(cost * 1_000_000) / 1_000_000, inputTokens: 1_000, outputTokens: 500 },
    };
  };
  const lead = async ({ runId, input }: AgentRequest) => {
    await clock.sleep(3_000);
    const usage = { costUsd: 0.004, inputTokens: 800, outputTokens: 60 };
    const { counts } = input['board'] as unknown as { readonly counts: { readonly open: number; readonly delegations: number } };
    const reports = (input['reports'] ?? []) as unknown as readonly unknown[];
    if (counts.open > 0) return { output: null, route: { delegate: [] }, usage };
    if (reports.length > 0) return { output: { citations: heard.get(runId) ?? [] }, route: { finish: true }, usage };
    return {
      output: null,
      route: { delegate: ['x', 'y', 'z'].map((part) => ({ role: 'worker', task: `Look into ${part}.` })) },
      usage,
    };
  };
  const clerk = async ({ input }: AgentRequest) => {
    await clock.sleep(8_000);
    const citations = JSON.stringify(input).match(/https:\/\/example\.org\/\d+/g) ?? [];
    return { output: { answer: 'So it is.', citations }, usage: { costUsd: 0.01, inputTokens: 3_000, outputTokens: 700 } };
  };
  return { agents: { lead, worker, clerk } as unknown as ResearchTeams['agents'], calls, applied };
}
