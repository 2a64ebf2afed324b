import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readRoute } from '../../../src/core/deciding/read-route.js';
import type { Json } from '../../../src/core/shared/json.js';

const anyJson = fc.jsonValue() as fc.Arbitrary<Json>;
const text = fc.string({ minLength: 1 }).filter((given) => given.trim() !== '');
const assignment = fc.record(
  { role: fc.string(), task: text, input: anyJson, from: fc.array(fc.string(), { maxLength: 3 }), supersedes: fc.string() },
  { requiredKeys: ['role', 'task'] },
);

describe('readRoute', () => {
  it('reads whatever an agent says, and says what would be right where it cannot', () => {
    fc.assert(
      fc.property(anyJson, (route) => {
        const read = readRoute(route);
        if (read.kind !== 'unreadable') return;
        expect(read.error.code).toMatch(/^(ROUTE|ASSIGNMENT)_UNREADABLE$/);
        expect(read.error.message).toContain('{ role, task, input? }');
      }),
      { numRuns: 500 },
    );
  });

  it('law: gives back every assignment as it was, in its place', () => {
    fc.assert(
      fc.property(fc.uniqueArray(assignment, { selector: (one) => JSON.stringify(one), maxLength: 6 }), (delegate) => {
        const given = JSON.parse(JSON.stringify(delegate)) as Json;
        const expected = (given as Json[]).map((one, place) => ({ ...(one as object), place }));
        expect(readRoute({ delegate: given })).toEqual({ kind: 'delegate', assignments: expected, unreadable: [] });
      }),
    );
  });

  it('DX-04 law: what stands twice counts once, in the place where it stands first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y')), { maxLength: 8 }), (pairs) => {
        const read = readRoute({ delegate: pairs.map(([role, task]) => ({ role, task })) });
        const keys = pairs.map((pair) => pair.join());
        const places = [...new Set(keys)].map((key) => keys.indexOf(key));
        expect(read.kind === 'delegate' && read.assignments.map(({ place }) => place)).toEqual(places);
      }),
    );
  });

  it('law: of a list, each is read by itself', () => {
    const mixed = fc.array(fc.oneof(assignment, anyJson), { maxLength: 6 });
    fc.assert(
      fc.property(mixed, (list) => {
        const given = JSON.parse(JSON.stringify(list)) as Json[];
        const read = readRoute({ delegate: given });
        if (read.kind !== 'delegate') throw new Error(read.kind);
        const seen = new Set(given.map((one) => JSON.stringify(one)));
        expect(read.assignments.length + read.unreadable.length).toBe(seen.size);
        for (const { place } of [...read.assignments, ...read.unreadable]) {
          const alone = readRoute({ handoff: given[place]! });
          expect(alone.kind).toBe(read.unreadable.some((one) => one.place === place) ? 'unreadable' : 'handoff');
        }
      }),
    );
  });

  it.each<readonly [Json, string]>([
    [null, 'there was none'],
    ['finish', 'it was "finish"'],
    [[], 'it was'],
    [{}, 'it was'],
    [{ finish: false }, 'finish was false'],
    [{ finish: true, delegate: [] }, 'more than one'],
    [{ delegate: { role: 'a', task: 'b' } }, 'delegate was'],
    [{ handoff: { role: 'a' } }, 'its task was'],
    [{ handoff: { role: 'a', task: '  ' } }, 'its task was'],
    [{ handoff: { role: 7, task: 'b' } }, 'its role was 7'],
    [{ handoff: { role: 'a', task: 'b', from: 'c' } }, 'its from was'],
    [{ handoff: { role: 'a', task: 'b', from: [1] } }, 'its from was'],
    [{ handoff: { role: 'a', task: 'b', supersedes: 1 } }, 'its supersedes was 1'],
  ])('cannot read %j', (route, detail) => {
    const read = readRoute(route);
    expect(read.kind === 'unreadable' && read.error.message).toContain(detail);
  });

  it('takes an empty list as waiting, and a finish as one', () => {
    expect(readRoute({ delegate: [] })).toEqual({ kind: 'delegate', assignments: [], unreadable: [] });
    expect(readRoute({ finish: true })).toEqual({ kind: 'finish' });
  });
});
