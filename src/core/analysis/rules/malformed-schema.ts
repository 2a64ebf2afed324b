import { checkJsonSchema } from '../../schema/json-schema.js';
import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/**
 * A schema that is none. Parsing refuses it in a proposal; a plan written by hand, or a topology's own step, comes to light
 * here.
 */
export const malformedSchema: Rule = {
  code: 'malformed-schema',
  severity: 'error',
  check: ({ plan }) =>
    plan.steps.flatMap(({ id, outputSchema, routes = [] }) => {
      const schemas = [
        ...(outputSchema === undefined ? [] : [{ where: 'output schema', schema: outputSchema }]),
        ...routes.flatMap(({ when }, rule) => (when === undefined ? [] : [{ where: `rule ${rule}`, schema: when }])),
      ];
      return schemas.flatMap(({ where, schema }) => {
        const fault = checkJsonSchema(schema);
        return fault === undefined
          ? []
          : [{ message: `The ${where} of step ${quote(id)} is malformed: ${fault}.`, stepIds: [id] }];
      });
    }),
};
