import fc from 'fast-check';
import { expect, it } from 'vitest';

import { govern } from '../../../src/core/deciding/govern.js';
import type { Kernel } from '../../../src/core/kernel/create-kernel.js';
import type { RunFact } from '../../../src/core/ports/run-output.js';
import { anyGoverned } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';

const numRuns = process.env['PLANWRIGHT_LONG'] === undefined ? 200 : 10_000;

function ticketOf(kernel: Kernel, stepId: string): string {
  const { added } = kernel.step(stepId);
  return added ? ticketOf(kernel, added.goal) : stepId;
}

it(
  'HB-30 starts nothing that a policy denies, and nothing that needs a person before one has said so',
  () => {
    fc.assert(
      fc.property(anyGoverned(), fateArbitrary(), (run, fate) => {
        const { kernel, facts } = runToEnd(run, fate);
        const policies = run.plan.policies!;
        const seen: RunFact[] = [];
        for (const fact of facts) {
          seen.push(fact);
          if (fact.type !== 'step.started') continue;
          const { stepId, attempt } = fact;
          const { kind, effect, role, expands } = kernel.step(stepId);
          if (expands === 'verification') continue;
          const question = { kind, effect, role: expands ? undefined : role, ticket: ticketOf(kernel, stepId) };
          const ruling = govern(policies, { ...question, transition: attempt === 1 ? 'start' : 'retry' });
          const told = seen.filter((one) => one.type === 'policy.applied' && one.stepId === stepId && one.attempt === attempt);
          if (!ruling) continue;
          expect(ruling.verdict).not.toBe('deny');
          expect(told).toContainEqual(expect.objectContaining({ policy: ruling.policy.key, verdict: ruling.verdict }));
          const isDecided = seen.some((one) => one.type === 'step.decided' && one.stepId === stepId && one.decision.approve);
          expect(isDecided || ruling.verdict === 'allow').toBe(true);
        }
        // Nothing is asked twice of one attempt, unless it is about more money, or another tool.
        const asked = facts.flatMap((one) =>
          one.type === 'policy.applied' && one.transition !== 'spend' && one.transition !== 'tool'
            ? `${one.stepId} ${one.attempt} ${one.transition}`
            : [],
        );
        expect(new Set(asked).size).toBe(asked.length);
        const denied = facts.filter((one) => one.type === 'step.failed' && one.error.code === 'POLICY_DENIED');
        for (const one of denied) expect(one).toMatchObject({ spend: { costMicroUsd: 0, inputTokens: 0, outputTokens: 0 } });
      }),
      { numRuns },
    );
  },
  numRuns * 1_000,
);
