import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createAdmission, type Waiting } from '../../../src/core/limits/admission.js';

/** A run whose steps come one after the other, each when the one before has ended, or all at once. */
interface Load {
  readonly tenant: string;
  readonly owner: string;
  readonly steps: number;
  readonly comesAt: number;
  readonly atOnce: boolean;
  readonly durationMs: number;
}

interface Step extends Waiting {
  readonly load: Load;
  readonly nth: number;
}

/** How long the steps of each run waited altogether, when all of them share so many places. */
function waits(loads: readonly Load[], places: number): ReadonlyMap<Load, number> {
  const admission = createAdmission<Step>();
  const waited = new Map(loads.map((load) => [load, 0]));
  const events: { readonly at: number; readonly do: (at: number) => void }[] = [];
  const claims = [{ resource: '', amount: 1, limit: { concurrency: places } }];
  const enter = (load: Load, nth: number, since: number): void =>
    admission.add({ ...{ tenant: load.tenant, owner: load.owner, claims, kind: '', priority: 1, urgency: 0, since }, load, nth });
  for (const load of loads)
    events.push({
      at: load.comesAt,
      do: (at) => {
        for (let nth = 0; nth < (load.atOnce ? load.steps : 1); nth += 1) enter(load, nth, at);
      },
    });
  while (events.length > 0) {
    events.sort((one, other) => one.at - other.at);
    const now = events[0]!.at;
    while (events[0]?.at === now) events.shift()!.do(now);
    for (let step = admission.next(now); step; step = admission.next(now)) {
      const { load, nth, since } = step;
      waited.set(load, waited.get(load)! + now - since);
      const ended = step;
      events.push({
        at: now + load.durationMs,
        do(at) {
          admission.release(ended);
          if (!load.atOnce && nth + 1 < load.steps) enter(load, nth + 1, at);
        },
      });
    }
  }
  expect(admission.waiting).toBe(0);
  return waited;
}

const longestMs = 20;
const load = fc.record({
  tenant: fc.constantFrom('', 'acme', 'bolt'),
  steps: fc.integer({ min: 1, max: 60 }),
  comesAt: fc.nat({ max: 300 }),
  atOnce: fc.boolean(),
  durationMs: fc.integer({ min: 1, max: longestMs }),
});
const small = fc.record({
  tenant: fc.constantFrom('', 'acme', 'small'),
  steps: fc.integer({ min: 1, max: 4 }),
  comesAt: fc.nat({ max: 300 }),
  durationMs: fc.integer({ min: 1, max: longestMs }),
});
const named = <T extends object>(loads: readonly T[]): (T & { readonly owner: string })[] =>
  loads.map((one, nth) => ({ ...one, owner: `run ${nth}` }));

describe('turns', () => {
  it('HB-41 law: the wait of a small run is bounded by how many tenants and runs there are, whatever they have to do', () => {
    fc.assert(
      fc.property(fc.array(load, { maxLength: 12 }), small, fc.integer({ min: 1, max: 4 }), (others, mine, places) => {
        const me: Load = { ...mine, atOnce: false, owner: 'me' };
        const loads = [...named(others), me];
        const tenants = new Set(loads.map(({ tenant }) => tenant)).size;
        const runs = loads.filter(({ tenant }) => tenant === me.tenant).length;
        // Until it is this run's turn every tenant has had at most as many turns as this one has runs, and in the longest time that
        // a step takes as many places become free as there are.
        const turns = tenants * runs;
        const bound = me.steps * longestMs * Math.ceil(turns / places);
        expect(waits(loads, places).get(me)).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['run', 'acme', 'acme'],
    ['tenant', 'acme', 'bolt'],
  ])('HB-41 a %s of 10,000 steps does not starve one of 4', (_, big, other) => {
    const base = { comesAt: 0, durationMs: 10 };
    const few: Load = { ...base, comesAt: 5, tenant: other, owner: 'few', steps: 4, atOnce: false };
    const many: Load = { ...base, tenant: big, owner: 'many', steps: 10_000, atOnce: true };
    const waited = waits([many, few], 10);
    // Ten places become free every 10 ms, and one of them is for it.
    expect(waited.get(few)).toBeLessThanOrEqual(4 * 10);
  });
});
