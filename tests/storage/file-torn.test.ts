import { writeFileSync } from 'node:fs';

import fc from 'fast-check';
import type { RunStore } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { contentOf } from './support/file-acts.js';
import { logOf, useDirectories } from './support/file-directories.js';
import { type History, historyOf, reopen } from './support/file-history.js';
import { lostSectors, withoutSectors } from './support/file-sectors.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
let cutPoints = 0;

type WriteGroup = (store: RunStore) => Promise<unknown>;

const commit =
  (runId: string, { seq = 0, output = 'done' } = {}): WriteGroup =>
  (store) =>
    store.commit({ ...commitOf({ runId, expectedSeq: seq, output }), checkpoint: { at: seq + 1, text: output } });
const commits =
  (prefix: string, count: number): WriteGroup =>
  (store) =>
    Promise.all(Array.from({ length: count }, (_, index) => commit(`${prefix}${index}`)(store)));
const claim: WriteGroup = (store) => store.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 10 });
const renewal: WriteGroup = (store) => store.renew({ owner: 'one', at: 100, leaseMs: 10 });
const release: WriteGroup = (store) => store.release({ owner: 'one' });

const safe = [commit('r'), commits('a', 3), commit('r', { seq: 1, output: 'ä'.repeat(700) })];

/** What the disk may hold any part of when the power fails: groups within a sector, and over many. */
const unsafe: readonly { readonly what: string; readonly writes: readonly WriteGroup[] }[] = [
  { what: 'a claim', writes: [claim] },
  { what: 'a short commit', writes: [commit('new')] },
  { what: 'a long commit', writes: [commit('new', { output: 'long '.repeat(800) })] },
  { what: 'commits of twelve runs', writes: [commits('b', 12)] },
  { what: 'a commit behind a renewal and a release, for which nobody waits', writes: [renewal, release, commit('new')] },
];

/** The store must hold all up to the first byte that is missing, and go on from there. */
async function expectCut({ marks, bytes }: History, left: Buffer): Promise<void> {
  cutPoints += 1;
  const firstMissing = left.findIndex((byte, offset) => byte !== bytes[offset]);
  const intact = firstMissing < 0 ? left.length : firstMissing;
  const expected = marks.findLast(({ end }) => end <= intact);
  expect(await reopen(directories.next(), left)).toEqual({ content: expected?.content, code: undefined });
  directories.clear();
}

afterEach(() => directories.clear());

describe.each(unsafe)('FO-26: a power failure in the midst of $what', ({ writes }) => {
  let history: History;
  let start: number;
  beforeAll(async () => {
    history = await historyOf({ directory: directories.next() }, [...safe, ...writes]);
    start = history.marks[safe.length]!.end;
  });

  it('takes nothing that was acknowledged, wherever the file ends', async () => {
    const { bytes } = history;
    const step = isLong ? 1 : Math.ceil((bytes.length - start) / 40);
    for (let end = start; end < bytes.length; end += step) await expectCut(history, bytes.subarray(0, end));
  });

  it.each([512, 4_096])(
    'takes nothing that was acknowledged, whichever sectors of %d bytes were written',
    async (sectorBytes) => {
      const { bytes } = history;
      for (const lost of lostSectors({ start, end: bytes.length, sectorBytes }, isLong ? 700 : 30)) {
        await expectCut(history, withoutSectors(bytes, lost));
      }
    },
  );

  it('takes nothing that was acknowledged, whichever sectors were written of a file that ends anywhere', async () => {
    const { bytes } = history;
    const ends = fc.integer({ min: start, max: bytes.length - 1 });
    const sectors = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(ends, sectors, async (end, isLost) => {
        const all = [...lostSectors({ start, end, sectorBytes: 512 }, 1)][0] ?? [];
        const lost = all.filter((_, index) => isLost[index % isLost.length]);
        await expectCut(history, withoutSectors(bytes.subarray(0, end), lost));
      }),
      { numRuns: isLong ? 500 : 20 },
    );
  });
});

it('FO-26: after a torn tail the store is written, closed and opened as before', async () => {
  const { bytes, marks } = await historyOf({ directory: directories.next() }, [...safe, commit('new')]);
  const directory = directories.next();
  await reopen(directory, bytes.subarray(0, marks[safe.length]!.end + 20));
  for (let seq = 0; seq < 3; seq += 1) {
    const store = createFileStore({ directory });
    await commit('new', { seq })(store);
    await store.close();
  }
  const store = createFileStore({ directory });
  expect([(await store.load('new'))?.seq, (await store.load('r'))?.seq]).toEqual([3, 2]);
  await store.close();
});

it('FO-26: a torn tail is cut off also where the store was closed in good order', async () => {
  const directory = directories.next();
  const { bytes, marks } = await historyOf({ directory }, [...safe, commit('new', { output: 'long '.repeat(300) })]);
  const log = logOf(directory);
  for (const torn of [
    bytes.subarray(0, bytes.length - 100),
    withoutSectors(bytes, [{ from: bytes.length - 700, to: bytes.length - 100 }]),
  ]) {
    writeFileSync(log, torn);
    const copy = directories.copyOf(directory);
    for (let seq = 0; seq < 2; seq += 1) {
      const store = createFileStore({ directory: copy });
      if (seq === 0) expect(await contentOf(store)).toEqual(marks[safe.length]?.content);
      await commit('new', { seq })(store);
      await store.close();
    }
  }
});

it('FO-26: a power failure takes only the newest commits of a store that does not wait for the disk, and none from among them', async () => {
  const writes = [...safe, claim, commits('b', 4), renewal, commit('new', { output: 'long '.repeat(300) })];
  const history = await historyOf({ directory: directories.next(), synchronous: 'NORMAL' }, writes);
  const { bytes, marks } = history;
  const start = marks[0]!.end;
  for (const lost of lostSectors({ start, end: bytes.length, sectorBytes: 512 }, isLong ? 3_000 : 100)) {
    await expectCut(history, withoutSectors(bytes, lost));
  }
});

it('has cut at enough points', () => {
  expect(cutPoints).toBeGreaterThan(isLong ? 10_000 : 400);
});
