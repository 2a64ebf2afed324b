import type { Plan, PlanStep, SpendCeiling } from '../../ports/plan.js';
import { quote } from '../../shared/issue.js';
import { toUsd } from '../../shared/money.js';
import { listIds } from '../list-ids.js';
import type { Finding, Rule } from '../rule.js';

/** A ceiling that the plan's own figures pass: what one step must be given before it starts, or what all are expected to need. */
export const budgetBelowMinimum: Rule = {
  code: 'budget-below-minimum',
  severity: 'error',
  check: ({ plan }) =>
    dimensions.flatMap((dimension) => [...overStepCeilings(plan, dimension), ...overAccounts(plan, dimension)]),
};

interface Dimension {
  readonly ceilingOf: (budget: SpendCeiling | undefined) => number | undefined;
  readonly estimateOf: (step: PlanStep) => number | undefined;
  readonly show: (figure: number) => string;
}

const dimensions: readonly Dimension[] = [
  {
    ceilingOf: (budget) => budget?.maxCostMicroUsd,
    estimateOf: ({ estimate }) => estimate?.costMicroUsd,
    show: (microUsd) => `$${toUsd(microUsd)}`,
  },
  {
    ceilingOf: (budget) => budget?.maxTokens,
    estimateOf: ({ estimate }) => estimate?.tokens,
    show: (tokens) => `${tokens} tokens`,
  },
];

/** A ceiling that several steps share: the run's, or that of one role. */
interface Account {
  readonly name: string;
  readonly ceiling: number;
  readonly steps: readonly PlanStep[];
}

function accountsOf({ steps, roles, budget }: Plan, { ceilingOf }: Dimension): readonly Account[] {
  const charged = steps.filter(({ role }) => role !== undefined);
  const run = ceilingOf(budget);
  const accounts = run === undefined ? [] : [{ name: 'the run', ceiling: run, steps: charged }];
  const limited = roles.flatMap(({ key, budget: limit }) => {
    const ceiling = ceilingOf(limit);
    return ceiling === undefined ? [] : [{ key, ceiling }];
  });
  const byRole = new Map(limited.map(({ key }) => [key, [] as PlanStep[]]));
  for (const step of charged) byRole.get(step.role ?? '')?.push(step);
  return [
    ...accounts,
    ...limited.map(({ key, ceiling }) => ({ name: `role ${quote(key)}`, ceiling, steps: byRole.get(key) ?? [] })),
  ];
}

function overStepCeilings({ steps }: Plan, { ceilingOf, estimateOf, show }: Dimension): Finding[] {
  return steps.flatMap((step) => {
    const ceiling = ceilingOf(step.budget);
    const expected = estimateOf(step);
    if (ceiling === undefined || expected === undefined || expected <= ceiling) return [];
    const message = `Step ${quote(step.id)} is estimated at ${show(expected)}, over its own budget of ${show(ceiling)}. Raise the budget or mend the estimate.`;
    return [{ message, stepIds: [step.id] }];
  });
}

function overAccounts(plan: Plan, dimension: Dimension): Finding[] {
  const { estimateOf, show } = dimension;
  return accountsOf(plan, dimension).flatMap((account): Finding[] => {
    const { name, ceiling, steps } = account;
    const starved = neverFunded(account, dimension).map(({ id }) => id);
    const starving = `What must be set aside before these steps start is more than the ceiling of ${name}, ${show(ceiling)}: ${listIds(starved)}. Raise the ceiling.`;
    const expected = steps.reduce((sum, step) => sum + (estimateOf(step) ?? 0), 0);
    const exceeding = `The estimates of the steps come to ${show(expected)}, over the ceiling of ${name}, ${show(ceiling)}. Raise the ceiling or plan for less.`;
    return [
      ...(starved.length > 0 ? [{ message: starving, stepIds: starved }] : []),
      ...(expected > ceiling ? [{ message: exceeding }] : []),
    ];
  });
}

/**
 * Steps that can never be given an allowance: an attempt starts only when its own budget can be set aside for it, or else an
 * equal share that is at least the smallest unit (a token, a micro-dollar).
 */
function neverFunded({ ceiling, steps }: Account, { ceilingOf }: Dimension): readonly PlanStep[] {
  const allShare = steps.every(({ budget }) => ceilingOf(budget) === undefined);
  return allShare && steps.length > ceiling ? steps : steps.filter(({ budget }) => (ceilingOf(budget) ?? 1) > ceiling);
}
