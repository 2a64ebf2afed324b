import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkPlan } from '../../../src/core/runtime/check-given.js';
import { mergePlans, type Standing } from '../../../src/core/plan/merge-plans.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import { createChances } from '../../../src/core/testing/random.js';
import { anyMaterialized } from '../../support/materialized.js';
import { revisedPlan } from '../../support/revised-plan.js';

/** A run part of the way through its plan: nothing has begun before all that it waits for has ended. */
function standings({ steps }: Plan, seed: number): ReadonlyMap<string, Standing> {
  const { oneIn, pick } = createChances(seed);
  const found = new Map<string, Standing>();
  for (const { id, dependsOn } of steps) {
    const isFed = dependsOn.every((one) => found.get(one) === 'settled');
    const standing = pick(['untouched', 'waiting', 'tried', 'under-way', 'failed', 'settled', 'settled', 'settled'] as const);
    found.set(id, isFed && !oneIn(6) ? standing : 'untouched');
  }
  return found;
}

const cases = fc.record({
  from: anyMaterialized().map(({ plan }) => plan),
  seed: fc.nat(),
  standing: fc.nat(),
  running: fc.constantFrom('finish', 'cancel'),
} as const);

describe('a plan in the place of another', () => {
  it('is a plan, keeps what has ended as it was, and has everything else as it was approved', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(cases, ({ from, seed, standing, running }) => {
        const to = revisedPlan(from, seed);
        const stands = standings(from, standing);
        const merged = mergePlans({ from, to, standingOf: (id) => stands.get(id)!, running });
        if (!merged.ok) throw new Error(JSON.stringify(merged.error));
        const { plan, fates, retained } = merged.value;
        expect(checkPlan(plan)).toMatchObject({ ok: true });
        const [before, after, now] = [from, to, plan].map(({ steps }) => new Map(steps.map((step) => [step.id, step])));
        for (const id of after!.keys()) expect(now!.has(id)).toBe(true);
        for (const [id, step] of now!) {
          const fate = fates.get(id);
          seen.add(`${fate} ${stands.get(id)}`);
          const isKept = fate === 'kept' || fate === 'ended';
          const { title: _, ...as } = (isKept ? before : after)!.get(id)!;
          expect(step).toMatchObject(as);
          if (!after!.has(id)) expect(isKept && retained.includes(id)).toBe(true);
        }
        for (const [id, one] of stands) {
          if (one === 'settled') expect(fates.get(id)).toBe('kept');
          if (one === 'under-way' && running === 'finish') expect(fates.get(id)).toBe('kept');
          // No effect that may have happened is brought about again.
          if (one === 'under-way' && fates.get(id) === 'again') expect(before!.get(id)!.effect).not.toBe('once');
        }
      }),
      { numRuns: 400 },
    );
    const met = [
      'kept settled',
      'kept under-way',
      'again under-way',
      'ended under-way',
      'again failed',
      'fresh untouched',
      'fresh waiting',
    ];
    expect([...seen]).toEqual(expect.arrayContaining(met));
  });

  it('is itself where nothing has begun, and the one before where nothing has changed', () => {
    fc.assert(
      fc.property(cases, ({ from, seed, standing, running }) => {
        const to = revisedPlan(from, seed);
        const fresh = mergePlans({ from, to, standingOf: () => 'untouched', running });
        expect(fresh).toMatchObject({ ok: true, value: { plan: to, retained: [] } });
        const stands = standings(from, standing);
        const same = mergePlans({ from, to: from, standingOf: (id) => stands.get(id)!, running });
        expect(same).toMatchObject({ ok: true, value: { plan: from, retained: [] } });
        if (same.ok) expect([...same.value.fates.values()]).not.toContain('again');
      }),
    );
  });
});
