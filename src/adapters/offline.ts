import { sampleJson } from '../core/shared/sample-json.js';
import type { Json } from '../core/shared/json.js';
import type { AgentFunction, AgentRequest, AgentResult } from '../core/ports/agent.js';
import type { Clock } from '../core/ports/clock.js';
import type { Usage } from '../core/ports/usage.js';

/** How {@link createOfflineAgent} answers. */
export interface OfflineAgentOptions {
  /** The answer to a request. Default: a sample that fits the request's output schema, its texts naming step and task. */
  readonly answer?: (request: AgentRequest) => Json;
  /** Time an answer takes, in milliseconds. Default: 0, which waits for nothing. */
  readonly latencyMs?: number | ((request: AgentRequest) => number);
  /** Times the latency. Default: the time of the machine. */
  readonly clock?: Clock;
  /** What an answer costs. Default: a token for every four characters in and out, no money. Always reported as `estimated`. */
  readonly usage?: (request: AgentRequest, output: Json) => Omit<Usage, 'provenance'>;
}

/**
 * An agent that calls no model: it answers from the request alone, the same answer for the same request. For dry runs of a plan,
 * demos and tests. A deciding step (a supervisor, a peer) is answered with "finish".
 *
 * @example
 * const orchestrator = createOrchestrator({ agents: { 'agent-1': createOfflineAgent({ latencyMs: 500 }) } });
 */
export function createOfflineAgent(options: OfflineAgentOptions = {}): AgentFunction {
  const { answer = sampleAnswer, latencyMs = 0, clock = machineClock, usage = estimate } = options;
  return async (request, { signal }): Promise<AgentResult> => {
    const latency = typeof latencyMs === 'function' ? latencyMs(request) : latencyMs;
    signal.throwIfAborted();
    if (latency > 0) await pause(latency, { clock, signal });
    const output = answer(request);
    return {
      output,
      usage: { ...usage(request, output), provenance: 'estimated' },
      ...(request.kind === 'route' && { route: { finish: true } }),
    };
  };
}

function sampleAnswer({ stepId, instructions, outputSchema = true }: AgentRequest): Json {
  const task = firstLineOfTask(instructions);
  return sampleJson(outputSchema, { text: (property) => `${property ? `${property} of ` : ''}${stepId}: ${task}` });
}

/** A role's template comes before the task, under the heading `## Task`. */
function firstLineOfTask(instructions: string): string {
  const [line = ''] = (instructions.split('\n## Task\n').at(-1) ?? '').trim().split('\n', 1);
  return line;
}

const charactersPerToken = 4;
const tokensIn = (value: Json): number => Math.ceil(JSON.stringify(value).length / charactersPerToken);

const estimate = ({ instructions, input }: AgentRequest, output: Json): Usage => ({
  inputTokens: tokensIn(instructions) + tokensIn(input),
  outputTokens: tokensIn(output),
});

const machineClock: Clock = {
  now: () => Date.now(),
  schedule(dueAt, callback) {
    const timer = setTimeout(callback, dueAt - Date.now());
    return () => clearTimeout(timer);
  },
};

/** Rejects with the signal's reason as soon as it fires. */
const pause = (milliseconds: number, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.schedule(clock.now() + milliseconds, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
