import { readdirSync } from 'node:fs';

import fc from 'fast-check';
import type { Commit, RunStore } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { createMemoryStore } from 'planwright/storage/memory';
import { afterEach, expect, it, vi } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { contentOf } from './support/file-acts.js';
import { useDirectories } from './support/file-directories.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });
afterEach(() => directories.clear());

/** So many runs of such a size that other writes have their turn many times while they are written anew. */
const runCount = 30;
const text = 'x'.repeat(40_000);

interface Step {
  readonly run: number;
  readonly part: string;
  readonly isShort: boolean;
  readonly kept: number | undefined;
  readonly isClaim: boolean;
}
const step: fc.Arbitrary<Step> = fc.record({
  run: fc.nat({ max: runCount - 1 }),
  part: fc.constantFrom('p', 'q', 'r'),
  isShort: fc.boolean(),
  kept: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
  isClaim: fc.boolean(),
});

async function carryOut(store: RunStore, { run, part, isShort, kept, isClaim }: Step): Promise<void> {
  const runId = `run ${run}`;
  const { seq = 0, fence = 0 } = (await store.load(runId)) ?? {};
  if (isClaim && seq > 0) {
    await store.claim({ runId, owner: part, at: seq, leaseMs: 1 });
    if (isShort) await store.release({ owner: part });
    return;
  }
  const commit: Commit = {
    ...commitOf({ runId, expectedSeq: seq, output: isShort ? seq : text }),
    fence,
    checkpoint: { [part]: isShort ? null : `${seq} ${text}`, at: seq },
    ...(kept !== undefined && { compactTo: Math.max(0, seq + 1 - kept) }),
  };
  await store.commit(commit);
}

/** Several writers at once, each going on when it was answered. Two never write one run at the same time. */
async function writeAll(store: RunStore, steps: readonly Step[]): Promise<void> {
  const writers = Array.from({ length: 5 }, async (_, writer) => {
    for (const step of steps) if (step.run % 5 === writer) await carryOut(store, step);
  });
  await Promise.all(writers);
}

it('HB-64: answers as before while its log is written anew, and holds the same after', async () => {
  let rewritings = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 150, maxLength: 400, size: 'max' }), async (steps) => {
      const directory = directories.next();
      const [expected, store] = [createMemoryStore(), createFileStore({ directory })];
      // Owners and leases are told apart by their order, which several writers would leave to chance.
      const ordered = steps.map((step) => ({ ...step, isClaim: step.isClaim && step.run % 5 === 0 }));
      for (const target of [expected, store]) await writeAll(target, ordered);
      expect(await contentOf(store)).toEqual(await contentOf(expected));
      const crashed = createFileStore({ directory: directories.copyOf(directory) });
      expect(await contentOf(crashed)).toEqual(await contentOf(expected));
      await Promise.all([crashed.close(), store.close()]);
      rewritings += Number(/-(\d+)\.log/.exec(readdirSync(directory).join())?.[1]) - 1;
      const again = createFileStore({ directory });
      expect(await contentOf(again)).toEqual(await contentOf(expected));
      for (let run = 0; run < runCount; run += 1) {
        const claim = { runId: `run ${run}`, owner: 'p', at: 3, leaseMs: 1 };
        expect(await again.claim(claim)).toEqual(await expected.claim(claim));
      }
      await again.close();
      directories.clear();
    }),
    // What fails is not shrunk: that would take hours.
    { numRuns: isLong ? 300 : 12, endOnFailure: true },
  );
  expect(rewritings).toBeGreaterThan(12);
});
