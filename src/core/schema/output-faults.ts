import type { Json, JsonSchema } from '../shared/json.js';
import { compileJsonSchema } from './json-schema.js';

/** Why an output does not fit the schema of its step, as a sentence; `undefined` where it does, or where there is no schema. */
export function outputFaults(output: Json, schema: JsonSchema | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const compiled = compileJsonSchema(schema);
  if (!compiled.ok) return `The step's output schema is malformed: ${compiled.error}`;
  const faults = compiled.value.validate(output);
  if (faults.length === 0) return undefined;
  return `The output does not fit the step's schema: ${faults.map(({ pointer, message }) => `${pointer || '/'} ${message}`).join('; ')}.`;
}
