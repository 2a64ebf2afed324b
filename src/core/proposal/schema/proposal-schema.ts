import { z } from 'zod';

import type { OrchestrationProposal } from '../../ports/proposal.js';
import {
  anyJsonSchema,
  breakerSchema,
  countFrom,
  jsonObjectSchema,
  outputSchemaSchema,
  spendLimitSchema,
  textSchema,
} from './field-schemas.js';
import { policySchema } from './policy-schema.js';
import { roleSchema } from './role-schema.js';
import { carriedOutBy, phaseFields, reducerReference, ticketSchema, verificationSchema } from './ticket-schema.js';

const contextSchema = z.strictObject({
  parentTicket: textSchema.describe('The work item that this answers to.').exactOptional(),
  channel: textSchema.describe('Where progress is shown.').exactOptional(),
  repositories: z.array(textSchema).exactOptional(),
  scope: jsonObjectSchema.exactOptional(),
});

const resourceLimitSchema = z.strictObject({
  concurrency: countFrom(1).describe('Uses at one time.').exactOptional(),
  limit: countFrom(1).describe('Starts in each intervalMs; give both or neither.').exactOptional(),
  intervalMs: countFrom(1).exactOptional(),
  maxQueued: countFrom(0).exactOptional(),
  maxWaitMs: countFrom(0).exactOptional(),
  breaker: breakerSchema
    .describe('Circuit breaker of calls of it: when what keeps failing is left alone for a while.')
    .exactOptional(),
});

/** More than nothing, at most all of it. */
const shareSchema = z.number().gt(0).max(1);

const budgetSchema = spendLimitSchema.extend({
  maxSteps: countFrom(1).describe('Steps that may start in all: tickets, phases and delegations.').exactOptional(),
  maxAgents: countFrom(1).describe('Distinct agents that may take part.').exactOptional(),
  maxDelegationDepth: countFrom(0).exactOptional(),
  maxConcurrency: countFrom(1).describe('Attempts of this run that may work at once.').exactOptional(),
  maxDurationMs: countFrom(1).describe('From the first start of the run, in milliseconds.').exactOptional(),
  onExceeded: z
    .enum(['fail', 'pause'])
    .describe('What reaching a ceiling does: fail, or pause and ask a person. Default: fail.')
    .exactOptional(),
  warnAt: shareSchema.describe('Share of a ceiling from which on there is a warning. Default: 0.8.').exactOptional(),
  shed: z
    .strictObject({
      at: shareSchema.describe('Share of a ceiling of the run from which on.'),
      priorities: z
        .array(z.enum(['low', 'normal', 'high']))
        .describe('Priorities of those tickets. Default: ["low"].')
        .exactOptional(),
    })
    .describe('Tickets that are left out when a ceiling of the run is near and they have not begun.')
    .exactOptional(),
});

/**
 * The strict shape of a proposal: unknown keys are refused everywhere. What one part says of another (roles, dependencies, inputs)
 * is checked by `parseProposal`, which alone decides whether a proposal is sound.
 */
export const proposalSchema = z.strictObject({
  schemaVersion: z.literal(1),
  goal: textSchema.describe('What shall come out of it, restated in a sentence or two.'),
  context: contextSchema.exactOptional(),
  roles: z.array(roleSchema).meta({ minItems: 1, description: 'Who takes part: existing agents, or agents to hire.' }),
  tickets: z.array(ticketSchema).meta({ minItems: 1, description: 'The work, as a graph without cycles.' }),
  topology: z
    .object({ kind: textSchema })
    .catchall(anyJsonSchema)
    .describe('How the work is arranged. Left out, the simplest that fits is taken.')
    .exactOptional(),
  research: z
    .strictObject({ ...phaseFields, outputSchema: outputSchemaSchema.exactOptional() })
    .describe('Runs before everything else; its output is an input of all other work.')
    .exactOptional(),
  discussion: z
    .strictObject({
      instructions: textSchema,
      rounds: countFrom(1).describe('Default: 1.').exactOptional(),
    })
    .describe('Each role gives a position before the work begins.')
    .exactOptional(),
  synthesis: z
    .strictObject({
      ...phaseFields,
      role: phaseFields.role.exactOptional(),
      instructions: phaseFields.instructions.exactOptional(),
      reducer: reducerReference.exactOptional(),
      outputSchema: outputSchemaSchema,
      verify: verificationSchema.exactOptional(),
    })
    .meta({ anyOf: carriedOutBy })
    .describe('Runs last: makes the deliverable out of all outputs, and must cover their gaps.'),
  budget: budgetSchema.describe('Hard ceilings of the whole run.').exactOptional(),
  resources: z.record(z.string(), resourceLimitSchema).describe('Limits of shared tools, by name.').exactOptional(),
  policies: z
    .array(policySchema)
    .describe('What is allowed, denied, or needs a person, before a step starts, is tried again, spends, or uses a tool.')
    .exactOptional(),
  metadata: jsonObjectSchema.exactOptional(),
});

type Deep<T> = T extends readonly (infer Item)[]
  ? readonly Deep<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Deep<T[Key]> }
    : T;
/** Every member required: an optional one that only one side has would otherwise pass unseen. */
type Full<T> = T extends readonly (infer Item)[]
  ? readonly Full<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]-?: Full<T[Key]> }
    : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Assert<T extends true> = T;
type Output = z.output<typeof proposalSchema>;

/** Does not compile when the schema and the interface of the port drift apart. */
export type SchemaMatchesPort = [
  Assert<Same<Deep<Output>, Deep<OrchestrationProposal>>>,
  Assert<Same<Full<Output>, Full<OrchestrationProposal>>>,
];
