import type { AgentContext, AgentFunction, AgentRequest, AgentResult } from '../ports/agent.js';
import type { Clock } from '../ports/clock.js';
import { systemClock } from '../runtime/system-clock.js';
import { AgentError } from '../shared/agent-error.js';
import { type AgentScript, createPrompter, type ScriptedAnswer, type ScriptedBreach } from './agent-script.js';
import { sampleJson } from '../shared/sample-json.js';
import { sleepUntil } from './sleep-until.js';

/** One call that a scripted agent got. Times are those of its clock. */
export interface ScriptedCall {
  readonly request: AgentRequest;
  readonly startedAt: number;
  /** Absent while the call is open. */
  readonly endedAt?: number;
  readonly outcome?: 'answered' | 'failed' | 'aborted';
}

/** An agent whose behaviour is data, with a record of what it was asked. */
export type ScriptedAgent = AgentFunction & {
  /** In the order in which they came. */
  readonly calls: readonly ScriptedCall[];
};

export interface ScriptedAgentOptions {
  /** Where delays are waited for. Default: real time. */
  readonly clock?: Clock;
}

/**
 * Creates an agent that does what a script says, per step and attempt.
 *
 * @example
 * const agent = scriptedAgent(
 *   { steps: { flaky: [{ fail: 'rate limited', delayMs: 200 }, { output: 'done', usage: { costUsd: 0.01 } }] } },
 *   { clock },
 * );
 * agent.calls.map(({ request }) => request.stepId); // after the run: ['flaky', 'flaky']
 */
export function scriptedAgent(script: AgentScript = {}, { clock = systemClock }: ScriptedAgentOptions = {}): ScriptedAgent {
  const answerTo = createPrompter(script);
  const calls: ScriptedCall[] = [];

  const agent: AgentFunction = (request, context) => {
    const answer = answerTo(request);
    const place = calls.push({ request, startedAt: clock.now() }) - 1;
    const end = (outcome: 'answered' | 'failed' | 'aborted'): void => {
      calls[place] = { request, startedAt: calls[place]!.startedAt, endedAt: clock.now(), outcome };
    };
    if (answer.breach === 'throws-synchronously') {
      end('failed');
      throw new AgentError('This agent throws before it gives a promise.');
    }
    return perform(answer, { request, context, clock }).then(
      (result) => {
        end('answered');
        return result;
      },
      (error: unknown) => {
        end(answer.ignoreAbort !== true && context.signal.aborted ? 'aborted' : 'failed');
        throw error;
      },
    );
  };
  return Object.assign(agent, { calls });
}

interface Scene {
  readonly request: AgentRequest;
  readonly context: AgentContext;
  readonly clock: Clock;
}

async function perform(answer: ScriptedAnswer, { request, context, clock }: Scene): Promise<AgentResult> {
  for (const message of answer.progress ?? []) context.progress(message);
  const signal = answer.ignoreAbort === true ? undefined : context.signal;
  if (answer.hang === true) await untilAborted(signal);
  if (answer.delayMs !== undefined) await sleepUntil(clock, clock.now() + answer.delayMs, { signal });
  if (answer.fail !== undefined) throw failureOf(answer, answer.fail);
  if (answer.breach !== undefined) return breachOf(answer.breach);
  const { outcome, usage, route } = answer;
  return {
    output: answer.output === undefined ? defaultOutput(request) : answer.output,
    ...(outcome !== undefined && { outcome }),
    ...(usage !== undefined && { usage }),
    ...(route !== undefined && { route }),
  };
}

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal?.reason as unknown);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });

const defaultOutput = ({ outputSchema, stepId }: AgentRequest) =>
  outputSchema === undefined ? { did: stepId } : sampleJson(outputSchema);

function failureOf({ usage }: ScriptedAnswer, fail: NonNullable<ScriptedAnswer['fail']>): AgentError {
  const { code, message, retryable = true } = typeof fail === 'string' ? { code: 'scripted', message: fail } : fail;
  return new AgentError(message, { reason: code, retryable, ...(usage !== undefined && { usage }) });
}

/** What an agent in plain JavaScript may well return; the types say otherwise. */
function breachOf(breach: ScriptedBreach): AgentResult {
  const cycle: Record<string, unknown> = {};
  cycle['itself'] = cycle;
  switch (breach) {
    case 'returns-undefined':
      return undefined as unknown as AgentResult;
    case 'returns-text':
      return 'done' as unknown as AgentResult;
    case 'returns-cycle':
      return { output: cycle } as unknown as AgentResult;
    case 'returns-non-json':
      return { output: { answer: 42n, when: new Date(0), how: () => 'so' } } as unknown as AgentResult;
    case 'throws-undefined':
    case 'throws-synchronously':
      throw undefined as unknown;
  }
}
