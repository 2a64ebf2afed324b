import type { RunStore, StoredRun } from 'planwright';
import { expect } from 'vitest';

import { entriesOf, summaryOf } from '../../../src/core/testing/store-samples.js';
import { bulk, outputOf, type Progress } from './file-scenario.js';

/** What a store holds must be what was answered, or in part also what was asked for; each run whole. */
export async function expectProgress(store: RunStore, { acknowledged, attempted }: Progress): Promise<void> {
  const known = await store.list({ limit: 1_000 });
  for (const { runId } of known.runs) expect(attempted.has(runId)).toBe(true);
  for (const [runId, atMost] of attempted) {
    const atLeast = acknowledged.get(runId) ?? 0;
    const run = await store.load(runId);
    expect(run?.seq ?? 0).toBeGreaterThanOrEqual(atLeast);
    expect(run?.seq ?? 0).toBeLessThanOrEqual(atMost);
    if (run) expectWhole(runId, run);
  }
}

function expectWhole(runId: string, { seq, summary, checkpoint, journal }: StoredRun): void {
  expect(summary).toEqual({ ...summaryOf({ runId }), updatedAt: seq });
  expect(checkpoint).toEqual({ at: seq, bulk: `${seq} ${bulk}`, [`only ${seq}`]: seq });
  const from = Math.max(0, seq - 3) + 1;
  const entries = Array.from({ length: seq - from + 1 }, (_, index) =>
    entriesOf({ from: from + index, output: outputOf(runId, from + index) }),
  );
  expect(journal).toEqual(entries.flat());
}
