import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkJsonSchema, compileJsonSchema } from '../../../src/core/schema/json-schema.js';

const faultsOf = (schema: unknown, value: unknown) => {
  const compiled = compileJsonSchema(schema);
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value.validate(value);
};

const nested = (depth: number, key: string): object => {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { [key]: value };
  return value;
};

const cyclic = (): object => {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
};

describe('compileJsonSchema', () => {
  it('names every place where a value breaks its schema', () => {
    const schema = {
      type: 'object',
      required: ['title'],
      properties: {
        title: {},
        level: { enum: ['low', 'high'] },
        one: { const: 1 },
        list: { type: 'array', items: { type: 'string' } },
      },
      additionalProperties: false,
    };
    expect(faultsOf(schema, { title: 't', level: 'low', one: 1, list: ['a'] })).toEqual([]);
    expect(faultsOf(schema, { level: 'mid', one: 2, list: ['a', 7], extra: 1 })).toEqual([
      { pointer: '', message: "must have required property 'title'" },
      { pointer: '', message: 'must not have the property "extra"' },
      { pointer: '/level', message: 'must be one of "low", "high"' },
      { pointer: '/list/1', message: 'must be string' },
      { pointer: '/one', message: 'must be 1' },
    ]);
  });

  it('gives at most 20 faults', () => {
    expect(
      faultsOf(
        { items: { type: 'string' } },
        Array.from({ length: 100 }, (_, index) => index),
      ),
    ).toHaveLength(20);
  });

  it('treats format as an annotation and ignores unknown keywords', () => {
    expect(faultsOf({ type: 'string', format: 'email', 'x-note': 'hello' }, 'no address')).toEqual([]);
  });

  it('knows boolean schemas', () => {
    expect(faultsOf(true, 1)).toEqual([]);
    expect(faultsOf(false, 1)).toHaveLength(1);
  });

  it('asks for own properties only', () => {
    expect(faultsOf({ required: ['constructor'] }, {})).toHaveLength(1);
    expect(faultsOf({ required: ['constructor'] }, { constructor: 1 })).toEqual([]);
  });

  it('keeps schemas with one $id apart', () => {
    const text = { $id: 'urn:planwright:answer', type: 'string' };
    const count = { $id: 'urn:planwright:answer', type: 'number' };
    expect(faultsOf(text, 'a')).toEqual([]);
    expect(faultsOf(count, 1)).toEqual([]);
    expect(faultsOf(text, 1)).toHaveLength(1);
    expect(faultsOf(count, 'a')).toHaveLength(1);
  });

  it('compiles equal schemas once, whatever their key order', () => {
    const first = compileJsonSchema({ type: 'object', properties: { a: { type: 'string' } } });
    const second = compileJsonSchema({ properties: { a: { type: 'string' } }, type: 'object' });
    expect(first.ok && second.ok && first.value === second.value).toBe(true);
  });

  it('keeps its answer when the schema object is changed afterwards', () => {
    const schema: Record<string, unknown> = { type: 'string' };
    const compiled = compileJsonSchema(schema);
    schema['type'] = 'number';
    expect(compiled.ok && compiled.value.validate('text')).toEqual([]);
    expect(faultsOf(schema, 'text')).toHaveLength(1);
  });

  it('resolves references inside the schema, also recursive ones', () => {
    const tree = { $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } } };
    expect(faultsOf(tree, { next: { next: {} } })).toEqual([]);
    expect(faultsOf(tree, { next: { next: 1 } })).toEqual([{ pointer: '/next/next', message: 'must be object' }]);
  });

  it('answers for cyclic and very deep values instead of overflowing the stack', () => {
    const tree = { type: 'object', additionalProperties: { $ref: '#' } };
    expect(faultsOf(tree, cyclic())[0]?.message).toContain('cannot be checked');
    expect(faultsOf(tree, nested(200_000, 'next'))[0]?.message).toContain('cannot be checked');
  });

  it.each([
    ['a type that does not exist', { type: 'objekt' }, /at "\/type": it must be one of "array"/],
    ['a string', 'abc', /an object or a boolean, not "abc"/],
    ['a number', 7, /not 7/],
    ['null', null, /not null/],
    ['a list', [], /not \[\]/],
    ['undefined', undefined, /not undefined/],
    ['a reference to nowhere', { $ref: '#/$defs/missing' }, /#\/\$defs\/missing/],
    ['a reference to elsewhere', { $ref: 'https://example.org/schema' }, /example\.org/],
    ['a bad pattern', { properties: { a: { pattern: '(' } } }, /at "\/properties\/a\/pattern": "\(" is not a regular expression/],
    ['a bad pattern property', { patternProperties: { '[': {} } }, /is not a regular expression/],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, /draft-07.*2020-12/],
    ['an asynchronous schema', { $async: true }, /asynchronous/],
    ['a cyclic schema', { properties: cyclic() }, /refers to itself/],
    ['a schema that is too deep', nested(10_000, 'not'), /deeper than/],
    ['a function inside', { default: () => 1 }, /function/],
  ])('refuses %s in a sentence', (_, schema, sentence) => {
    expect(checkJsonSchema(schema)).toMatch(sentence);
    const compiled = compileJsonSchema(schema);
    expect(compiled.ok ? '' : compiled.error).toMatch(sentence);
  });

  it('leaves data under const, enum and default alone', () => {
    expect(checkJsonSchema({ const: { pattern: '(' }, properties: { pattern: { type: 'string' } } })).toBeUndefined();
  });

  const keyword = fc.oneof(
    fc.constantFrom(
      'type',
      'properties',
      'items',
      'required',
      'enum',
      'pattern',
      '$ref',
      '$id',
      'allOf',
      'not',
      'id',
      'nullable',
    ),
    fc.string({ maxLength: 4 }),
  );
  const schemaLike = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('string', 'object', '#', '#/properties/a', 'a', true, false, 1, null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keyword, tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  it('never throws, and checks exactly what compiles, whatever the schema', () => {
    fc.assert(
      fc.property(fc.oneof(schemaLike, fc.anything()), fc.anything(), (schema, value) => {
        const compiled = compileJsonSchema(schema);
        expect(checkJsonSchema(schema) === undefined).toBe(compiled.ok);
        if (compiled.ok) expect(Array.isArray(compiled.value.validate(value))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
