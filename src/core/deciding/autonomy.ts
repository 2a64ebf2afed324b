import type { PlanPolicy } from '../ports/policy.js';
import type { Autonomy, StepKind } from '../ports/step-traits.js';

const ranks: Readonly<Record<Autonomy, number>> = { 'observe-only': 0, 'act-with-approval': 1, 'act-freely': 2 };

/** Whether one that may go so far may go farther than another. */
export const exceeds = (one: Autonomy, other: Autonomy): boolean => ranks[one] > ranks[other];

/** Steps that do something; research, positions, checks and the synthesis only make an output. */
const acting = ['ticket', 'route', 'delegation', 'handoff'] as const satisfies readonly StepKind[];

/** What follows from the autonomy of roles, as policies: they stand behind those that are declared, which may say otherwise. */
export const autonomyPolicies = (roles: readonly { readonly key: string; readonly autonomy?: Autonomy }[]): PlanPolicy[] =>
  roles.flatMap(({ key, autonomy }): PlanPolicy[] => {
    if (autonomy === undefined || autonomy === 'act-freely') return [];
    const scope = {
      key: `autonomy:${key}`,
      roles: [key],
      kinds: acting,
      effects: ['idempotent', 'once'],
      on: { type: 'start' },
    } as const;
    return autonomy === 'observe-only'
      ? [{ ...scope, verdict: 'deny', reason: 'Its role may only observe, and the step has an effect.' }]
      : [{ ...scope, verdict: 'require-approval', reason: 'Its role acts with approval only, and the step has an effect.' }];
  });
