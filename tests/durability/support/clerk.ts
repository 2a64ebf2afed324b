import { AgentError, type Agent, type AgentRequest, type Clock, type Json } from 'planwright';
import type { EffectLedger } from 'planwright/testing';

import { pause } from './house.js';

/** How a clerk does one step. Left out: at once, and it works. */
export interface Behaviour {
  readonly delayMs?: number;
  /** Attempts that fail before one works, or all of them. */
  readonly fails?: number | 'always';
  /** Does its part in two halves, each by `once`. */
  readonly halves?: boolean;
  readonly costUsd?: number;
  /** Where a deciding step leads. */
  readonly chooses?: readonly string[];
}

export interface ClerkOptions {
  /** Factor of every delay. Default: 1. */
  readonly pace?: number;
  readonly clock: Clock;
  readonly effects: EffectLedger;
  /** Time between an effect and the answer that tells of it: whoever is killed then has done what nobody knows of. Default: 0. */
  readonly lingerMs?: number;
  readonly behaviours?: Readonly<Record<string, Behaviour>>;
  /** Steps whose effect the outside world does not know by key: only that they are not asked for twice keeps it from being done twice. */
  readonly blind?: readonly string[];
  /** Steps that change nothing. */
  readonly harmless?: readonly string[];
}

/**
 * An agent that does one thing to the world for each step, under the key that it gets, and whose output depends on all that it is given.
 * Asked what has happened, it looks.
 */
export function createClerk({
  clock,
  effects,
  behaviours = {},
  blind = [],
  harmless = [],
  pace = 1,
  lingerMs = 0,
}: ClerkOptions): Agent {
  const sleep = (delayMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = clock.schedule(clock.now() + delayMs * pace, resolve);
      const abort = (): void => {
        stop();
        reject(new AgentError('It was told to stop.'));
      };
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
  const affect = async (key: string, request: AgentRequest, value: Json): Promise<Json> => {
    if (harmless.includes(request.stepId)) return value;
    const isBlind = blind.includes(request.stepId) && request.kind !== 'compensation';
    const applied = await (isBlind ? effects.applyBlindly(key, value) : effects.apply(key, value));
    if (lingerMs > 0) await pause(clock, lingerMs);
    return applied;
  };
  return {
    async run(request, context) {
      const { stepId, kind, attempt, idempotencyKey } = request;
      const { delayMs, fails = 0, halves, costUsd } = behaviours[stepId] ?? {};
      const usage = { costUsd: costUsd ?? 0.001 };
      if (delayMs !== undefined) await sleep(delayMs, context.signal);
      if (kind !== 'compensation' && (fails === 'always' || attempt <= fails)) {
        throw new AgentError(`Attempt ${attempt} at ${stepId} does not work.`, { usage });
      }
      const output = outputOf(request);
      if (halves) {
        for (const half of ['first', 'second']) {
          await context.once(half, () => affect(`${idempotencyKey}/${half}`, request, half));
          if (delayMs !== undefined) await sleep(delayMs, context.signal);
        }
        return { output, usage };
      }
      return { output: await affect(idempotencyKey, request, output), usage };
    },
    async probe({ idempotencyKey }) {
      const found = await effects.find(idempotencyKey);
      return found === undefined ? { happened: false } : { happened: true, output: found };
    },
  };
}

/** Says what it was made of, so that whatever is lost or mixed up on the way shows in the deliverable. */
function outputOf({ stepId, kind, input, gaps }: AgentRequest): Json {
  if (kind === 'position') return { position: `A position after ${Object.keys(input).length} inputs.` };
  const parts = Object.values(input).map((value) => sumOf(value));
  return { of: stepId, sum: parts.reduce((sum, part) => sum + part, 1), missing: gaps.map(({ key }) => key) };
}

function sumOf(value: Json): number {
  const sum = typeof value === 'object' && value !== null ? (value as { readonly sum?: unknown }).sum : undefined;
  return typeof sum === 'number' ? sum : JSON.stringify(value).length;
}
