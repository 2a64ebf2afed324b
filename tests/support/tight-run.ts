import fc from 'fast-check';

import { analyzePlan } from '../../src/core/analysis/analyze-plan.js';
import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import type { ProposalBudget, Role } from '../../src/core/ports/proposal.js';
import { dagArbitrary } from '../../src/core/testing/dag-arbitrary.js';
import { handWritten, shownAsPlan } from './materialized.js';

/** What a ceiling leaves over when every step has had one token and one micro-dollar. */
const slack = fc.record(
  { cost: fc.constantFrom(0, 2, 50, 10_000), tokens: fc.constantFrom(0, 2, 50, 10_000) },
  { requiredKeys: [] },
);
const ceilings = ({ cost, tokens }: { cost?: number; tokens?: number }, steps: number) => ({
  ...(cost !== undefined && { maxCostUsd: (steps + cost) / 1_000_000 }),
  ...(tokens !== undefined && { maxTokens: steps + tokens }),
});
const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** Runs whose ceilings are so tight that steps must wait for each other, are refused, and end the run. */
export const tightRun = (onExceeded: ProposalBudget['onExceeded']): fc.Arbitrary<MaterializedRun> =>
  fc
    .record({
      dag: dagArbitrary({ maxNodes: 8, maxDependencies: 2 }),
      budget: slack,
      attempts: sometimes(fc.integer({ min: 2, max: 12 })),
      shedAt: sometimes(fc.constantFrom(0.2, 0.6)),
      roles: fc.array(sometimes(slack), { minLength: 2, maxLength: 2 }),
      steps: fc.array(
        fc.record({
          role: fc.nat({ max: 1 }),
          attempts: fc.integer({ min: 1, max: 3 }),
          own: sometimes(
            fc.record({ maxCostMicroUsd: fc.constantFrom(5, 100), maxTokens: fc.constantFrom(1, 10) }, { requiredKeys: [] }),
          ),
          once: fc.boolean(),
          priority: fc.constantFrom('low' as const, 'normal' as const, 'low' as const),
        }),
        { minLength: 8, maxLength: 8 },
      ),
    })
    .map(({ dag, budget, roles, steps, attempts: mostAttempts, shedAt }) => {
      const drafts = dag.map((dependencies, index) => {
        const { role, attempts, own, once, priority } = steps[index]!;
        return {
          id: `t${index}`,
          role: `r${role}`,
          dependsOn: dependencies.map((dependency) => `t${dependency}`),
          retry: { attempts, backoffMs: 10, factor: 1, maxBackoffMs: 10, jitter: 0 },
          timeoutMs: 20,
          priority,
          effect: once ? ('once' as const) : ('idempotent' as const),
          ...(own && { budget: own }),
        };
      });
      const team = roles.map((own, index): Role => ({
        key: `r${index}`,
        kind: 'existing',
        agentId: 'a',
        ...(own && { budget: ceilings(own, drafts.length) }),
      }));
      const worker: Role = { key: 'worker', kind: 'existing', agentId: 'w' };
      return handWritten(drafts, {
        roles: [...team, worker],
        budget: {
          ...ceilings(budget, drafts.length + 1),
          ...(mostAttempts !== undefined && { maxAttempts: mostAttempts }),
          ...(shedAt !== undefined && { shed: { at: shedAt } }),
          ...(onExceeded && { onExceeded }),
        },
      });
    })
    // What is refused before it starts is no matter of the ledger.
    .filter((plan) => analyzePlan(plan).every(({ severity }) => severity !== 'error'))
    .map(shownAsPlan);
