import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sampleJson } from '../../../src/core/shared/sample-json.js';
import type { JsonSchema } from '../../../src/core/shared/json.js';

const ajv = new Ajv2020({ strict: false, validateFormats: false, ownProperties: true });

/** What a validator says of the sample; `[]` where it fits. */
function misfits(schema: JsonSchema): unknown[] {
  const validate = ajv.compile(schema);
  return validate(sampleJson(schema)) ? [] : [sampleJson(schema), ...(validate.errors ?? [])];
}

const bounds = (low: string, high: string, values: fc.Arbitrary<number>) =>
  fc.tuple(fc.option(values), fc.option(fc.nat({ max: 20 }))).map(([from, span]) => ({
    ...(from !== null && { [low]: from }),
    ...(span !== null && { [high]: (from ?? 0) + span }),
  }));

// Not `__proto__`: the validator does not look at a property of that name.
const name = fc
  .oneof(fc.constantFrom('a', 'b', 'constructor', '1', 'a/b', '#x'), fc.string({ maxLength: 4 }))
  .filter((text) => text !== '__proto__');

const { schemaArbitrary } = fc.letrec<{ schemaArbitrary: JsonSchema }>((tie) => {
  const inner = tie('schemaArbitrary');
  const object = fc
    .record({
      properties: fc.dictionary(name, inner, { maxKeys: 3 }),
      others: fc.boolean(),
      mask: fc.nat(),
      also: fc.option(name),
    })
    .map(({ properties, others, mask, also }) => ({
      type: 'object',
      properties,
      required: [
        ...Object.keys(properties).filter((_, index) => (mask >> index) % 2 === 1),
        ...(others && also !== null && !Object.hasOwn(properties, also) ? [also] : []),
      ],
      ...(others ? { minProperties: mask % 5 } : { additionalProperties: false }),
    }));
  return {
    schemaArbitrary: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      bounds('minLength', 'maxLength', fc.nat({ max: 80 })).map((found) => ({ type: 'string', ...found })),
      bounds('minimum', 'maximum', fc.integer({ min: -50, max: 50 })).map((found) => ({ type: 'integer', ...found })),
      bounds('minimum', 'maximum', fc.double({ min: -50, max: 50, noNaN: true })).map((found) => ({ type: 'number', ...found })),
      bounds('exclusiveMinimum', 'exclusiveMaximum', fc.integer({ min: -50, max: 50 }))
        .filter(
          (found) => found['exclusiveMaximum'] === undefined || found['exclusiveMaximum'] > (found['exclusiveMinimum'] ?? 0),
        )
        .map((found) => ({ type: 'number', ...found })),
      fc.constantFrom<JsonSchema>({ type: 'boolean' }, { type: 'null' }, { type: ['integer', 'null'] }, {}, true),
      fc.jsonValue({ maxDepth: 2 }).map((value) => ({ const: value as never })),
      fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 3 }).map((list) => ({ enum: list as never })),
      object,
      fc
        .tuple(inner, bounds('minItems', 'maxItems', fc.nat({ max: 4 })))
        .map(([items, found]) => ({ type: 'array', items, ...found })),
      fc.array(inner, { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc.tuple(object, object).map(([one, other]) => ({
        allOf: [
          { ...one, additionalProperties: true, properties: {} },
          { ...other, additionalProperties: true },
        ],
      })),
    ),
  };
});

describe('sampleJson', () => {
  it('fits any schema of the keywords that it reads, and is the same each time', () => {
    fc.assert(
      fc.property(schemaArbitrary, (schema) => {
        expect(misfits(schema)).toEqual([]);
        expect(sampleJson(schema)).toEqual(sampleJson(schema));
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, JsonSchema]>([
    ['unique strings', { type: 'array', minItems: 3, uniqueItems: true, items: { type: 'string', maxLength: 4 } }],
    ['unique numbers', { type: 'array', minItems: 4, uniqueItems: true, items: { type: 'integer', minimum: 5 } }],
    ['unique members of an enum', { type: 'array', minItems: 2, uniqueItems: true, items: { enum: ['a', 'b', 'c'] } }],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false }],
    ['a list that contains something', { type: 'array', contains: { const: 7 } }],
    ['multiples', { type: 'number', multipleOf: 0.5, minimum: 0.7 }],
    ['multiples below zero', { type: 'integer', multipleOf: 7, exclusiveMaximum: -7 }],
    ['a range without a whole number', { type: 'number', exclusiveMinimum: 0.25, exclusiveMaximum: 0.5 }],
    ['code points, not code units', { type: 'string', minLength: 3, maxLength: 3 }],
    ['a local reference', { $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'integer', minimum: 3 } } }],
    ['a reference with more beside it', { $ref: '#/$defs/a', required: ['x'], $defs: { a: { required: ['y'] } } }],
    [
      'a tree',
      {
        $ref: '#/$defs/node',
        $defs: {
          node: {
            type: 'object',
            properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/$defs/node' } } },
            required: ['name', 'children'],
            additionalProperties: false,
          },
        },
      },
    ],
    [
      'a list whose end is written last',
      {
        $ref: '#/$defs/list',
        $defs: {
          list: {
            anyOf: [{ type: 'object', properties: { next: { $ref: '#/$defs/list' } }, required: ['next'] }, { type: 'null' }],
          },
        },
      },
    ],
  ])('fits %s', (_, schema) => {
    expect(misfits(schema)).toEqual([]);
  });

  it('ends for schemas that have no end or stand for billions of values', () => {
    expect(JSON.stringify(sampleJson({ $ref: '#' })).length).toBeLessThan(100);
    expect(JSON.stringify(sampleJson({ type: 'object', required: ['a'], properties: { a: { $ref: '#' } } })).length).toBeLessThan(
      1_000,
    );
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (__, level) => [
        `l${level}`,
        { type: 'array', minItems: 9, items: { $ref: `#/$defs/l${level + 1}` } },
      ]),
    );
    expect(JSON.stringify(sampleJson({ $ref: '#/$defs/l0', $defs })).length).toBeLessThan(1_000_000);
    expect(JSON.stringify(sampleJson({ type: 'array', minItems: 1e9 })).length).toBeLessThan(1_000_000);
  });

  it('puts the text of the caller into what is open', () => {
    const schema = { type: 'object', properties: { title: { type: 'string' }, tags: { type: 'array', minItems: 2 } } };
    expect(sampleJson(schema, { text: (property) => `<${property}>` })).toEqual({
      title: '<title>',
      tags: ['<tags>', '2. <tags>'],
    });
  });
});
