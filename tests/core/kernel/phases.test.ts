import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import { definePlan } from '../../../src/core/plan/define-plan.js';
import type { RunFact } from '../../../src/core/ports/run-output.js';
import { anyMaterialized, anyTeam, materialized, unwrap } from '../../support/materialized.js';
import { fateArbitrary, isOver, runToEnd } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';
import { tightRun } from '../../support/tight-run.js';

const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;

describe('the phases of a run', () => {
  it('CC-34 keep the synthesis blocked until the run is synthesizing: it is not even ready before', () => {
    fc.assert(
      fc.property(anyMaterialized(), fateArbitrary(), (run, fate) => {
        const { facts } = runToEnd(run, fate);
        const isOfSynthesis = (fact: RunFact) =>
          'stepId' in fact && fact.stepId === 'synthesis' && fact.type !== 'step.cancelled';
        const first = facts.findIndex(isOfSynthesis);
        const begun = facts.findIndex(({ type }) => type === 'run.synthesizing');
        if (first >= 0) expect(begun).toBeGreaterThanOrEqual(0);
        if (first >= 0) expect(first).toBeGreaterThan(begun);
      }),
      { numRuns: 50 },
    );
  });

  it('CC-11 let a step of the synthesis phase wait for all work, also for what it does not depend on', () => {
    const plan = definePlan({
      goal: 'A goal',
      roles: [{ key: 'worker', kind: 'existing', agentId: 'a' }],
      steps: [
        { id: 'a', kind: 'ticket', role: 'worker' },
        { id: 'b', kind: 'ticket', role: 'worker' },
        { id: 'end', kind: 'ticket', phase: 'synthesis', role: 'worker', dependsOn: ['a'] },
      ],
    });
    const kernel = createKernel(materialized(unwrap(plan)));
    kernel.apply({ type: 'run.start', at: 0, graceMs: 0 });
    for (const stepId of ['a', 'b']) kernel.apply({ type: 'step.started', at: 0, stepId, attempt: 1 });
    kernel.apply({ type: 'step.succeeded', at: 1, stepId: 'a', attempt: 1, output: null, spend });
    expect([kernel.status, kernel.stepStatus('end')]).toEqual(['executing', 'blocked']);
    kernel.apply({ type: 'step.succeeded', at: 2, stepId: 'b', attempt: 1, output: null, spend });
    expect([kernel.status, kernel.stepStatus('end'), kernel.attempt('end')]).toEqual(['synthesizing', 'ready', 1]);
  });
});

describe('a run that is over', () => {
  it('CC-12 holds nothing reserved but what given-up attempts may still be spending, and in the end nothing at all', () => {
    fc.assert(
      fc.property(fc.oneof(tightRun('fail'), anyMaterialized(), sagaRun, anyTeam()), fateArbitrary(), (run, fate) => {
        const { kernel } = runToEnd(run, fate, {
          onTurn({ kernel: now }) {
            if (!isOver(now)) return;
            const { abandoned, run: figures } = now.checkpoint();
            // What is being undone holds something, too.
            if ((figures as { readonly undoing: unknown }).undoing !== null) return;
            expect(now.ledger.reservedMicroUsd).toBe(abandoned.reduce((sum, [, , cost]) => sum + cost, 0));
            expect(now.ledger.reservedTokens).toBe(abandoned.reduce((sum, [, , , tokens]) => sum + tokens, 0));
          },
        });
        expect([kernel.ledger.reservedMicroUsd, kernel.ledger.reservedTokens]).toEqual([0, 0]);
      }),
      { numRuns: 120 },
    );
  });
});
