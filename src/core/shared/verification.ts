import type { JsonSchema } from './json.js';

/** Name of the template of the work on a step that is verified. */
export const workTemplate = (stepId: string): string => `work ${JSON.stringify([stepId])}`;

/** Name of the template of the checks of what a step has made. */
export const verificationTemplate = (stepId: string): string => `verification ${JSON.stringify([stepId])}`;

/** What a verifier must answer. */
export const verdictSchema: JsonSchema = {
  type: 'object',
  properties: { verified: { type: 'boolean' }, reasons: { type: 'array', items: { type: 'string' } } },
  required: ['verified'],
};
