import { numberOf, sampleNumber, sampleString } from './sample-scalar.js';
import type { Json, JsonObject, JsonSchema } from './json.js';

/** How {@link sampleJson} fills what a schema leaves open. */
export interface SampleOptions {
  /** Text for a string, by the name of the property it stands in (`''` at the top). Default: the name, or `sample`. */
  readonly text?: (property: string) => string;
}

/** Where the walk stands. */
interface Spot {
  readonly property: string;
  readonly depth: number;
  /** Place in the list around it, so that the items of a list differ. */
  readonly nth: number;
}

interface Walk {
  readonly root: JsonSchema;
  readonly text: (property: string) => string;
  /** Values that may still be made: a few nested references can stand for billions. */
  budget: number;
}

const optionalUntilDepth = 4;
const deepest = 32;

/**
 * A value that fits a JSON Schema (draft 2020-12), the same for the same schema. It reads `const`, `enum`, `default`, `examples`,
 * `type`, local `$ref`, `allOf`, the first of `anyOf` and `oneOf`, and the bounds of strings, numbers, lists and objects. It does
 * not read `pattern`, `not`, `if`, `dependent…`, `patternProperties` and `propertyNames`: where these matter the value may fail.
 * A schema that can only be filled without end gets `null` at its depth of 32.
 */
export function sampleJson(schema: JsonSchema, { text = (property) => property || 'sample' }: SampleOptions = {}): Json {
  return sample(schema, { property: '', depth: 0, nth: 0 }, { root: schema, text, budget: 10_000 });
}

function sample(schema: JsonSchema, spot: Spot, walk: Walk): Json {
  walk.budget -= 1;
  if (spot.depth > deepest || walk.budget < 0) return null;
  if (typeof schema === 'boolean') return numbered(walk.text(spot.property), spot);
  // Not `??`: null is a value like any other.
  const givens = [schema['const'], pick(schema['enum'], spot), schema['default'], pick(schema['examples'], spot)];
  const given = givens.find((value) => value !== undefined);
  if (given !== undefined) return given;
  const next = narrowed(schema, spot, walk);
  return next === undefined ? sampleOfType(schema, spot, walk) : sample(next, { ...spot, depth: spot.depth + 1 }, walk);
}

const pick = (list: Json | undefined, { nth }: Spot): Json | undefined => {
  const choices = listOf(list);
  return choices[nth % choices.length];
};

/** The schema without one of its `$ref`, `allOf`, `anyOf` or `oneOf`, which is merged into it. */
function narrowed(schema: JsonObject, { depth }: Spot, { root }: Walk): JsonSchema | undefined {
  const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
  if (typeof $ref === 'string') return merged({ ...rest, ...defined({ allOf, anyOf, oneOf }) }, resolved($ref, root));
  if (allOf !== undefined) return (listOf(allOf) as JsonSchema[]).reduce(merged, { ...rest, ...defined({ anyOf, oneOf }) });
  const alternatives = listOf(anyOf ?? oneOf) as readonly JsonSchema[];
  // Deep down the last one: the end of a recursive schema is seldom written first.
  const chosen = depth < optionalUntilDepth ? alternatives[0] : alternatives.at(-1);
  return chosen === undefined ? undefined : merged({ ...rest, ...defined(anyOf === undefined ? {} : { oneOf }) }, chosen);
}

const defined = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));

/** A schema that asks for what both ask for, as far as one schema can say it; else for what the other one does. */
function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  if (typeof one === 'boolean' || typeof other === 'boolean') return typeof one === 'boolean' ? other : one;
  const all = new Map<string, Json | undefined>(Object.entries(one));
  for (const [keyword, there] of Object.entries(other)) {
    const here = all.get(keyword);
    all.set(keyword, here === undefined || there === undefined ? there : both(keyword, here, there));
  }
  return Object.fromEntries(all);
}

function both(keyword: string, here: Json, there: Json): Json {
  if (keyword === 'required' || keyword === 'allOf') return [...listOf(here), ...listOf(there)];
  if (keyword === 'properties') return bothProperties(objectOf(here), objectOf(there));
  if (typeof here !== 'number' || typeof there !== 'number') return there;
  if (/^(?:min|exclusiveMin)/.test(keyword)) return Math.max(here, there);
  return /^(?:max|exclusiveMax)/.test(keyword) ? Math.min(here, there) : there;
}

function bothProperties(here: JsonObject, there: JsonObject): JsonObject {
  const properties = new Map(Object.entries(here));
  for (const [name, schema] of Object.entries(there)) {
    const first = properties.get(name);
    properties.set(name, first === undefined || schema === undefined ? schema : { allOf: [first, schema] });
  }
  return Object.fromEntries(properties);
}

/** The target of a `$ref` such as `#/$defs/name`; one that leads nowhere, or out of the schema, asks for nothing. */
function resolved($ref: string, root: JsonSchema): JsonSchema {
  if (!$ref.startsWith('#')) return true;
  let target: unknown = root;
  for (const segment of $ref.slice(1).split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, key)) return true;
    target = (target as Readonly<Record<string, unknown>>)[key];
  }
  return target as JsonSchema;
}

function sampleOfType(schema: JsonObject, spot: Spot, walk: Walk): Json {
  const types = Array.isArray(schema['type']) ? (schema['type'] as readonly Json[]) : [schema['type'] ?? impliedType(schema)];
  switch (types[0]) {
    case 'object':
      return sampleObject(schema, spot, walk);
    case 'array':
      return sampleArray(schema, spot, walk);
    case 'integer':
    case 'number':
      return sampleNumber(schema, { integer: types[0] === 'integer', nth: spot.nth });
    case 'boolean':
      return spot.nth % 2 === 0;
    case 'null':
      return null;
    default:
      return sampleString(schema, numbered(walk.text(spot.property), spot));
  }
}

// In front, so that `maxLength` does not cut off what makes two texts differ.
const numbered = (text: string, { nth }: Spot): string => (nth === 0 ? text : `${nth + 1}. ${text}`);

function impliedType(schema: JsonObject): string {
  const has = (...keywords: string[]): boolean => keywords.some((keyword) => schema[keyword] !== undefined);
  if (has('properties', 'required', 'additionalProperties', 'minProperties')) return 'object';
  if (has('items', 'prefixItems', 'minItems', 'contains')) return 'array';
  return has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf') ? 'number' : 'string';
}

function sampleArray(schema: JsonObject, { property, depth }: Spot, walk: Walk): Json {
  const least = numberOf(schema['minItems']) ?? 0;
  const wanted = depth < optionalUntilDepth && schema['items'] !== false ? 1 : 0;
  const leading = [...listOf(schema['prefixItems']), ...(schema['contains'] === undefined ? [] : [schema['contains']])];
  const length = Math.min(Math.max(least, wanted, leading.length), numberOf(schema['maxItems']) ?? Infinity, walk.budget + 1);
  return Array.from({ length }, (_, nth) =>
    sample((leading[nth] ?? schema['items'] ?? true) as JsonSchema, { property, depth: depth + 1, nth }, walk),
  );
}

function sampleObject(schema: JsonObject, { depth }: Spot, walk: Walk): Json {
  const properties = new Map(Object.entries(objectOf(schema['properties'])));
  const others = schema['additionalProperties'] ?? true;
  const names = new Set(listOf(schema['required']).map(String));
  if (depth < optionalUntilDepth) for (const [name, property] of properties) if (property !== false) names.add(name);
  const least = Math.min(numberOf(schema['minProperties']) ?? 0, walk.budget);
  for (const name of properties.keys()) if (names.size < least) names.add(name);
  if (others !== false) for (let extra = 1; names.size < least; extra += 1) names.add(`property${extra}`);
  return Object.fromEntries(
    Array.from(names, (property) => [
      property,
      sample((properties.get(property) ?? others) as JsonSchema, { property, depth: depth + 1, nth: 0 }, walk),
    ]),
  );
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
