import type { Json } from '../../../src/core/shared/json.js';
import type { RunStore } from '../../../src/core/ports/store.js';
import { entriesOf, summaryOf } from '../../../src/core/testing/store-samples.js';
import { createFileStore } from '../../../src/storage/file.js';

/** How far writers have got with their runs: what was answered, and what was asked for. */
export interface Progress {
  readonly acknowledged: Map<string, number>;
  readonly attempted: Map<string, number>;
}

export const noProgress = (): Progress => ({ acknowledged: new Map(), attempted: new Map() });

/** Long enough that a few commits make a log that is written anew. */
export const bulk = 'bulk '.repeat(50_000);

export const outputOf = (runId: string, seq: number): Json => `${runId} ${seq}`;

/** Writes the next entry of a run, from which everything about the run can be told. Keeps the last three entries. */
export async function writeNext(store: RunStore, runId: string, { acknowledged, attempted }: Progress): Promise<void> {
  const expectedSeq = acknowledged.get(runId) ?? 0;
  const seq = expectedSeq + 1;
  attempted.set(runId, seq);
  await store.commit({
    runId,
    expectedSeq,
    fence: 0,
    entries: entriesOf({ from: seq, output: outputOf(runId, seq) }),
    summary: { ...summaryOf({ runId }), updatedAt: seq },
    checkpoint: { at: seq, bulk: `${seq} ${bulk}`, [`only ${seq}`]: seq, [`only ${expectedSeq}`]: null },
    compactTo: Math.max(0, seq - 3),
  });
  acknowledged.set(runId, seq);
}

export interface ScenarioOptions {
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** Hears of what fails; the scenario goes on. */
  readonly note?: (error: unknown) => void;
}

/** Opens a store, writes runs side by side until the log is written anew, and closes it; twice. */
export async function playScenario(
  directory: string,
  progress: Progress,
  { synchronous = 'FULL', note = () => undefined }: ScenarioOptions = {},
): Promise<void> {
  for (let opened = 0; opened < 2; opened += 1) {
    const store = createFileStore({ directory, synchronous });
    const writers = ['a', 'b'].map(async (runId) => {
      for (let count = 0; count < 6; count += 1) await writeNext(store, runId, progress).catch(note);
    });
    await Promise.all(writers);
    await store.close();
  }
}
