import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { RunStore } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { afterEach, expect, it, vi } from 'vitest';

import { commitOf, entriesOf } from '../../src/core/testing/store-samples.js';
import { useDirectories } from './support/file-directories.js';

const directories = useDirectories({ isVolatile: true });
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
afterEach(() => directories.clear());

const sizeOf = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

/** Commits one entry after the other and keeps the last `kept`; parts go round. Gives the bytes that were written. */
async function writeRound(
  store: RunStore,
  { runId, from, to, kept, output }: { runId: string; from: number; to: number; kept: number; output: string },
): Promise<number> {
  let written = 0;
  for (let seq = from; seq <= to; seq += 1) {
    const { bytes } = await store.commit({
      ...commitOf({ runId, expectedSeq: seq - 1, output }),
      checkpoint: { [`part ${seq % 20}`]: output, at: seq },
      compactTo: Math.max(0, seq - kept),
    });
    written += bytes;
  }
  return written;
}

it('HB-64: stores no more than twice what is still needed, and a megabyte, over 10,000 commits', async () => {
  const directory = directories.next();
  const store = createFileStore({ directory });
  const output = 'x'.repeat(500);
  let written = 0;
  let largest = 0;
  for (let from = 1; from <= 10_000; from += 100) {
    written += await writeRound(store, { runId: 'r', from, to: from + 99, kept: 10, output });
    largest = Math.max(largest, sizeOf(directory));
  }
  // 20 parts and 10 entries of a little over 500 bytes.
  const needed = 30 * 700;
  expect(written).toBeGreaterThan(10_000_000);
  expect(largest).toBeLessThan(2 * needed + 1.2 * 2 ** 20);
  const run = await store.load('r');
  expect(run?.journal).toEqual(entriesOf({ from: 9_991, count: 10, output }));
  expect(run?.checkpoint).toEqual({
    at: 10_000,
    ...Object.fromEntries(Array.from({ length: 20 }, (_, part) => [`part ${part}`, output])),
  });
  await store.close();
});

it('HB-64: drops what is no longer needed of one run among many, whose own share stays what it was', async () => {
  const directory = directories.next();
  const store = createFileStore({ directory });
  const output = 'x'.repeat(2_000);
  await Promise.all(
    Array.from({ length: 500 }, (_, index) => store.commit(commitOf({ runId: `idle ${index}`, expectedSeq: 0, output }))),
  );
  await writeRound(store, { runId: 'busy', from: 1, to: 3_000, kept: 0, output });
  // 500 runs of 2,500 bytes, 20 parts.
  expect(sizeOf(directory)).toBeLessThan(2 * 1.4e6 + 1.2 * 2 ** 20);
  for (const index of [0, 250, 499]) expect((await store.load(`idle ${index}`))?.seq).toBe(1);
  await store.close();
  const again = createFileStore({ directory });
  expect((await again.list({ limit: 1_000 })).runs.length).toBe(501);
  expect((await again.load('busy'))?.journal).toEqual([]);
  await again.close();
});

it('HB-11: counts for each commit what it has written', async () => {
  const directory = directories.next();
  const store = createFileStore({ directory });
  await store.list();
  const empty = sizeOf(directory);
  const { bytes } = await store.commit(commitOf({ runId: 'r', expectedSeq: 0, output: 'ä'.repeat(1_000) }));
  expect(bytes).toBeGreaterThan(2_000);
  // The head of the group and what fills it up are nobody's.
  expect(sizeOf(directory) - empty - bytes).toBeLessThan(64);
  expect(sizeOf(directory) - empty - bytes).toBeGreaterThanOrEqual(48);
  await store.close();
});
