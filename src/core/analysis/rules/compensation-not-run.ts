import { listIds } from '../list-ids.js';
import type { Rule } from '../rule.js';

/** Compensations are part of the plan, but this version does not run them. */
export const compensationNotRun: Rule = {
  code: 'compensation-not-run',
  severity: 'warning',
  check({ plan }) {
    const stepIds = plan.steps.filter(({ compensation }) => compensation !== undefined).map(({ id }) => id);
    if (stepIds.length === 0) return [];
    return [{ message: `This version does not run compensations. They are declared by: ${listIds(stepIds)}.`, stepIds }];
  },
};
