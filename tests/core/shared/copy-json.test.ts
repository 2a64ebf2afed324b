import fc from 'fast-check';
import { expect, it } from 'vitest';

import { copyJson } from '../../../src/core/shared/copy-json.js';
import { deepFreeze } from '../../../src/core/shared/freeze.js';

it('copies any JSON and shares no part of it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const copy = copyJson(value);
      // A frozen copy would show through in any part that is shared.
      deepFreeze(copy);
      expect(JSON.stringify(copy)).toBe(text);
      expect(hasFrozenPart(value)).toBe(false);
    }),
  );
});

const hasFrozenPart = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (Object.isFrozen(value) || Object.values(value).some(hasFrozenPart));

it('keeps a member named __proto__ a member', () => {
  const copy = copyJson(JSON.parse('{"__proto__":{"admin":true},"a":[{"__proto__":1}]}') as object);
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":[{"__proto__":1}]}');
  expect((copy as { admin?: boolean }).admin).toBeUndefined();
});

it('leaves undefined members out and copies what is nested deeper than calls can be', () => {
  expect(Object.keys(copyJson({ a: 1, b: undefined }))).toEqual(['a']);
  let deep: unknown = 'end';
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  let copy = copyJson(deep);
  while (Array.isArray(copy)) copy = copy[0];
  expect(copy).toBe('end');
});
