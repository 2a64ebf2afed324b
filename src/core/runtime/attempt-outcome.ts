import type { AgentError } from '../shared/agent-error.js';
import { canonicalJson, CanonicalJsonError } from '../shared/canonical-json.js';
import { copyJson } from '../shared/copy-json.js';
import { isPlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';
import type { Json, JsonSchema } from '../shared/json.js';
import { compileJsonSchema } from '../schema/json-schema.js';
import type { Branch, StoredError } from '../ports/run.js';
import type { Spend } from '../ports/usage.js';
import { spendOf } from './spend.js';

/** How one attempt ended, in the kernel's words. */
export type AttemptOutcome =
  | {
      readonly kind: 'succeeded';
      readonly output: Json;
      readonly spend: Spend;
      /** Where a route step leads. */
      readonly branch?: Branch;
    }
  | { readonly kind: 'failed'; readonly error: StoredError; readonly retryable: boolean; readonly spend: Spend };

/** Reads what an agent returned: an object with a JSON `output` that fits the step's schema. Never throws. */
export function outcomeOf(result: unknown, outputSchema: JsonSchema | undefined): AttemptOutcome {
  if (typeof result !== 'object' || result === null) {
    return invalid(`The agent returned ${quote(result)} instead of an object such as { output: … }.`, noSpend);
  }
  const {
    output,
    outcome = 'completed',
    usage,
  } = result as { readonly output?: unknown; readonly outcome?: unknown; readonly usage?: unknown };
  const spend = spendOf(usage);
  const json = ownJson(output);
  if (typeof json === 'string') return invalid(json, spend);
  if (outcome === 'needs-context' || outcome === 'rejected') return declined(outcome, json.value, spend);
  if (outcome !== 'completed') {
    return invalid(`The agent returned the outcome ${quote(outcome)}; there are completed, needs-context and rejected.`, spend);
  }
  const faults = schemaFaults(json.value, outputSchema);
  if (faults !== undefined) return { kind: 'failed', error: { code: 'OUTPUT_INVALID', message: faults }, retryable: true, spend };
  return { kind: 'succeeded', output: json.value, spend };
}

/** Reads what an agent threw. What it says itself of retrying stands; anything else is worth another attempt. */
export function failureOf(thrown: unknown): AttemptOutcome {
  const message = messageOf(thrown);
  if (isAgentError(thrown)) {
    const { reason, retryable, usage } = thrown;
    return { kind: 'failed', error: { code: reason, message }, retryable, spend: spendOf(usage) };
  }
  const code = isPlanwrightError(thrown) ? thrown.code : 'AGENT_FAILED';
  return { kind: 'failed', error: { code, message }, retryable: true, spend: spendOf(undefined) };
}

/** By its code, so that one from another copy of planwright is one too. */
const isAgentError = (thrown: unknown): thrown is AgentError => isPlanwrightError(thrown) && thrown.code === 'AGENT_FAILED';

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
    message: typeof output === 'string' ? output : quote(output),
    output,
  },
  retryable: false,
  spend,
});

/** A copy of a value that nobody else holds, or why it is no JSON. */
function ownJson(value: unknown): { readonly value: Json } | string {
  if (value === undefined) return 'The agent returned no output. An agent without one returns { output: null }.';
  try {
    canonicalJson(value);
    return { value: copyJson(value) as Json };
  } catch (error) {
    const reason = error instanceof CanonicalJsonError ? `at "${error.pointer || '/'}": ${error.reason}` : messageOf(error);
    return `The agent's output is not JSON ${reason}.`;
  }
}

function schemaFaults(output: Json, schema: JsonSchema | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const compiled = compileJsonSchema(schema);
  if (!compiled.ok) return `The step's output schema is malformed: ${compiled.error}`;
  const faults = compiled.value.validate(output);
  if (faults.length === 0) return undefined;
  return `The output does not fit the step's schema: ${faults.map(({ pointer, message }) => `${pointer || '/'} ${message}`).join('; ')}.`;
}

/** A message for whatever was thrown, never empty and never throwing itself. */
export function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return thrown.message || thrown.name;
    return typeof thrown === 'string' && thrown !== '' ? thrown : `The agent threw ${quote(thrown)}.`;
  } catch {
    return 'The agent threw something that cannot be read.';
  }
}
