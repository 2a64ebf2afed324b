import type { JsonSchema } from '../../shared/json.js';
import { quote } from '../../shared/issue.js';
import { listIds } from '../list-ids.js';
import type { Finding, PlanFacts, Rule } from '../rule.js';

/** A step whose output schema nothing satisfies can only fail, and what needs it to succeed can never start. */
export const outputNeverValid: Rule = {
  code: 'output-never-valid',
  severity: 'error',
  check: (facts) =>
    facts.plan.steps.flatMap(({ outputSchema }, index) =>
      outputSchema !== undefined && acceptsNothing(outputSchema) ? [finding(facts, index)] : [],
    ),
};

function acceptsNothing(schema: JsonSchema): boolean {
  if (typeof schema === 'boolean') return !schema;
  const { not } = schema;
  const refusesAll = not === true || (isPlainObject(not) && Object.keys(not).length === 0);
  return refusesAll || (Array.isArray(schema['enum']) && schema['enum'].length === 0);
}

const isPlainObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

function finding({ plan, graph }: PlanFacts, index: number): Finding {
  const id = plan.steps[index]!.id;
  const stuck = Array.from(graph.dependentsOf(index), (dependent) => plan.steps[dependent]!)
    .filter(({ join }) => join === 'all-succeeded')
    .map((step) => step.id);
  const consequence = stuck.length === 0 ? '' : ` What waits for its success can never start: ${listIds(stuck)}.`;
  return {
    message: `No value satisfies the output schema of step ${quote(id)}, so it can only fail.${consequence} Mend the schema.`,
    stepIds: [id, ...stuck],
  };
}
