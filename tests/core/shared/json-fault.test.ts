import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { jsonFault } from '../../../src/core/shared/json-fault.js';

class Point {
  constructor(readonly x = 1) {}
}
class Bag extends Array<number> {}

const itself: Record<string, unknown> = { name: 'loop' };
itself['again'] = [{ itself }];

/** What JSON cannot hold, and what is said of it. */
const faulty: readonly (readonly [unknown, RegExp])[] = [
  [NaN, /NaN/],
  [Infinity, /Infinity/],
  [-Infinity, /-Infinity/],
  [12n, /bigint/],
  [() => 1, /function/],
  [Symbol('s'), /symbol/],
  [new Date(0), /Date/],
  [new Map([[1, 2]]), /Map/],
  [new Set([1]), /Set/],
  [/x/, /RegExp/],
  [new Error('x'), /Error/],
  [new Uint8Array(2), /Uint8Array/],
  [Object(1), /Number/],
  [Promise.resolve(), /Promise/],
  [new Point(), /Point/],
  [
    new (class {
      readonly x = 1;
    })(),
    /a class/,
  ],
  [Bag.of(1), /Bag/],
  [Object.create({ constructor: 'none' }), /a class/],
  [Object.assign(new Point(), { constructor: null }), /Point/],
  [[undefined], /undefined/],
  [Array(2), /undefined/],
  [{ toJSON: () => 1 }, /function/],
  [itself, /refers to itself/],
];

/** Anywhere inside of otherwise sound data: the value, and the path to it. */
const wrapped = (inner: unknown): fc.Arbitrary<{ readonly value: unknown; readonly path: readonly string[] }> =>
  fc
    .array(fc.oneof(fc.tuple(fc.constant('list'), fc.nat(3)), fc.tuple(fc.constant('object'), fc.string())), { maxLength: 4 })
    .map((levels) =>
      levels.reduce<{ value: unknown; path: string[] }>(
        ({ value, path }, [, key]) =>
          typeof key === 'number'
            ? { value: [...Array.from({ length: key }, () => null), value, 'after'], path: [String(key), ...path] }
            : {
                value: Object.fromEntries([
                  ['before', 1],
                  [key, value],
                ]),
                path: [key, ...path],
              },
        { value: inner, path: [] },
      ),
    );

describe('jsonFault', () => {
  it('finds nothing wrong with any JSON, of this realm or another', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => jsonFault(value) === undefined));
    expect(jsonFault(runInNewContext('({ a: [1, { b: "text" }], c: [] })'))).toBeUndefined();
    expect(jsonFault(Object.assign(Object.create(null) as object, { a: 1 }))).toBeUndefined();
  });

  it.each(faulty.map(([value, said]) => ({ value, said })))(
    'refuses what JSON cannot hold, wherever it lies: $said',
    ({ value, said }) => {
      fc.assert(
        fc.property(wrapped(value), (outer) => {
          const fault = jsonFault(outer.value);
          expect(fault?.detail).toMatch(said);
          expect(fault?.path.startsWith(outer.path.join('.'))).toBe(true);
        }),
        { numRuns: 30 },
      );
    },
  );

  it('says where, from the root', () => {
    expect(jsonFault({ entries: [1, { output: { rate: NaN } }] })).toEqual({
      path: 'entries.1.output.rate',
      detail: 'it is NaN',
    });
    expect(jsonFault(NaN)).toEqual({ path: '', detail: 'it is NaN' });
    expect(jsonFault([[1, ...Array<number>(1), 3]])?.path).toBe('0.1');
  });

  it('takes a member that is undefined for absent', () => {
    expect(jsonFault({ a: undefined, b: [{ c: undefined }], [Symbol('s')]: 1n })).toBeUndefined();
  });

  it('takes a value that stands in two places for what it is: no cycle', () => {
    const shared = { a: [1] };
    expect(jsonFault([shared, shared, { shared, again: shared.a }])).toBeUndefined();
  });

  it('takes 2,500 levels, and says of more that they are too many', () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    expect(jsonFault(nested(2_501))).toBeUndefined();
    expect(JSON.stringify(nested(2_501))).toHaveLength(5_002);
    expect(jsonFault(nested(2_502))).toEqual({
      path: '0.0.0.0.0.0.…',
      detail: 'it is nested deeper than 2500 levels, or refers to itself',
    });
    expect(jsonFault(nested(100_000))?.detail).toMatch(/deeper/);
  });
});
