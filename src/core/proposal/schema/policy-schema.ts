import { z } from 'zod';

import { nameSchema, outputSchemaSchema, textSchema, usdSchema } from './field-schemas.js';

const kinds = [
  'ticket',
  'research',
  'position',
  'route',
  'reduce',
  'gate',
  'synthesis',
  'compensation',
  'delegation',
  'handoff',
  'verification',
] as const;

const trigger = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start') }).describe('The first attempt at a step.'),
  z.strictObject({ type: z.literal('retry') }).describe('Any further attempt at a step.'),
  z
    .strictObject({ type: z.literal('spend'), aboveUsd: usdSchema.describe('US dollars, at most six decimals.') })
    .describe('An attempt that may spend more than that.'),
  z
    .strictObject({
      type: z.literal('tool'),
      tools: z.array(textSchema).describe('Names of tools. Left out: every tool.').exactOptional(),
      when: outputSchemaSchema.describe('JSON Schema: applies where the input of the tool satisfies it.').exactOptional(),
    })
    .describe('A tool that an agent calls.'),
]);

/** A rule on what the run may do. */
export const policySchema = z
  .strictObject({
    key: nameSchema.describe('Unique among the policies.'),
    verdict: z
      .enum(['allow', 'deny', 'require-approval'])
      .describe('require-approval: it waits until a person has decided. Use sparingly.'),
    on: trigger,
    roles: z.array(z.string()).describe('Keys of roles that it applies to. Left out: all.').exactOptional(),
    tickets: z.array(z.string()).describe('Keys of tickets that it applies to. Left out: all steps.').exactOptional(),
    kinds: z.array(z.enum(kinds)).describe('Kinds of steps that it applies to. Left out: all.').exactOptional(),
    effects: z
      .array(z.enum(['none', 'idempotent', 'once']))
      .describe('Effects that it applies to. Left out: all.')
      .exactOptional(),
    reason: textSchema.describe('Why, for whoever decides.'),
  })
  .describe('Of the policies on the same, the first that applies decides.');
