import type { AgentRequest, AgentResult, Route } from '../ports/agent.js';
import type { Usage } from '../ports/usage.js';
import type { Json } from '../shared/json.js';

/** What a scripted agent does on one call, as data. Left empty, it answers at once with an output that fits the schema asked for. */
export interface ScriptedAnswer {
  /** Default: a sample of the request's `outputSchema`, or `{ did: <step id> }` where there is none. */
  readonly output?: Json;
  readonly outcome?: AgentResult['outcome'];
  readonly usage?: Usage;
  readonly route?: Route;
  /** Time before the answer or the failure, in milliseconds on the agent's clock. */
  readonly delayMs?: number;
  /** Lines handed to `context.progress`, before the delay. */
  readonly progress?: readonly string[];
  /** Throws an AgentError with this message, retryable unless said otherwise, and with `usage` if there is one. */
  readonly fail?: string | ScriptedFailure;
  /** Does not answer before it is aborted. */
  readonly hang?: true;
  /** Takes no notice of the abort signal: goes on with its delay and answers late, or with `hang` never settles at all. */
  readonly ignoreAbort?: true;
  /** Breaks the contract of an agent in this way, after the delay (`throws-synchronously` at once). */
  readonly breach?: ScriptedBreach;
}

export interface ScriptedFailure {
  readonly code: string;
  readonly message: string;
  /** Default: true. */
  readonly retryable?: boolean;
}

/** What careless agents do. */
export type ScriptedBreach =
  'throws-synchronously' | 'throws-undefined' | 'returns-undefined' | 'returns-text' | 'returns-cycle' | 'returns-non-json';

/** One answer for every attempt, or one for each attempt in turn (the last for all that follow). */
export type ScriptedStep = ScriptedAnswer | readonly ScriptedAnswer[];

export interface AgentScript {
  /** By step id. */
  readonly steps?: Readonly<Record<string, ScriptedStep>> | ReadonlyMap<string, ScriptedStep>;
  /** For steps which are not in `steps`. Default: answers at once. */
  readonly default?: ScriptedStep;
}

/** Looks answers up in a script, safely for any step id. */
export function createPrompter({ steps = {}, default: fallback = {} }: AgentScript): (request: AgentRequest) => ScriptedAnswer {
  const byStep: ReadonlyMap<string, ScriptedStep> = steps instanceof Map ? steps : new Map(Object.entries(steps));
  return ({ stepId, attempt }) => {
    const step = byStep.get(stepId) ?? fallback;
    return isSequence(step) ? (step[Math.min(attempt, step.length) - 1] ?? {}) : step;
  };
}

const isSequence = (step: ScriptedStep): step is readonly ScriptedAnswer[] => Array.isArray(step);
