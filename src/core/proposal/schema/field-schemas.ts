import { z } from 'zod';

import type { Json, JsonObject, JsonSchema } from '../../shared/json.js';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A text with at least one character that can be seen. */
export const textSchema = z.string().regex(/\S/);

/** A key or a name. Which ones are allowed is the rules' matter. */
export const nameSchema = z.string().meta({ minLength: 1 });

/** A whole number from `least` on. */
export const countFrom = (least: number) => z.int().min(least);

/** The largest amount of money that a proposal can name, in US dollars. */
const mostUsd = 1_000_000_000;

/** US dollars with at most six decimals, so that whole micro-dollars hold them. */
export const usdSchema = z
  .number()
  .min(0)
  .max(mostUsd)
  .refine((usd) => Math.round(usd * 1_000_000) / 1_000_000 === usd, 'must have at most six decimals, not');

/** Any JSON; that it is JSON was seen to before. */
export const anyJsonSchema = z.custom<Json | undefined>(() => true);

/** An object with any JSON in it. */
export const jsonObjectSchema = z.custom<JsonObject>(isObject, 'must be an object, not').meta({ type: 'object' });

/** Something that should be a JSON Schema. Whether it is one is the rules' matter. */
export const outputSchemaSchema = z
  .custom<JsonSchema>((value) => value !== undefined)
  .meta({ type: ['object', 'boolean'], description: 'JSON Schema (draft 2020-12) that the output must satisfy.' });

/** Ceilings on spend, as they stand in roles, tickets and phases. */
export const spendLimitSchema = z.strictObject({
  maxCostUsd: usdSchema.describe('US dollars, at most six decimals.').exactOptional(),
  maxTokens: countFrom(0).describe('Input and output tokens together.').exactOptional(),
  maxAttempts: countFrom(1).describe('Attempts in all, retries included.').exactOptional(),
});

/** What tickets and phases say about how they are carried out. */
export const executionFields = {
  retry: z
    .strictObject({
      attempts: countFrom(1).describe('Attempts in all, the first included. Default: 1.').exactOptional(),
      backoffMs: countFrom(0).describe('Pause before the second attempt, in milliseconds. Default: 1000.').exactOptional(),
      factor: z.number().min(1).describe('Each further pause is this many times the one before. Default: 2.').exactOptional(),
      maxBackoffMs: countFrom(0).describe('Longest pause, in milliseconds. Default: 30000.').exactOptional(),
      jitter: z.number().min(0).max(1).describe('Share of a pause that is spread at random. Default: 0.').exactOptional(),
      maxThrottled: countFrom(0)
        .describe('How often in a row a provider may ask for a pause before that is a failed attempt. Default: 20.')
        .exactOptional(),
    })
    .exactOptional(),
  timeoutMs: countFrom(1).describe('Longest time of one attempt, in milliseconds.').exactOptional(),
  totalTimeoutMs: countFrom(1)
    .describe('Longest time of all attempts and what lies between them, in milliseconds.')
    .exactOptional(),
  heartbeatTimeoutMs: countFrom(1)
    .describe('An attempt that gives no sign of life for so long, in milliseconds, is given up.')
    .exactOptional(),
  estimate: z
    .strictObject({
      costUsd: usdSchema.exactOptional(),
      tokens: countFrom(0).exactOptional(),
      durationMs: z.number().min(0).exactOptional(),
    })
    .describe('What the work is expected to take. Leave out what you cannot tell.')
    .exactOptional(),
  budget: spendLimitSchema.describe('What this step may spend at most, all attempts together.').exactOptional(),
};

/** When what keeps failing is left alone for a while. */
export const breakerSchema = z.strictObject({
  failures: countFrom(1).describe('Failures in a row after which it opens. Default: 5.').exactOptional(),
  openMs: countFrom(1).describe('How long it stays open the first time, in milliseconds. Default: 30000.').exactOptional(),
  factor: z
    .number()
    .min(1)
    .describe('Each further pause, after a probe that failed, is this many times the one before. Default: 2.')
    .exactOptional(),
  maxOpenMs: countFrom(1).describe('Longest pause, in milliseconds. Default: 300000.').exactOptional(),
  whenOpen: z
    .enum(['fail', 'wait'])
    .describe('What becomes of a call while it is open: it fails at once, or waits. Default: fail.')
    .exactOptional(),
});
