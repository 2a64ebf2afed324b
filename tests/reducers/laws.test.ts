import { builtInReducers, canonicalJson, type Conflict, type Json, type Ticket } from 'planwright';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findReducer, type Joined, reduceWith } from '../../src/core/plan/reduce.js';
import { ticket, tickets } from '../running/support/world.js';
import { joined, keyAt, reduceTicket, runJoined, type Writing } from './support/joined.js';

/** Joins outputs, the first being the first in the plan. @throws where the reducer refuses */
function reduced(reducer: string, outputs: readonly Json[]): Joined {
  const contributions = outputs.map((output, index) => ({ stepId: `s${index}`, role: `r${index % 3}`, output }));
  const result = reduceWith(findReducer(reducer)!, contributions);
  if (!result.ok) throw new TypeError(result.error);
  return result.value;
}

const small = fc.constantFrom<Json[]>(0, 1, 'a', null, true, [1], []);
const key = fc.constantFrom('x', 'y', 'a/b', '~', '__proto__', 'constructor');
const tree = fc.letrec<{ node: Json; object: Json }>((tie) => ({
  node: fc.oneof({ depthSize: 'small' }, { weight: 2, arbitrary: small }, tie('object')),
  object: fc.array(fc.tuple(key, tie('node')), { maxLength: 4 }).map((members): Json => Object.fromEntries(members)),
}));
const integers = fc
  .array(fc.tuple(key, fc.integer({ min: -1_000, max: 1_000 })), { maxLength: 4 })
  .map((members): Json => Object.fromEntries(members));
const ballot = fc.uniqueArray(fc.constantFrom('x', 'y', 'z', 'u'), { maxLength: 4 });
/** What each reducer can join. */
const outputsFor: Readonly<Record<(typeof builtInReducers)[number], fc.Arbitrary<Json>>> = {
  collect: tree.node,
  first: tree.node,
  majority: small,
  merge: tree.node,
  positions: tree.node,
  ranked: ballot,
  sum: integers,
};
const listFor = (reducer: (typeof builtInReducers)[number]) => fc.array(outputsFor[reducer], { minLength: 1, maxLength: 6 });
const anyReducer = fc.constantFrom(...builtInReducers);

/** What stands at a pointer, by RFC 6901. */
const at = (value: Json, pointer: string): Json | undefined =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<Json | undefined>(
      (inner, name) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, name)
          ? (inner as Record<string, Json>)[name]
          : undefined,
      value,
    );

/** Every place of a value that is no object, or one without members, with what stands there. */
const leavesOf = (value: Json, pointer = ''): readonly (readonly [string, Json])[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([name, member]) =>
        leavesOf(member ?? null, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
      )
    : [[pointer, value]];

const same = (one: Json | undefined, other: Json | undefined): boolean =>
  one !== undefined && other !== undefined && canonicalJson(one) === canonicalJson(other);

describe('reducers', () => {
  it('HB-38 come to the same result in every order in which outputs can arrive', async () => {
    const cases = anyReducer.chain((reducer) =>
      fc.record({
        reducer: fc.constant(reducer),
        outputs: listFor(reducer),
        delays: fc.array(fc.nat({ max: 1_000 }), { minLength: 6, maxLength: 6 }),
        others: fc.array(fc.nat({ max: 1_000 }), { minLength: 6, maxLength: 6 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ reducer, outputs, delays, others }) => {
        const ends = [];
        for (const waits of [delays, others]) {
          const writings = outputs.map((output, index): Writing => ({ output, afterMs: waits[index]! }));
          const { joined: step } = await runJoined(joined(writings, reducer), writings);
          ends.push({ status: step.status, output: step.output, conflicts: step.conflicts, error: step.error });
        }
        expect(ends[0]).toEqual(ends[1]);
        expect(ends[0]?.status).toBe('succeeded');
      }),
      { numRuns: 60 },
    );
  });

  it('HB-38 come to the same result with outputs missing, whichever fail first', async () => {
    const writing = fc.record({
      output: small,
      afterMs: fc.nat({ max: 100 }),
      fails: fc.option(fc.constant(true as const), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(writing, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(100), { minLength: 5, maxLength: 5 }),
        async (given, others) => {
          const once = given.map(({ fails, ...rest }): Writing => ({ ...rest, ...(fails && { fails }) }));
          const again = once.map((one, index) => ({ ...one, afterMs: others[index]! }));
          const [first, second] = [
            await runJoined(joined(once, 'majority'), once),
            await runJoined(joined(again, 'majority'), again),
          ];
          expect(first.joined.output).toEqual(second.joined.output);
          expect(first.joined.conflicts).toEqual(second.joined.conflicts);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('give JSON for JSON, the same each time, and change nothing that they are given', () => {
    const cases = anyReducer.chain((reducer) => fc.tuple(fc.constant(reducer), listFor(reducer)));
    fc.assert(
      fc.property(cases, ([reducer, outputs]) => {
        const before = canonicalJson(outputs);
        const once = reduced(reducer, outputs);
        expect(canonicalJson(reduced(reducer, outputs))).toBe(canonicalJson(once));
        expect(canonicalJson(outputs)).toBe(before);
      }),
    );
  });

  it('HB-51 lose no value in a merge: it stands in the output, or is on record with where it stood and whose it was', () => {
    fc.assert(
      fc.property(fc.array(tree.node, { minLength: 1, maxLength: 5 }), (outputs) => {
        const { output, conflicts = [] } = reduced('merge', outputs);
        const covers = (conflict: Conflict, pointer: string): boolean =>
          conflict.pointer === pointer || pointer.startsWith(`${conflict.pointer}/`);
        outputs.forEach((given, index) => {
          for (const [pointer, value] of leavesOf(given)) {
            if (same(at(output, pointer), value)) continue;
            // Members put into an object that was empty take nothing away from it.
            if (same(value, {}) && typeof at(output, pointer) === 'object' && !conflicts.some((one) => covers(one, pointer)))
              continue;
            const record = conflicts.find((conflict) => covers(conflict, pointer));
            const mine = record?.values.find(({ from }) => from === `s${index}`);
            expect(mine?.value).toEqual(at(given, record?.pointer ?? ''));
          }
        });
        for (const { pointer, values, chosen } of conflicts) {
          expect(new Set(values.map(({ value }) => canonicalJson(value))).size).toBeGreaterThan(1);
          expect(same(at(output, pointer), values.find(({ from }) => from === chosen)?.value)).toBe(true);
          expect(values[0]?.from).toBe(chosen);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('merge what agrees without a conflict, and a value with itself into itself', () => {
    fc.assert(
      fc.property(tree.node, fc.integer({ min: 1, max: 4 }), (value, times) => {
        expect(
          canonicalJson(
            reduced(
              'merge',
              Array.from({ length: times }, () => value),
            ),
          ),
        ).toBe(canonicalJson({ output: value }));
      }),
    );
  });

  it('sum whole numbers alike however they are grouped and ordered', () => {
    fc.assert(
      fc.property(fc.array(integers, { minLength: 3, maxLength: 6 }), fc.nat(), (outputs, cut) => {
        const sum = (...values: readonly Json[]): Json => reduced('sum', values).output;
        const place = 1 + (cut % (outputs.length - 1));
        const whole = canonicalJson(sum(...outputs));
        expect(canonicalJson(sum(sum(...outputs.slice(0, place)), sum(...outputs.slice(place))))).toBe(whole);
        expect(canonicalJson(sum(...outputs.toReversed()))).toBe(whole);
      }),
    );
  });

  it('find the majority that there is, and with a tie the value that comes first', () => {
    fc.assert(
      fc.property(fc.array(small, { minLength: 1, maxLength: 9 }), (votes) => {
        const count = (wanted: Json): number => votes.filter((vote) => same(vote, wanted)).length;
        const { output, conflicts = [] } = reduced('majority', votes);
        const most = Math.max(...votes.map(count));
        expect(count(output)).toBe(most);
        expect(output).toEqual(votes.find((vote) => count(vote) === most));
        expect(conflicts.flatMap(({ values }) => values).length).toBe(
          votes.every((vote) => same(vote, output)) ? 0 : votes.length,
        );
      }),
    );
  });

  it('give every point of a ranking away, and put whom all prefer first', () => {
    fc.assert(
      fc.property(fc.array(ballot, { minLength: 1, maxLength: 6 }), (ballots) => {
        const { ranking, points } = reduced('ranked', ballots).output as unknown as { ranking: string[]; points: number[] };
        const { length } = ranking;
        expect(points.reduce((sum, value) => sum + value, 0)).toBe(
          ballots.length * (length === 0 ? 0 : (length * (length - 1)) / 2),
        );
        expect(points).toEqual(points.toSorted((one, other) => other - one));
        const favourite = ballots[0]?.[0];
        if (favourite !== undefined && ballots.every(([best]) => best === favourite)) expect(ranking[0]).toBe(favourite);
      }),
    );
  });

  it('go by the order of the plan, not by that of keys or dependencies', async () => {
    const [a, b] = [keyAt(0), keyAt(1)];
    expect([a, b].toSorted()).toEqual([b, a]);
    const backwards = (parts: Partial<Ticket>) => tickets([ticket(a), ticket(b), reduceTicket('joined', 'first', parts)]);
    for (const parts of [{ dependsOn: [b, a] }, { dependsOn: [a, b], input: { from: [b, a] } }]) {
      const { joined: step } = await runJoined(backwards(parts), [{ output: 1, afterMs: 50 }, { output: 2 }]);
      expect(step.output).toBe(1);
    }
  });
});
