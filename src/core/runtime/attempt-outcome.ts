import type { AgentError } from '../shared/agent-error.js';
import { isErrorClass, type ErrorClass } from '../shared/error-class.js';
import { isPlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';
import type { Json, JsonSchema } from '../shared/json.js';
import { outputFaults } from '../schema/output-faults.js';
import type { Agent } from '../ports/agent.js';
import type { RouteChoice } from '../ports/plan.js';
import type { Conflict } from '../ports/reducer.js';
import type { Branch, StoredError } from '../ports/run.js';
import type { Spend } from '../ports/usage.js';
import { ownJson } from '../shared/own-json.js';
import { CircuitOpenError } from './circuit-open-error.js';
import { readError } from './read-error.js';
import { refusalFactsOf } from './refusal-facts.js';
import { spendOf } from './spend.js';
import { codeOf, isThrown, messageOf } from '../shared/thrown.js';

/** How one attempt ended, in the kernel's words. */
export type AttemptOutcome =
  | {
      readonly kind: 'succeeded';
      readonly output: Json;
      readonly spend: Spend;
      /** What writers did not agree on whose outputs the step has joined. */
      readonly conflicts?: readonly Conflict[];
      /** Where a route step leads. */
      readonly branch?: Branch;
      /** What the agent wants to be done next, as it was given. */
      readonly route?: Json;
    }
  | {
      readonly kind: 'failed';
      readonly error: StoredError;
      readonly retryable: boolean;
      /** Its agent does not know whether it has happened all the same. */
      readonly inDoubt?: true;
      readonly spend: Spend;
      /** Another attempt is of no use before then. */
      readonly notBefore?: number;
    }
  /** A provider asks for a pause. `retryAt`: until when, where it says so. */
  | { readonly kind: 'throttled'; readonly error: StoredError; readonly retryAt?: number; readonly spend: Spend };

/** Reads what an agent returned: an object with a JSON `output` that fits the step's schema. Never throws. */
export function outcomeOf(
  result: unknown,
  outputSchema: JsonSchema | undefined,
  { isOutputOptional = false }: { readonly isOutputOptional?: boolean } = {},
): AttemptOutcome {
  if (isOutputOptional && result === undefined) return { kind: 'succeeded', output: null, spend: noSpend };
  if (typeof result !== 'object' || result === null) {
    return invalid(`The agent returned ${quote(result)} instead of an object such as { output: … }.`, noSpend);
  }
  const {
    output = isOutputOptional ? null : undefined,
    outcome = 'completed',
    usage,
    route,
  } = result as Readonly<Partial<Record<'output' | 'outcome' | 'usage' | 'route', unknown>>>;
  const spend = spendOf(usage);
  if (output === undefined) return invalid('The agent returned no output. An agent without one returns { output: null }.', spend);
  const json = ownJson(output);
  if (!json.ok) return invalid(`The agent's output is not JSON ${json.error}.`, spend);
  if (outcome === 'needs-context' || outcome === 'rejected') return declined(outcome, json.value, spend);
  if (outcome !== 'completed') {
    return invalid(`The agent returned the outcome ${quote(outcome)}; there are completed, needs-context and rejected.`, spend);
  }
  const faults = outputFaults(json.value, outputSchema);
  if (faults !== undefined) return { kind: 'failed', error: { code: 'OUTPUT_INVALID', message: faults }, retryable: true, spend };
  if (route === undefined || route === null) return { kind: 'succeeded', output: json.value, spend };
  const given = ownJson(route);
  if (!given.ok) return invalid(`The agent's route is not JSON ${given.error}.`, spend);
  return { kind: 'succeeded', output: json.value, route: given.value, spend };
}

/** What the agent of a `route` step has chosen, of what it could; anything else is refused, and it is told what there is. */
export function choiceOf(outcome: AttemptOutcome, choices: readonly RouteChoice[]): AttemptOutcome {
  if (outcome.kind !== 'succeeded') return outcome;
  const { route, ...rest } = outcome;
  const { choose, reason } = (typeof route === 'object' && route !== null ? route : {}) as {
    readonly choose?: Json;
    readonly reason?: Json;
  };
  const chosen = typeof choose === 'string' ? [choose] : choose;
  const known = choices.map(({ to }) => to);
  const isSound = Array.isArray(chosen) && chosen.length > 0 && chosen.every((to) => known.includes(to as string));
  if (isSound) {
    const why = typeof reason === 'string' && reason !== '' ? reason : 'chosen by its agent';
    return { ...rest, branch: { to: [...new Set(chosen as string[])], reason: why, by: 'model' } };
  }
  const listed = known.slice(0, 20).map(quote).join(', ');
  const message = `${route === undefined ? 'No choice was made' : `${quote(route)} is no choice`}. Answer with route: { choose } and one of ${listed}; names must match exactly.`;
  return { kind: 'failed', error: { code: 'CHOICE_REFUSED', message, known }, retryable: true, spend: outcome.spend };
}

/** What is needed to read what an agent threw: what the agent itself makes of it, and the time. */
export interface ErrorReading {
  readonly agent?: Pick<Agent, 'classify'> | undefined;
  readonly now: number;
}

/**
 * Reads what an agent threw. What it says itself of it stands; then what its shape says; anything else is worth another attempt. Never throws, and
 * keeps nothing of it but its message, its class and its HTTP status.
 */
export function failureOf(thrown: unknown, { agent, now }: ErrorReading = { now: 0 }): AttemptOutcome {
  if (isThrown(thrown, CircuitOpenError)) return refusedBy(thrown);
  const read = readError(thrown, now);
  const kind = askedClass(agent, thrown) ?? read?.class;
  const { reason, retryable, usage } = factsOf(thrown);
  const given = codeOf(thrown, kind === 'throttled' ? 'THROTTLED' : 'AGENT_FAILED');
  const error = {
    code: given === 'AGENT_FAILED' && typeof reason === 'string' && reason !== '' ? reason : given,
    message: messageOf(thrown),
    ...refusalFactsOf(thrown),
    ...(kind !== undefined && kind !== 'retryable' && { class: kind }),
    ...(read?.status !== undefined && { status: read.status }),
  };
  const spend = spendOf(usage);
  if (kind === 'throttled') {
    const { retryAfterMs } = read ?? {};
    return { kind: 'throttled', error, spend, ...(retryAfterMs !== undefined && { retryAt: now + retryAfterMs }) };
  }
  const isWorthIt = kind !== 'fatal' && retryable !== false;
  return { kind: 'failed', error, retryable: isWorthIt, spend, ...(kind === 'in-doubt' && { inDoubt: true }) };
}

/** Whoever would be called is left alone for a while: that says nothing of the agent, and nobody need be asked what it means. */
function refusedBy({ code, message, key, openUntil, failures }: CircuitOpenError): AttemptOutcome {
  const error = { code, message, key: { ...key }, openUntil, failures };
  return { kind: 'failed', error, retryable: true, spend: noSpend, notBefore: openUntil };
}

function askedClass(agent: ErrorReading['agent'], thrown: unknown): ErrorClass | undefined {
  try {
    const said: unknown = agent?.classify?.(thrown);
    return isErrorClass(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

/** What an AgentError carries. Known by its code, so that one from another copy of planwright is one too; and read with care. */
function factsOf(thrown: unknown): Partial<Record<keyof AgentError, unknown>> {
  try {
    if (!isPlanwrightError(thrown) || thrown.code !== 'AGENT_FAILED') return {};
    const { reason, retryable, usage } = thrown as unknown as Partial<Record<keyof AgentError, unknown>>;
    return { reason, retryable, usage };
  } catch {
    return {};
  }
}

const noSpend = spendOf(undefined);
const invalid = (message: string, spend: Spend): AttemptOutcome => ({
  kind: 'failed',
  error: { code: 'AGENT_RESULT_INVALID', message },
  retryable: true,
  spend,
});

/** The agent has answered that it will not do it. Asking again with nothing new would get the same answer. */
const declined = (outcome: 'needs-context' | 'rejected', output: Json, spend: Spend): AttemptOutcome => ({
  kind: 'failed',
  error: {
    code: outcome === 'rejected' ? 'REJECTED' : 'NEEDS_CONTEXT',
    message: typeof output === 'string' && output.trim() !== '' ? output : `The agent answered ${outcome}: ${quote(output)}`,
    output,
  },
  retryable: false,
  spend,
});
