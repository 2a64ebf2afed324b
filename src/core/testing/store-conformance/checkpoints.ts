import { type ConformanceCase, ConformanceError, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf, hostileText } from '../store-samples.js';
import { createRuns, expectRefused, storeCase } from './store-case.js';
import type { CheckpointParts, RunStore } from '../../ports/store.js';

/** Parts of a checkpoint, by hostile names. */
const hostileParts = (value: (name: string) => CheckpointParts[string]): CheckpointParts =>
  Object.fromEntries(hostileText.map((name) => [name, value(name)]));

/** Entries `from` to `to`, as commits write them. */
const span = (from: number, to: number) => entriesOf({ from, count: to - from + 1 });

/** Checkpoints, and what is dropped for them. */
export const checkpoints: readonly ConformanceCase<RunStore>[] = [
  storeCase('merges the parts of checkpoints, and takes away those that are null', async (store) => {
    await createRuns(store, 'r', 'other');
    const steps: readonly (readonly [CheckpointParts | undefined, CheckpointParts | undefined])[] = [
      [
        { a: { deep: 1, gone: 2 }, b: [1, 2], c: 'text' },
        { a: { deep: 1, gone: 2 }, b: [1, 2], c: 'text' },
      ],
      [{ a: { deep: 3 } }, { a: { deep: 3 }, b: [1, 2], c: 'text' }],
      [undefined, { a: { deep: 3 }, b: [1, 2], c: 'text' }],
      [
        { b: null, never: null, d: false },
        { a: { deep: 3 }, c: 'text', d: false },
      ],
      [{}, { a: { deep: 3 }, c: 'text', d: false }],
      [
        { b: 0, d: '' },
        { a: { deep: 3 }, b: 0, c: 'text', d: '' },
      ],
      [{ a: null, b: null, c: null, d: null }, undefined],
      [{ c: [null] }, { c: [null] }],
    ];
    for (const [index, [checkpoint, expected]] of steps.entries()) {
      await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 + index }), ...(checkpoint && { checkpoint }) });
      expectSame(`the parts after commit ${index + 2}`, { actual: (await store.load('r'))?.checkpoint, expected });
    }
    expectSame('the parts of another run', { actual: (await store.load('other'))?.checkpoint, expected: undefined });
  }),
  storeCase('takes any text for the name of a part', async (store) => {
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0 }), checkpoint: hostileParts((name) => ({ [name]: name })) });
    expectSame('the parts', {
      actual: (await store.load('r'))?.checkpoint,
      expected: hostileParts((name) => ({ [name]: name })),
    });
    for (const [index, name] of hostileText.entries()) {
      await store.commit({
        ...commitOf({ runId: 'r', expectedSeq: 1 + index }),
        checkpoint: Object.fromEntries([[name, index % 2 === 0 ? null : 'new']]),
      });
    }
    const kept = hostileText.filter((_, index) => index % 2 === 1).map((name): [string, string] => [name, 'new']);
    expectSame('the parts that stay', { actual: (await store.load('r'))?.checkpoint, expected: Object.fromEntries(kept) });
  }),
  storeCase('takes a checkpoint without entries, but not for a new run', async (store) => {
    const empty = { ...commitOf({ runId: 'r', expectedSeq: 0 }), entries: [], checkpoint: { a: 1 } };
    await expectRefused(store, { rule: 'a run without an entry', code: 'INVARIANT', commit: empty });
    await createRuns(store, 'r');
    const later = { ...commitOf({ runId: 'r', expectedSeq: 1, count: 0, status: 'executing' }), checkpoint: { a: 2 } };
    await store.commit(later);
    const expected = { summary: later.summary, seq: 1, fence: 0, checkpoint: { a: 2 }, journal: span(1, 1) };
    expectSame('the run', { actual: await store.load('r'), expected });
    await expectRefused(store, {
      rule: 'such a commit that is ahead',
      code: 'STORE_CONFLICT',
      commit: { ...later, expectedSeq: 2 },
    });
  }),
  storeCase('drops compacted entries for good, and goes on counting', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 6 }));
    await createRuns(store, 'other');
    const seen = async (rule: string, from: number, to: number) => {
      const stored = await store.load('r');
      expectSame(`${rule}: load()`, { actual: [stored?.seq, stored?.journal], expected: [to, span(from, to)] });
      expectSame(`${rule}: journal()`, { actual: await store.journal('r'), expected: span(from, to) });
    };
    const next = (expectedSeq: number, compactTo?: number) =>
      store.commit({
        ...commitOf({ runId: 'r', expectedSeq }),
        checkpoint: { at: expectedSeq },
        ...(compactTo !== undefined && { compactTo }),
      });
    await next(6, 4);
    await seen('compaction to 4', 5, 7);
    await next(7);
    await next(8, 2);
    await next(9, 0);
    await seen('compaction to what was dropped before', 5, 10);
    await next(10, 11);
    expectSame('compaction of everything', { actual: (await store.load('r'))?.journal, expected: [] });
    expectSame('the newest seq', { actual: (await store.load('r'))?.seq, expected: 11 });
    expectSame('journal()', { actual: await store.journal('r'), expected: [] });
    await expectRefused(store, { rule: 'a new start', code: 'STORE_CONFLICT', commit: commitOf({ runId: 'r', expectedSeq: 0 }) });
    await next(11);
    await seen('the next entry', 12, 12);
    expectSame('the other run', { actual: await store.journal('other'), expected: span(1, 1) });
  }),
  storeCase('compacts with a checkpoint and no entries', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 5 }));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 5, count: 0 }), checkpoint: { at: 5 }, compactTo: 3 });
    expectSame('what is left', { actual: (await store.load('r'))?.journal, expected: span(4, 5) });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 5, count: 0 }), checkpoint: { at: 5 }, compactTo: 5 });
    expectSame('then', { actual: (await store.load('r'))?.journal, expected: [] });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 5 }));
    expectSame('and then', { actual: (await store.load('r'))?.journal, expected: span(6, 6) });
  }),
  storeCase('refuses to compact beyond the newest entry', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, count: 3 }));
    for (const compactTo of [5, 100, -1, 1.5, NaN]) {
      const commit = { ...commitOf({ runId: 'r', expectedSeq: 3 }), checkpoint: { a: 1 }, compactTo };
      await expectRefused(store, { rule: `compactTo ${compactTo} of 4`, code: 'INVARIANT', commit });
    }
  }),
  storeCase('keeps a part of 10 MB', async (store) => {
    const text = 'päper '.repeat(1_500_000);
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0 }), checkpoint: { small: 1, large: { text } } });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), checkpoint: { small: 2 } });
    const { small, large } = (await store.load('r'))?.checkpoint ?? {};
    if ((large as { text?: unknown } | undefined)?.text !== text) {
      throw new ConformanceError('a part of 10 MB comes back', 'the same text', 'another');
    }
    expectSame('the part beside it', { actual: small, expected: 2 });
  }),
];
