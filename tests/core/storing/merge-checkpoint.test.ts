import fc from 'fast-check';
import { expect, it } from 'vitest';

import { checkpointOf, mergeCheckpoint, mergeParts } from '../../../src/core/storing/merge-checkpoint.js';
import type { CheckpointParts } from '../../../src/core/ports/store.js';
import type { Json } from '../../../src/core/shared/json.js';

/** Few names, so that commits often meet, with those among them that objects inherit. */
const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString', '');
const part = fc.oneof(fc.constant(null), fc.integer(), fc.constant({ deep: [1] }), fc.constant([null]), fc.constant(false));
const given = fc
  .array(fc.tuple(name, part), { maxLength: 4 })
  .map((entries): CheckpointParts => Object.fromEntries<Json>(entries));
const commits = fc.array(fc.option(given, { nil: undefined }), { maxLength: 8 });
const mergeAll = (list: readonly (CheckpointParts | undefined)[]): CheckpointParts | undefined =>
  list.reduce<CheckpointParts | undefined>((stored, next) => mergeCheckpoint(stored, next), undefined);

it('holds of each part what was last given, and nothing of those that are null', () => {
  fc.assert(
    fc.property(commits, (list) => {
      const merged = Object.entries(mergeAll(list) ?? {});
      const names = new Set(list.flatMap((parts) => Object.keys(parts ?? {})));
      for (const known of names) {
        const last = list.findLast((parts) => parts !== undefined && Object.hasOwn(parts, known));
        const value = Object.entries(last ?? {}).find(([key]) => key === known)?.[1] ?? null;
        expect(merged.filter(([key]) => key === known)).toEqual(value === null ? [] : [[known, value]]);
      }
      expect(merged.every(([key]) => names.has(key))).toBe(true);
    }),
  );
});

it('gives the same whether commits are merged one by one, or first with each other', () => {
  fc.assert(
    fc.property(commits, commits, (before, after) => {
      const merged = mergeAll([...before, ...after]);
      const parts = new Map<string, Json>();
      for (const next of [...before, ...after]) mergeParts(parts, next ?? {});
      expect(sorted(merged)).toEqual(sorted(checkpointOf(parts)));
    }),
  );
});

const sorted = (parts: CheckpointParts | undefined) =>
  parts && Object.entries(parts).sort(([left], [right]) => (left < right ? -1 : 1));

it('changes neither what is stored nor what is given', () => {
  fc.assert(
    fc.property(given, given, (stored, next) => {
      const before = JSON.stringify([stored, next]);
      mergeCheckpoint(stored, next);
      expect(JSON.stringify([stored, next])).toBe(before);
    }),
  );
});

it('is absent where no part is left', () => {
  expect(mergeCheckpoint(undefined, {})).toBeUndefined();
  expect(mergeCheckpoint({ a: 1 }, { a: null })).toBeUndefined();
  expect(mergeCheckpoint({ a: 1 }, undefined)).toEqual({ a: 1 });
});

it('takes a part that is undefined for one that was not given', () => {
  const loose = { a: undefined, b: 2 } as unknown as CheckpointParts;
  expect(mergeCheckpoint({ a: 1 }, loose)).toEqual({ a: 1, b: 2 });
  expect(Object.keys(mergeCheckpoint(undefined, loose) ?? {})).toEqual(['b']);
});
