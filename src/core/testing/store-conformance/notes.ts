import { type ConformanceCase, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf, hostileText } from '../store-samples.js';
import { type Open, type StoreMedium, mediumCase, using } from './medium.js';
import { storeCase } from './store-case.js';
import type { Json } from '../../shared/json.js';
import type { RunStore, StoreNotes } from '../../ports/store.js';

/** A store need not keep notes; of one that does not, these cases ask nothing. */
const noteCase = (name: string, check: (notes: StoreNotes, store: RunStore) => Promise<void>): ConformanceCase<RunStore> =>
  storeCase(`${name}, where it has notes`, async (store) => {
    if (store.notes) await check(store.notes, store);
  });

const values: readonly Json[] = [null, false, 0, -1.5, '', 'päper 🧭', [], {}, { a: [{ b: null }] }, 'x'.repeat(20_000)];

async function expectNote(notes: StoreNotes, name: string, expected: Json | undefined): Promise<void> {
  expectSame(`the note ${JSON.stringify(name)}`, { actual: await notes.read(name), expected });
}

/** Values that belong to no run. */
export const notes: readonly ConformanceCase<RunStore>[] = [
  noteCase('has nothing under a name that nothing was written under', async (kept, store) => {
    for (const name of hostileText) await expectNote(kept, name, undefined);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await expectNote(kept, 'r', undefined);
  }),
  noteCase('gives any JSON as it was written, the last that was written under the name', async (kept) => {
    for (const value of values) {
      await kept.write('n', value);
      await expectNote(kept, 'n', value);
    }
  }),
  noteCase('tells notes apart, whatever they are called', async (kept) => {
    for (const [index, name] of hostileText.entries()) await kept.write(name, index);
    for (const [index, name] of hostileText.entries()) await expectNote(kept, name, index);
  }),
  noteCase('keeps the last of several that were given at once', async (kept) => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => kept.write('n', index)));
    await expectNote(kept, 'n', 19);
  }),
  noteCase('refuses what JSON cannot hold and keeps what was there', async (kept) => {
    await kept.write('n', 1);
    for (const value of [NaN, undefined, 1n, [undefined], { at: new Date(0) }]) {
      await expectRejection('a note', { code: 'STORE_VALUE', from: kept.write('n', value as unknown as Json) });
    }
    await expectNote(kept, 'n', 1);
  }),
  noteCase('shares nothing with what was given, nor with what was read', async (kept) => {
    const given = { list: [1] };
    const writing = kept.write('n', given);
    given.list.push(2);
    await writing;
    const read = (await kept.read('n')) as { readonly list: number[] };
    read.list.push(3);
    await expectNote(kept, 'n', { list: [1] });
  }),
  noteCase('leaves runs alone, and is left alone by them', async (kept, store) => {
    await store.commit({ ...commitOf({ runId: 'n', expectedSeq: 0 }), checkpoint: { n: 1 } });
    const before = await store.load('n');
    await kept.write('n', { note: true });
    expectSame('the run', { actual: await store.load('n'), expected: before });
    await store.commit({ ...commitOf({ runId: 'n', expectedSeq: 1 }), checkpoint: { n: null }, compactTo: 2 });
    await expectNote(kept, 'n', { note: true });
    expectSame('the listing', { actual: (await store.list()).runs.map(({ runId }) => runId), expected: ['n'] });
  }),
  noteCase('answers after close() with StoreClosedError', async (kept, store) => {
    await store.close();
    await expectRejection('read()', { code: 'STORE_CLOSED', from: kept.read('n') });
    await expectRejection('write()', { code: 'STORE_CLOSED', from: kept.write('n', 1) });
  }),
];

const notesOn = (name: string, check: (open: Open) => Promise<void>): ConformanceCase<StoreMedium> =>
  mediumCase(`${name}, where it has notes`, async (open) => {
    const hasNotes = await using(open, async (store) => store.notes !== undefined);
    if (hasNotes) await check(open);
  });

/** Notes that outlive their store. */
export const keptNotes: readonly ConformanceCase<StoreMedium>[] = [
  notesOn('finds every note that another store has left, beside its runs', async (open) => {
    await using(open, async (store) => {
      await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
      for (const name of hostileText) await store.notes?.write(name, 'before');
      for (const name of hostileText) await store.notes?.write(name, { name });
    });
    for (let opening = 0; opening < 2; opening += 1) {
      await using(open, async (store) => {
        for (const name of hostileText) await expectNote(store.notes!, name, { name });
        expectSame('the run', { actual: (await store.load('r'))?.seq, expected: 1 });
      });
    }
  }),
];

/** Notes of a store that was lost with its process, as far as that can be shown within one. */
export const unclosedNotes: readonly ConformanceCase<StoreMedium>[] = [
  notesOn('finds the notes of a store that was never closed', async (open) => {
    const lost = await open();
    await lost.notes?.write('n', { until: 30 });
    await expectNote((await open()).notes!, 'n', { until: 30 });
  }),
];
