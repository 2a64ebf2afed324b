import fc from 'fast-check';

import type { Usage } from '../ports/usage.js';
import type { AgentScript, ScriptedAnswer } from './agent-script.js';

export interface OutcomesOptions {
  /** Whether attempts may fail, for good or not. Default: true. */
  readonly failures?: boolean;
  /** Longest an attempt takes, in milliseconds. Default: 5,000. */
  readonly maxDelayMs?: number;
  /** Whether attempts may report usage: at most 0.02 USD and 400 tokens each. Default: true. */
  readonly usage?: boolean;
}

/** For each of some steps what its attempts do, the last for all that follow. Plain data; {@link scriptOf} deals it out to steps. */
export type Outcomes = readonly (readonly ScriptedAnswer[])[];

/** How the attempts of a plan's steps may go: succeed or fail, how late, and what they cost. Shrinks to steps that succeed at once. */
export function outcomesArbitrary({
  failures = true,
  maxDelayMs = 5_000,
  usage = true,
}: OutcomesOptions = {}): fc.Arbitrary<Outcomes> {
  const failure = fc.constantFrom<NonNullable<ScriptedAnswer['fail']>[]>('It did not work.', {
    code: 'hopeless',
    message: 'It will never work.',
    retryable: false,
  });
  const answer = fc.record(
    {
      delayMs: fc.nat({ max: maxDelayMs }),
      ...(usage && { usage: usageArbitrary }),
      ...(failures && { fail: failure }),
    },
    { requiredKeys: [] },
  );
  return fc.array(fc.array(answer, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 16 });
}

const usageArbitrary: fc.Arbitrary<Usage> = fc.record(
  {
    inputTokens: fc.nat({ max: 200 }),
    outputTokens: fc.nat({ max: 200 }),
    costUsd: fc.nat({ max: 20_000 }).map((microUsd) => microUsd / 1_000_000),
    provenance: fc.constantFrom('measured' as const, 'provider-reported' as const, 'estimated' as const),
  },
  { requiredKeys: [] },
);

/** A script for `scriptedAgent` in which step `n` of a plan does what outcome `n` says, starting over behind the last. */
export const scriptOf = (steps: readonly { readonly id: string }[], outcomes: Outcomes): AgentScript => ({
  steps: new Map(steps.map(({ id }, index) => [id, outcomes[index % outcomes.length] ?? []])),
});
