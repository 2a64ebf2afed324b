import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { expandVerification } from '../../../src/core/deciding/expand-verification.js';
import type { AddedStep, Expansion, ExpansionEvent, ExpansionState } from '../../../src/core/ports/topology.js';
import { deepFreeze } from '../../../src/core/shared/freeze.js';
import type { Json } from '../../../src/core/shared/json.js';

const goalOf = (maxReworks: number, parts: Partial<ExpansionState['goal']>): ExpansionState['goal'] => ({
  ...({ id: 'a', role: 'w', instructions: 'Do it.', input: ['x'], join: 'all-succeeded' } as const),
  verify: { instructions: 'Check it.', maxReworks },
  ...parts,
});

/** A step that is verified, without a kernel: what it is told, and what it answers. */
function loop(maxReworks: number, parts: Partial<ExpansionState['goal']> = {}) {
  let memo: Json = null;
  const goal = goalOf(maxReworks, parts);
  const tell = (event: ExpansionEvent): Expansion => {
    const expansion = expandVerification(deepFreeze({ goal, memo } as ExpansionState), deepFreeze(event));
    if (expansion.memo !== undefined) memo = expansion.memo;
    return expansion;
  };
  const step = (id: string, kind: AddedStep['kind']) => ({ id, kind }) as AddedStep;
  return {
    begin: () => tell({ type: 'begun' }),
    made: (id: string, output: Json) => tell({ type: 'reported', step: step(id, 'ticket'), outcome: 'completed', output }),
    judged: (id: string, output: Json) =>
      tell({ type: 'reported', step: step(id, 'verification'), outcome: 'completed', output }),
    failed: (id: string, kind: AddedStep['kind']) =>
      tell({ type: 'reported', step: step(id, kind), outcome: 'timed-out', error: { code: 'TIMED_OUT', message: 'late' } }),
  };
}

describe('expandVerification', () => {
  it('HB-17 law: works and checks in turn, ends with the first pass or its cap, and is judged by `verified` alone', () => {
    const verdict = fc.oneof(
      fc.record({ verified: fc.boolean(), reasons: fc.array(fc.string()) }, { requiredKeys: ['verified'] }),
      fc.jsonValue() as fc.Arbitrary<Json>,
    ) as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(fc.array(verdict, { minLength: 6, maxLength: 6 }), fc.integer({ min: 0, max: 4 }), (verdicts, maxReworks) => {
        const run = loop(maxReworks);
        let expansion = run.begin();
        for (let round = 1; ; round += 1) {
          expect(expansion.add!.map(({ name }) => name)).toEqual([String(round)]);
          const check = run.made(`a/${round}`, `v${round}`);
          expect(check.add).toMatchObject([{ name: `${round}.check`, inputAs: { result: `a/${round}` }, parent: `a/${round}` }]);
          const said = verdicts[round - 1] as { verified?: unknown } | null;
          expansion = run.judged(`a/${round}.check`, said as Json);
          const isGood = typeof said === 'object' && said?.verified === true;
          if (isGood) {
            expect(expansion).toEqual({ end: { succeeded: `a/${round}`, isVerified: true } });
            return;
          }
          if (round > maxReworks) break;
        }
        expect(expansion.end).toMatchObject({
          failed: { code: 'VERIFICATION_FAILED', bound: 'maxReworks', limit: maxReworks, decision: `a/${maxReworks + 1}.check` },
        });
      }),
    );
  });

  it('HB-17 gives a rework what was made before, what was wrong with it, and all that it had at first', () => {
    const run = loop(1, { given: { topic: 'x' }, join: 'all-settled' });
    expect(run.begin().add).toMatchObject([{ given: { topic: 'x' }, input: ['x'], seesGaps: true }]);
    run.made('a/1', 'v1');
    expect(run.judged('a/1.check', { verified: false, reasons: ['too short', 7] }).add).toMatchObject([
      {
        name: '2',
        title: 'Rework 1',
        given: { topic: 'x', rework: { round: 1, reasons: ['too short', '7'] } },
        inputAs: { previous: 'a/1' },
        seesGaps: true,
      },
    ]);
  });

  it('HB-17 ends where nothing was made, or nobody could check it, with what stood in the way', () => {
    const unmade = loop(2);
    unmade.begin();
    expect(unmade.failed('a/1', 'ticket')).toEqual({ end: { failed: { code: 'TIMED_OUT', message: 'late' } } });
    const unchecked = loop(2);
    unchecked.begin();
    unchecked.made('a/1', 'v1');
    expect(unchecked.failed('a/1.check', 'verification').end).toMatchObject({
      failed: { code: 'VERIFIER_FAILED', stepId: 'a/1.check', cause: { code: 'TIMED_OUT' } },
    });
  });
});
