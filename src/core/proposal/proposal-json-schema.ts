import { z } from 'zod';

import type { Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import type { JsonObject, JsonSchema } from '../shared/json.js';
import { proposalSchema } from './schema/proposal-schema.js';

/** Options of {@link proposalJsonSchema}. */
export interface ProposalJsonSchemaOptions {
  /** What `topology.kind` may name. Options are spelled out for topologies whose schema is a zod object. */
  readonly topologies: readonly Topology[];
}

/**
 * The JSON Schema (draft 2020-12) of a proposal, for the model or the form that writes one. It accepts whatever `parseProposal`
 * accepts; what one part says of another (roles, dependencies, cycles, inputs) only `parseProposal` can check.
 */
export function proposalJsonSchema({ topologies }: ProposalJsonSchemaOptions): JsonSchema {
  const schema = toJsonSchema(proposalSchema);
  const properties = schema['properties'] as JsonObject;
  const topology = topologySchema(topologies, properties['topology'] as JsonObject);
  return deepFreeze({ title: 'OrchestrationProposal', ...schema, properties: { ...properties, topology } });
}

const toJsonSchema = (schema: z.core.$ZodType): JsonObject =>
  z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    // What zod cannot express is said in `meta`.
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Every whole number would carry it, and no planner needs it.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as JsonObject;

function topologySchema(topologies: readonly Topology[], { description }: JsonObject): JsonObject {
  const choices = topologies.map(choiceSchema);
  // No value fits an empty `anyOf`, and none is what can be chosen then; but draft 2020-12 wants at least one member.
  return { description, ...(choices.length === 0 ? { not: {} } : { anyOf: choices }) };
}

function choiceSchema({ kind, description, options }: Topology): JsonObject {
  const { properties, required, additionalProperties } = optionsSchema(options);
  return {
    type: 'object',
    description,
    properties: { ...properties, kind: { const: kind } },
    required: ['kind', ...required],
    ...(additionalProperties !== undefined && { additionalProperties }),
  };
}

interface OptionsShape {
  readonly properties: JsonObject;
  readonly required: readonly string[];
  readonly additionalProperties: JsonSchema | undefined;
}

const anyOptions: OptionsShape = { properties: {}, required: [], additionalProperties: undefined };

/** The shape of a plain zod object; of anything else nothing is known, so anything goes. */
function optionsSchema(options: unknown): OptionsShape {
  if (!isZodType(options)) return anyOptions;
  let schema: JsonObject;
  try {
    schema = toJsonSchema(options);
  } catch {
    return anyOptions;
  }
  // A reference would point from the wrong root once the schema stands inside another.
  const isPlain = schema['type'] === 'object' && schema['properties'] !== undefined && !JSON.stringify(schema).includes('"$ref"');
  if (!isPlain) return anyOptions;
  return {
    properties: schema['properties'] as JsonObject,
    required: (schema['required'] ?? []) as readonly string[],
    additionalProperties: schema['additionalProperties'] as JsonSchema | undefined,
  };
}

/** By shape, not by `instanceof`: the topology may come with a copy of zod of its own. */
const isZodType = (value: unknown): value is z.core.$ZodType =>
  typeof value === 'object' && value !== null && typeof (value as { readonly _zod?: unknown })._zod === 'object';
