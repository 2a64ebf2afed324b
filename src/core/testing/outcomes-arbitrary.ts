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

/**
 * How the attempts of a plan's steps may go: succeed or fail, how late, and what they cost. Half of them know no failure at all, in
 * the other half every fifth attempt is one, so that whole runs succeed and fail in like numbers. Shrinks to steps that succeed at once.
 */
export function outcomesArbitrary(options: OutcomesOptions = {}): fc.Arbitrary<Outcomes> {
  const calm = stepsArbitrary(answerArbitrary(options));
  if (options.failures === false) return calm;
  const rough = fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: answerArbitrary(options) },
    { weight: 1, arbitrary: fc.tuple(answerArbitrary(options), failureArbitrary).map(([answer, fail]) => ({ ...answer, fail })) },
  );
  return fc.oneof({ withCrossShrink: true }, calm, stepsArbitrary(rough));
}

const stepsArbitrary = (answer: fc.Arbitrary<ScriptedAnswer>): fc.Arbitrary<Outcomes> =>
  fc.array(fc.array(answer, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 16 });

const answerArbitrary = ({ maxDelayMs = 5_000, usage = true }: OutcomesOptions): fc.Arbitrary<ScriptedAnswer> =>
  fc.record({ delayMs: fc.nat({ max: maxDelayMs }), ...(usage && { usage: usageArbitrary }) }, { requiredKeys: [] });

const failureArbitrary = fc.constantFrom<NonNullable<ScriptedAnswer['fail']>[]>('It did not work.', {
  code: 'hopeless',
  message: 'It will never work.',
  retryable: false,
});

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
