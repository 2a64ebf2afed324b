import { z } from 'zod';

import { builtInReducers } from '../../shared/reducer-names.js';
import { countFrom, executionFields, nameSchema, outputSchemaSchema, textSchema } from './field-schemas.js';

const roleReference = z.string().describe('Key of a role of this proposal.');
/** What a step without an agent joins outputs by. */
export const reducerReference = textSchema.describe(
  `Joins outputs without an agent: ${builtInReducers.join(', ')}, or "custom:" with the name of another. Then there is no role and no instructions.`,
);
const instructions = textSchema.describe(
  'What to do, complete in itself. {{input.<id>}} stands for the output of an input: a ticket key, research or discussion.',
);

/** How something is checked before it is released. */
export const verificationSchema = z
  .strictObject({
    role: roleReference,
    instructions: textSchema.describe('What to look for. {{input.result}} stands for what was made.'),
    maxReworks: countFrom(0).describe('How often what did not pass is done again. Default: 2.').exactOptional(),
    retry: executionFields.retry,
    timeoutMs: executionFields.timeoutMs,
  })
  .describe('Another role checks the output before anything else gets to see it.');

/** Who carries it out: an agent, or a reducer. Which of the two is right a rule checks. */
export const carriedOutBy = [{ required: ['role', 'instructions'] }, { required: ['reducer'] }];

/** One piece of work that a person approves. */
export const ticketSchema = z
  .strictObject({
    key: nameSchema.describe('Unique among the tickets; short, no white space at its ends. Other tickets name it in dependsOn.'),
    title: textSchema.describe('A few words for people.'),
    role: roleReference.exactOptional(),
    instructions: instructions.exactOptional(),
    reducer: reducerReference.exactOptional(),
    writes: textSchema
      .describe(
        'Name of a shared value that its output is for. Where several tickets write one, join them in a ticket with a reducer.',
      )
      .exactOptional(),
    dependsOn: z
      .array(z.string())
      .describe('Keys of the tickets that must have succeeded before this one starts. No cycles, no ticket twice.')
      .exactOptional(),
    input: z
      .strictObject({ from: z.array(z.string()) })
      .describe(
        'What the agent sees: keys of tickets upstream, "research" or "discussion". Left out: its dependencies, research and discussion.',
      )
      .exactOptional(),
    outputSchema: outputSchemaSchema.exactOptional(),
    effect: z
      .enum(['none', 'idempotent', 'once'])
      .describe(
        'What it changes in the world: none; idempotent (may run again under the same key); once (must never run twice). Default: idempotent.',
      )
      .exactOptional(),
    compensation: z
      .strictObject({ role: roleReference, instructions: textSchema })
      .describe('How to undo the work when the run fails later, or is cancelled.')
      .exactOptional(),
    resources: z
      .array(z.union([nameSchema, z.strictObject({ name: nameSchema, amount: countFrom(1).exactOptional() })]))
      .describe('Shared tools that it uses, by name.')
      .exactOptional(),
    onFailure: z
      .enum(['continue', 'fail-run'])
      .describe('What its failure does: continue (dependents are skipped, the rest goes on) or fail-run. Default: continue.')
      .exactOptional(),
    gate: z
      .strictObject({
        kind: z.literal('before'),
        prompt: textSchema,
        expiresAfterMs: countFrom(1)
          .describe('How long it waits for an answer, in milliseconds. Left out: for ever.')
          .exactOptional(),
        onExpiry: z.enum(['refuse', 'approve']).describe('What no answer in that time means. Default: refuse.').exactOptional(),
      })
      .describe('A person must approve before it starts. Use sparingly.')
      .exactOptional(),
    priority: z.enum(['low', 'normal', 'high']).exactOptional(),
    verify: verificationSchema.exactOptional(),
    ...executionFields,
  })
  .meta({ anyOf: carriedOutBy });

/** What research, tickets and synthesis have in common. */
export const phaseFields = { role: roleReference, instructions, ...executionFields };
