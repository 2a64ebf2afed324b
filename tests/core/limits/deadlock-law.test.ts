import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createAdmission, type Refusal, type Waiting } from '../../../src/core/limits/admission.js';
import type { Holder } from '../../../src/core/limits/holder.js';

/** An attempt that holds some resources to its end, and calls others meanwhile: one after the other, or all at once. */
interface Attempt {
  readonly uses: Readonly<Record<string, number>>;
  readonly calls: readonly string[];
  readonly atOnce: boolean;
  readonly comesAt: number;
}

type Item = Waiting & { readonly begin: (now: number) => void; readonly refuse: (refusal: Refusal, now: number) => void };

const sizes: Readonly<Record<string, number>> = { a: 1, b: 1, c: 2, d: 3 };
const callMs = 3;

interface Outcome {
  readonly ended: number;
  readonly refusals: readonly Refusal[];
  readonly waiting: number;
}

/** Lets attempts come, call and go until nothing happens any more. A call that is refused fails its attempt. */
function simulate(attempts: readonly Attempt[], places: number): Outcome {
  const admission = createAdmission<Item>();
  const agenda: { readonly at: number; readonly do: (now: number) => void }[] = [];
  const refusals: Refusal[] = [];
  let ended = 0;
  const claim = (resource: string, amount: number) => ({ resource, amount, limit: { concurrency: sizes[resource]! } });
  const common = { tenant: '', owner: 'run', urgency: 0 };

  const enter = ({ uses, calls, atOnce }: Attempt, nth: number, since: number): void => {
    const by: Holder = { runId: 'run', stepId: `${nth}` };
    const open = new Set<Item>();
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      ended += 1;
      open.forEach((item) => admission.remove(item));
      admission.release(item);
    };
    const call = (resource: string, now: number, then: (now: number) => void): void => {
      const one: Item = {
        ...common,
        ...{
          by,
          isCall: true,
          priority: 3,
          since: now,
          kind: `call ${resource} ${resource in uses} ${Object.keys(uses).length > 0}`,
        },
        claims: [claim(resource, resource in uses ? 0 : 1)],
        begin(at) {
          open.delete(one);
          agenda.push({
            at: at + callMs,
            do(later) {
              admission.release(one);
              if (!isOver) then(later);
            },
          });
        },
        refuse(refusal) {
          open.delete(one);
          refusals.push(refusal);
          end();
        },
      };
      open.add(one);
      admission.add(one);
    };
    const inOrder = (now: number, from = 0): void => {
      if (from === calls.length) agenda.push({ at: now + 1, do: end });
      else call(calls[from]!, now, (later) => inOrder(later, from + 1));
    };
    const together = (now: number): void => {
      let left = calls.length;
      if (left === 0) agenda.push({ at: now + 1, do: end });
      for (const one of calls)
        call(one, now, () => {
          left -= 1;
          if (left === 0) end();
        });
    };
    const item: Item = {
      ...common,
      ...(Object.keys(uses).length > 0 && { by }),
      ...{ priority: 1, since, kind: JSON.stringify(uses) },
      claims: [
        { resource: '', amount: 1, limit: { concurrency: places } },
        ...Object.entries(uses).map(([resource, amount]) => claim(resource, amount)),
      ],
      begin: atOnce ? together : (now) => inOrder(now),
      refuse: (refusal) => refusals.push(refusal),
    };
    admission.add(item);
  };

  attempts.forEach((attempt, nth) => agenda.push({ at: attempt.comesAt, do: (now) => enter(attempt, nth, now) }));
  while (agenda.length > 0) {
    agenda.sort((one, other) => one.at - other.at);
    const now = agenda[0]!.at;
    while (agenda[0]?.at === now) agenda.shift()!.do(now);
    // What is refused lets go of what it held, so that others may begin in the same moment.
    for (let isQuiet = false; !isQuiet;) {
      isQuiet = true;
      for (let item = admission.next(now); item; item = admission.next(now)) item.begin(now);
      for (const { item, refusal } of admission.refused(now)) {
        isQuiet = false;
        item.refuse(refusal, now);
      }
    }
  }
  return { ended, refusals, waiting: admission.waiting };
}

const names = Object.keys(sizes);
const attempt = fc.record({
  uses: fc.dictionary(fc.constantFrom(...names), fc.constant(1), { maxKeys: 2, size: 'max' }),
  calls: fc.array(fc.constantFrom(...names), { maxLength: 3, size: 'max' }),
  atOnce: fc.boolean(),
  comesAt: fc.nat({ max: 4 }),
});

describe('attempts that hold resources and call others', () => {
  it('HB-49 law: nothing waits for ever; whatever would is refused, with those who wait for one another', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(attempt, { minLength: 2, maxLength: 14, size: 'max' }),
        fc.integer({ min: 1, max: 8 }),
        (attempts, places) => {
          const { ended, refusals, waiting } = simulate(attempts, places);
          expect([ended, waiting]).toEqual([attempts.length, 0]);
          for (const refusal of refusals) {
            if (refusal.code !== 'RESOURCE_DEADLOCK') throw new Error(refusal.code);
            const { cycle } = refusal;
            expect(cycle.length).toBeGreaterThan(1);
            // Each waits for what the next one holds.
            cycle.forEach(({ waitsFor }, nth) => expect(cycle[(nth + 1) % cycle.length]!.holds).toBe(waitsFor));
          }
          refused += refusals.length;
        },
      ),
      { numRuns: 2_000 },
    );
    // It takes a round, which is rare, but not so rare that the law would hold of itself.
    expect(refused).toBeGreaterThan(10);
  });

  it('HB-49 law: nobody is refused who holds nothing that others wait for, or calls nothing', () => {
    const harmless = fc.oneof(
      attempt.map((one) => ({ ...one, uses: {} })),
      attempt.map((one) => ({ ...one, calls: [] })),
      // All call in one order, and only what comes after what they hold.
      attempt.map((one) => {
        const last = Object.keys(one.uses).sort().at(-1) ?? '';
        return { ...one, atOnce: false, calls: [...one.calls].sort().filter((name) => name > last) };
      }),
    );
    fc.assert(
      fc.property(fc.array(harmless, { maxLength: 14 }), fc.integer({ min: 1, max: 8 }), (attempts, places) => {
        expect(simulate(attempts, places)).toEqual({ ended: attempts.length, refusals: [], waiting: 0 });
      }),
      { numRuns: 1_000 },
    );
  });
});
