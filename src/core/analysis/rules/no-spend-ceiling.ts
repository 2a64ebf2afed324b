import type { Rule } from '../rule.js';

/** A run that may spend without end. */
export const noSpendCeiling: Rule = {
  code: 'no-spend-ceiling',
  severity: 'info',
  check: ({ plan: { budget } }) =>
    budget.maxCostMicroUsd !== undefined || budget.maxTokens !== undefined
      ? []
      : [
          {
            message:
              'The run has neither maxCostUsd nor maxTokens, so nothing bounds what it spends in all. Set one under budget.',
          },
        ],
};
