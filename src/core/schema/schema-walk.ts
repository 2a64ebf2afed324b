import { pointerOf, quote } from '../shared/issue.js';

/** What a walk over a schema's own positions found: a fault in words, and whether only compiling can tell the rest. */
export interface SchemaWalk {
  readonly fault?: string;
  readonly mustCompile: boolean;
}

const dialect = 'https://json-schema.org/draft/2020-12/schema';

const oneSchema = new Set(
  'items additionalProperties not if then else contains propertyNames unevaluatedItems unevaluatedProperties contentSchema'.split(
    ' ',
  ),
);
const listOfSchemas = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const mapOfSchemas = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** Keywords which compile whenever the meta-schema accepts them; anything else (references, unknown words) must be compiled to know. */
const harmless = new Set([
  ...oneSchema,
  ...listOfSchemas,
  ...mapOfSchemas,
  ...'type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems'.split(
    ' ',
  ),
  ...'minItems uniqueItems maxContains minContains maxProperties minProperties required dependentRequired format'.split(' '),
  ...'title description default deprecated readOnly writeOnly examples contentEncoding contentMediaType'.split(' '),
  ...'$schema $comment'.split(' '),
]);

interface Position {
  readonly schema: unknown;
  readonly path: readonly PropertyKey[];
}

/** Walks the places of a schema where a subschema can stand. Data under `const`, `enum` or `default` is left alone. */
export function walkSchema(root: unknown): SchemaWalk {
  const pending: Position[] = [{ schema: root, path: [] }];
  let mustCompile = false;
  for (let position = pending.pop(); position !== undefined; position = pending.pop()) {
    const { schema, path } = position;
    if (typeof schema !== 'object' || schema === null) continue;
    for (const [keyword, value] of Object.entries(schema)) {
      const fault = faultOf(keyword, value);
      if (fault !== undefined) return { fault: `at ${quote(pointerOf([...path, keyword]))}: ${fault}`, mustCompile };
      if (!harmless.has(keyword)) mustCompile = true;
      for (const [segment, subschema] of subschemas(keyword, value))
        pending.push({ schema: subschema, path: [...path, ...segment] });
    }
  }
  return { mustCompile };
}

function subschemas(keyword: string, value: unknown): [PropertyKey[], unknown][] {
  if (oneSchema.has(keyword)) return [[[keyword], value]];
  if (typeof value !== 'object' || value === null) return [];
  if (listOfSchemas.has(keyword) || mapOfSchemas.has(keyword)) {
    return Object.entries(value).map(([name, subschema]) => [[keyword, name], subschema]);
  }
  return [];
}

function faultOf(keyword: string, value: unknown): string | undefined {
  switch (keyword) {
    case '$schema':
      return typeof value === 'string' && value.replace(/#$/, '') !== dialect
        ? `${quote(value)} is not supported; write ${quote(dialect)} or leave "$schema" out`
        : undefined;
    // A validator's own extension: its answers would be promises that nobody waits for.
    case '$async':
      return 'asynchronous schemas are not supported; remove "$async"';
    case 'pattern':
      return typeof value === 'string' ? regexFault(value) : undefined;
    case 'patternProperties':
      return Object.keys(value ?? {})
        .map(regexFault)
        .find((fault) => fault !== undefined);
    default:
      return undefined;
  }
}

function regexFault(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
    return undefined;
  } catch (error) {
    return `${quote(pattern)} is not a regular expression (${error instanceof Error ? error.message : 'it does not compile'})`;
  }
}
