import fc from 'fast-check';

/** Keys that are sound and yet break code which indexes objects with them, splits them, or writes them into other notations. */
export const hostileKeys: readonly string[] = [
  ...['constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'length', 'then', 'toJSON'],
  ...['0', '1', '-1', '1e3', 'NaN', 'null', 'undefined', 'true'],
  ...['#x', 'a.b', 'a/b', 'a~1b', '~0', '*', '%', '$', '..', 'a:b', 'a|b', 'a;b', '{{input.a}}', '${a}', '[a]', 'end', 'graph'],
  ...['say "hi"', "it's", '`a`', 'two words', 'a\\b', '<script>', '--', '=1', '&amp;'],
  ...['🦊', '👩‍👩‍👧', 'é', 'e\u0301', 'ß', '日本語', 'ﷺ', 'xstate.init', 'xstate.done.actor.a', 'done.invoke.a', 'k'.repeat(200)],
];

/** What no ticket may be called in some proposal or other: ids of phases, and what agents find in their input. */
const reserved = /^(synthesis|gaps|reports|board|research|discussion|discuss)(:|$)/;

/** Keys which `parseProposal` accepts: plain ones, and with `hostile` also {@link hostileKeys} and any text. Shrinks to plain ones. */
export const keyArbitrary = ({ hostile = true }: { readonly hostile?: boolean } = {}): fc.Arbitrary<string> =>
  hostile
    ? fc.oneof(
        { withCrossShrink: true },
        { weight: 2, arbitrary: plainKey },
        { weight: 3, arbitrary: fc.constantFrom(...hostileKeys) },
        { weight: 1, arbitrary: anyKey },
      )
    : plainKey;

const plainKey = fc.nat({ max: 99_999 }).map((number) => `k${number}`);

const anyKey = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((key) => key === key.trim() && key !== '' && key !== '__proto__' && !reserved.test(key) && !/\p{C}/u.test(key));
