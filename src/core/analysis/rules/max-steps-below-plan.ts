import type { Rule } from '../rule.js';

/** `budget.maxSteps` is below the number of steps that the plan has from the start. */
export const maxStepsBelowPlan: Rule = {
  code: 'max-steps-below-plan',
  severity: 'error',
  check({ plan: { budget, steps } }) {
    // Whoever expands a step adds one at the least.
    const goals = steps.filter(({ expands }) => expands !== undefined).length;
    const least = steps.length + goals;
    if (budget.maxSteps === undefined || least <= budget.maxSteps) return [];
    const phases = steps.filter(({ phase }) => phase !== 'work').length;
    const decisions = goals > 0 ? `, and at least ${goals} more to decide on them` : '';
    const message = `The plan has ${steps.length} steps (${phases} of them for research, discussion and synthesis)${decisions}, but budget.maxSteps is ${budget.maxSteps}. Raise it to ${least}.`;
    return [{ message }];
  },
};
