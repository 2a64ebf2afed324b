import { checkJsonSchema } from '../../schema/json-schema.js';
import { asObject } from '../loose.js';
import { labelOf } from '../words.js';
import type { Rule } from './rule.js';

/** Whatever is declared as a schema, of an output or of what a role is handed, is a JSON Schema: `malformed-schema`. */
export const checkOutputSchemas: Rule = ({ sketch, issues }) => {
  const faultOf = rememberFaults();
  for (const ticket of sketch.tickets) {
    const fault = faultOf(ticket.fields['outputSchema']);
    if (fault === undefined) continue;
    const message = `${labelOf('ticket', ticket)} output schema is malformed: ${fault}`;
    issues.add('malformed-schema', ['tickets', ticket.index, 'outputSchema'], message);
  }
  for (const role of sketch.roles) {
    const fault = faultOf(role.fields['inputSchema']);
    if (fault === undefined) continue;
    const message = `${labelOf('role', role)} input schema is malformed: ${fault}`;
    issues.add('malformed-schema', ['roles', role.index, 'inputSchema'], message);
  }
  for (const phase of ['research', 'synthesis']) {
    const fault = faultOf(asObject(sketch.fields[phase])['outputSchema']);
    if (fault !== undefined)
      issues.add('malformed-schema', [phase, 'outputSchema'], `${phase} output schema is malformed: ${fault}`);
  }
};

/** Thousands of tickets often share one schema; as text it is found again faster than in its canonical form. */
function rememberFaults(): (schema: unknown) => string | undefined {
  const known = new Map<string, string | undefined>();
  return (schema) => {
    if (schema === undefined) return undefined;
    const text = JSON.stringify(schema);
    if (!known.has(text)) known.set(text, checkJsonSchema(schema));
    return known.get(text);
  };
}
