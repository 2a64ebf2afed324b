import fc from 'fast-check';
import { expect, it } from 'vitest';

import { fillPlaceholders, placeholdersOf } from '../../../src/core/shared/placeholder.js';

it.each([
  ['{{input.a}}', ['a']],
  ['{{ input.a.b }} and {{input.two words}}', ['a.b', 'two words']],
  ['{{input.a}} {{input.a}}', ['a']],
  ['{{ {{input.a}}', ['a']],
  ['{{a}} {input.a} {{inputs.a}} {{input.a} {{input.a', []],
])('finds in %j the ids %j', (text, ids) => {
  expect(placeholdersOf(text)).toEqual(ids);
});

it('fills each placeholder, leaves all other text, and never looks into a value', () => {
  expect(fillPlaceholders('a {{input.x}} b {{y}} {{input.z}}', (id) => `<${id} {{input.x}}>`)).toBe(
    'a <x {{input.x}}> b {{y}} <z {{input.x}}>',
  );
  fc.assert(
    fc.property(fc.array(fc.constantFrom('{{', '}}', 'input.', 'a', ' ', '{', 'input.b}}')), (parts) => {
      const text = parts.join('');
      expect(fillPlaceholders(text, () => '')).toHaveLength(fillPlaceholders(text, () => '\0').replaceAll('\0', '').length);
      if (placeholdersOf(text).length === 0) expect(fillPlaceholders(text, () => 'never')).toBe(text);
    }),
  );
});

it('takes time in proportion to the text, however many braces stay open', () => {
  expect(placeholdersOf('{{'.repeat(300_000) + '}}')).toEqual([]);
  expect(placeholdersOf('{{input.'.repeat(300_000))).toEqual([]);
});
