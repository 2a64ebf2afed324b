import fc from 'fast-check';
import { expect, it } from 'vitest';

import { frozenCopy } from '../../../src/core/shared/frozen-copy.js';

const isFrozenThroughout = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozenThroughout));

it('copies any JSON, shares no part of it, and freezes the copy only', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const copy = frozenCopy(value);
      expect(JSON.stringify(copy)).toBe(text);
      expect(isFrozenThroughout(copy)).toBe(true);
      if (typeof value === 'object' && value !== null) expect(Object.isFrozen(value)).toBe(false);
    }),
  );
});

it('keeps a member named __proto__ a member', () => {
  const copy = frozenCopy(JSON.parse('{"__proto__":{"admin":true},"a":[{"__proto__":1}]}') as object);
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":[{"__proto__":1}]}');
  expect((copy as { admin?: boolean }).admin).toBeUndefined();
});

it('leaves undefined members out and copies what is nested deeper than calls can be', () => {
  expect(Object.keys(frozenCopy({ a: 1, b: undefined }))).toEqual(['a']);
  let deep: unknown = 'end';
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  let copy = frozenCopy(deep);
  while (Array.isArray(copy)) copy = copy[0];
  expect(copy).toBe('end');
});
