import fc from 'fast-check';
import { canonicalJson, CanonicalJsonError } from 'planwright';
import { describe, expect, it } from 'vitest';

/** RFC 8785 as one would write it down: sort the members of every object, and leave the rest to `JSON.stringify`. */
function written(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${written(member)}`).join(',')}}`;
}

/** Few keys, so that objects of a list often have as many members as each other, and often not the same ones. */
const key = fc.oneof(
  fc.constantFrom('a', 'b', '10', '9', '1', 'constructor', '__proto__', 'é', '\u{1f600}', '\ufb33', '"', '\\', '\n'),
  fc.string(),
);
const { json } = fc.letrec<{ json: unknown; object: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(
      null,
      true,
      false,
      0,
      -0,
      1e21,
      1e-7,
      5e-324,
      4.5,
      '',
      'plain',
      'tab\t',
      '\u2028',
      '\u007f',
      'é\u{1f600}',
      '"\\',
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json'), { maxLength: 6 }),
    tie('object'),
  ),
  object: fc
    .uniqueArray(fc.tuple(key, fc.oneof(tie('json'), fc.constant(undefined))), { selector: ([name]) => name, maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
}));

describe('canonicalJson', () => {
  it('writes what RFC 8785 says, whatever stood before', () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 8 }), (values) => {
        expect(canonicalJson(values)).toBe(written(values));
      }),
    );
  });

  it('gives the value back when it is read, and the same text again', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('sorts by UTF-16 code units, as the sample of the RFC does', () => {
    const sample = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(sample)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}');
  });

  it.each([
    ['not a number', { a: [1, NaN] }, '/a/1'],
    ['infinite', { 'a/b': Infinity }, '/a~1b'],
    ['undefined in a list', [undefined], '/0'],
    ['a hole', Array(1), '/0'],
    ['a bigint', { a: 1n }, '/a'],
    ['a function', { a: () => 1 }, '/a'],
    ['a date', [{ a: new Date(0) }], '/0/a'],
    ['half a surrogate pair', { a: '\ud800' }, '/a'],
  ])('refuses %s and says where', (_, value, pointer) => {
    expect(() => canonicalJson(value)).toThrow(
      expect.objectContaining({ code: 'CANONICAL_JSON', pointer }) as CanonicalJsonError,
    );
  });

  it('refuses a key with half a surrogate pair, and what refers to itself', () => {
    const ring: unknown[] = [];
    ring.push(ring);
    expect(() => canonicalJson({ '\udc00': 1 })).toThrow(CanonicalJsonError);
    expect(() => canonicalJson(ring)).toThrow(CanonicalJsonError);
  });
});
