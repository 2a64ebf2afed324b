import type { Rule } from '../rule.js';

/** `budget.maxSteps` is below the number of steps that the plan has from the start. */
export const maxStepsBelowPlan: Rule = {
  code: 'max-steps-below-plan',
  severity: 'error',
  check({ plan: { budget, steps } }) {
    if (budget.maxSteps === undefined || steps.length <= budget.maxSteps) return [];
    const phases = steps.filter(({ phase }) => phase !== 'work').length;
    const message = `The plan has ${steps.length} steps (${phases} of them for research, discussion and synthesis), but budget.maxSteps is ${budget.maxSteps}. Raise it to ${steps.length}.`;
    return [{ message }];
  },
};
