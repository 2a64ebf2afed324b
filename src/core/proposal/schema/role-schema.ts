import { z } from 'zod';

import { breakerSchema, countFrom, nameSchema, outputSchemaSchema, spendLimitSchema, textSchema } from './field-schemas.js';

const base = {
  key: nameSchema.describe('Unique among the roles. Tickets name it.'),
  description: z.string().describe('What the role is good for, in a sentence.').exactOptional(),
  promptTemplate: z.string().describe('Put before every task of the role.').exactOptional(),
  clear: z.boolean().describe('Whether each step gets a fresh session. Default: true.').exactOptional(),
  tools: z.array(textSchema).exactOptional(),
  budget: spendLimitSchema.describe('What all steps of the role together may spend at most.').exactOptional(),
  timeoutMs: countFrom(1)
    .describe('Longest time of one attempt at a step that names none itself, in milliseconds.')
    .exactOptional(),
  heartbeatTimeoutMs: countFrom(1)
    .describe('How long an attempt may give no sign of life at a step that says nothing of it itself, in milliseconds.')
    .exactOptional(),
  inputSchema: outputSchemaSchema
    .describe('JSON Schema of what the role must be given with a task that another role hands to it.')
    .exactOptional(),
  autonomy: z
    .enum(['observe-only', 'act-with-approval', 'act-freely'])
    .describe(
      'How far it may go by itself: no effects; effects once a person has approved the step; anything. Default: act-freely.',
    )
    .exactOptional(),
  concurrency: countFrom(1).describe('Steps of this role that may run at once.').exactOptional(),
  breaker: breakerSchema
    .describe('Circuit breaker of whoever fills the role: when an agent that keeps failing is left alone for a while.')
    .exactOptional(),
  fallbacks: z
    .array(textSchema)
    .describe('Ids of existing agents that take over, in this order, where the one before fails or is left alone by its breaker.')
    .exactOptional(),
};
const agentId = textSchema.describe('Id of an agent that exists.');
const hire = z
  .strictObject({
    name: textSchema,
    title: textSchema.exactOptional(),
    persona: textSchema.exactOptional(),
    skills: z.array(textSchema).exactOptional(),
  })
  .describe('The agent to create once the plan is approved.');

/** A role as it is published: either an existing agent or a hire. */
export const roleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...base, kind: z.literal('existing'), agentId }).describe('Filled by an agent that exists.'),
  z.strictObject({ ...base, kind: z.literal('hire'), hire }).describe('Filled by an agent that is created for this plan.'),
]);

/** A role as it is read: every field is checked whatever the kind; that agent or hire fit the kind is the rules' matter. */
export const roleFieldsSchema = z.strictObject({
  ...base,
  kind: z.enum(['existing', 'hire']),
  agentId: agentId.exactOptional(),
  hire: hire.exactOptional(),
});
