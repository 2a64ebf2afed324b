import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

import { canonicalJson, CanonicalJsonError } from '../shared/canonical-json.js';
import { quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { walkSchema } from './schema-walk.js';

/** One place where a value breaks its schema. */
export interface SchemaFault {
  /** RFC 6901 JSON Pointer into the value; `''` for the whole of it. */
  readonly pointer: string;
  readonly message: string;
}

/** A JSON Schema that is ready to check values. */
export interface CompiledSchema {
  /** Empty for a valid value; at most 20 faults otherwise. Never throws, also not for cyclic or very deep values. */
  validate(value: unknown): readonly SchemaFault[];
}

interface Entry {
  readonly fault: string | undefined;
  compiled?: Result<CompiledSchema, string>;
}

const mostFaults = 20;
const mostEntries = 1_000;

/** Least recently used first. A memo: what is in it never changes an answer, only how long it takes. */
const entries = new Map<string, Entry>();

/**
 * Compiles a JSON Schema, draft 2020-12. `format` is an annotation, unknown keywords are ignored, references are resolved inside the
 * schema only. A schema that is none gives a sentence. Equal schemas compile once (the last 1,000 are kept).
 *
 * @example
 * const schema = compileJsonSchema({ type: 'object', required: ['title'] });
 * if (schema.ok) schema.value.validate({}); // [{ pointer: '', message: "must have required property 'title'" }]
 */
export function compileJsonSchema(schema: unknown): Result<CompiledSchema, string> {
  const found = entryOf(schema);
  if (!found.ok) return found;
  const { entry, text } = found.value;
  if (entry.fault !== undefined) return err(entry.fault);
  entry.compiled ??= compile(text);
  return entry.compiled;
}

/** Why a value is no JSON Schema (draft 2020-12), in a sentence, or `undefined` when it is one. Compiles only where it must. */
export function checkJsonSchema(schema: unknown): string | undefined {
  const found = entryOf(schema);
  return found.ok ? found.value.entry.fault : found.error;
}

function entryOf(schema: unknown): Result<{ readonly entry: Entry; readonly text: string }, string> {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) {
    return err(`a JSON Schema is an object or a boolean, not ${quote(schema)}`);
  }
  let text: string;
  try {
    text = canonicalJson(schema);
  } catch (error) {
    return err(error instanceof CanonicalJsonError ? `at ${quote(error.pointer)}: ${error.reason}` : 'it cannot be read');
  }
  const known = entries.get(text);
  const entry = known ?? check(text);
  // Deleting first moves the entry to the young end.
  entries.delete(text);
  entries.set(text, entry);
  if (entries.size > mostEntries) entries.delete(entries.keys().next().value ?? '');
  return ok({ entry, text });
}

function check(text: string): Entry {
  try {
    const schema = JSON.parse(text) as object | boolean;
    const walk = walkSchema(schema);
    const fault = walk.fault ?? metaFault(schema);
    if (fault !== undefined || !walk.mustCompile) return { fault };
    const compiled = compile(text);
    return { fault: compiled.ok ? undefined : compiled.error, compiled };
  } catch (error) {
    return { fault: faultText(error) };
  }
}

const options = {
  strict: false,
  allErrors: true,
  logger: false,
  validateFormats: false,
  // A required `constructor` must be the value's own.
  ownProperties: true,
} as const;

let metaValidator: Ajv2020 | undefined;

function metaFault(schema: object | boolean): string | undefined {
  // Made on first use: it costs tens of milliseconds, and many programs never declare a schema.
  metaValidator ??= new Ajv2020(options);
  if (metaValidator.validateSchema(schema) === true) return undefined;
  const [first] = metaValidator.errors ?? [];
  return first === undefined ? 'it does not fit draft 2020-12' : `at ${quote(first.instancePath)}: it ${messageOf(first)}`;
}

function compile(text: string): Result<CompiledSchema, string> {
  try {
    // One validator for each schema, so that two schemas with one `$id` never meet.
    const validator = new Ajv2020({ ...options, meta: false, validateSchema: false });
    const accepts = validator.compile(JSON.parse(text) as object | boolean);
    return ok({ validate: (value) => validate(accepts, value) });
  } catch (error) {
    return err(faultText(error));
  }
}

function validate(accepts: ValidateFunction, value: unknown): readonly SchemaFault[] {
  try {
    if (accepts(value)) return [];
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deeply, or refers to itself' : faultText(error);
    return [{ pointer: '', message: `cannot be checked: ${reason}` }];
  }
  const faults = (accepts.errors ?? []).slice(0, mostFaults);
  accepts.errors = null;
  return faults.map((fault) => ({ pointer: fault.instancePath, message: messageOf(fault) }));
}

function messageOf({ keyword, params, message }: ErrorObject): string {
  const facts = params as Readonly<Record<string, unknown>>;
  switch (keyword) {
    case 'additionalProperties':
      return `must not have the property ${quote(facts['additionalProperty'])}`;
    case 'unevaluatedProperties':
      return `must not have the property ${quote(facts['unevaluatedProperty'])}`;
    case 'enum':
      return `must be one of ${(facts['allowedValues'] as readonly unknown[]).slice(0, 20).map(quote).join(', ')}`;
    case 'const':
      return `must be ${quote(facts['allowedValue'])}`;
    default:
      return message ?? `must fit ${quote(keyword)}`;
  }
}

function faultText(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply';
  return error instanceof Error ? error.message : 'it does not compile';
}
