import type { PlanStep } from '../../ports/plan.js';
import { quote } from '../../shared/issue.js';
import { placeholdersOf } from '../../shared/placeholder.js';
import type { Rule } from '../rule.js';

/** Instructions that quote the output of a step whose schema allows nothing but `null`. */
export const placeholderOfNull: Rule = {
  code: 'placeholder-of-null',
  severity: 'warning',
  check({ plan, graph }) {
    const isNull = plan.steps.map(givesNull);
    if (!isNull.includes(true)) return [];
    return plan.steps.flatMap(({ id, instructions }) =>
      placeholdersOf(instructions)
        .filter((source) => isNull[graph.indexOf.get(source) ?? -1])
        .map((source) => ({
          message: `The instructions of ${quote(id)} quote the output of ${quote(source)}, whose output schema allows only null. Widen that schema, or leave the placeholder out.`,
          stepIds: [id],
        })),
    );
  },
};

const givesNull = ({ outputSchema }: PlanStep): boolean =>
  typeof outputSchema === 'object' && (outputSchema['type'] === 'null' || outputSchema['const'] === null);
