import { StoreConflictError, type RunStore } from 'planwright';
import { expect } from 'vitest';

import { commitOf } from '../../../src/core/testing/store-samples.js';

/** A writer that goes on until it is told to stop, and what it was told of its commits. */
export interface Writer {
  readonly runId: string;
  /** What each commit brought that was acknowledged, in order. */
  readonly acknowledged: string[];
  /** Errors, of which there should be none. */
  readonly errors: unknown[];
  stop(): void;
  /** Resolves when it has stopped. */
  readonly done: Promise<void>;
}

/** Commits entry after entry to a run of its own. */
export function startWriter(store: RunStore, runId: string): Writer {
  const acknowledged: string[] = [];
  const errors: unknown[] = [];
  let isStopped = false;
  const write = async (): Promise<void> => {
    for (let seq = 0; !isStopped && errors.length < 3; seq += 1) {
      const output = `${runId} ${seq + 1}`;
      try {
        await store.commit({ ...commitOf({ runId, expectedSeq: seq, output }), checkpoint: { at: seq + 1 } });
        acknowledged.push(output);
      } catch (error) {
        errors.push(error);
        // A conflict on a run that nobody else writes means that a commit was told to have failed which is stored.
        if (error instanceof StoreConflictError) return;
        seq -= 1;
      }
    }
  };
  return { runId, acknowledged, errors, stop: () => void (isStopped = true), done: write() };
}

/** Stops writers, and holds what is stored to what they were told: every commit once, in order, and no error. */
export async function expectTruth(store: RunStore, writers: readonly Writer[]): Promise<void> {
  for (const writer of writers) writer.stop();
  await Promise.all(writers.map(({ done }) => done));
  for (const { runId, acknowledged, errors } of writers) {
    expect(errors).toEqual([]);
    const run = await store.load(runId);
    expect(run?.journal.map((entry) => entry.type === 'step.succeeded' && entry.output)).toEqual(acknowledged);
    expect(run?.checkpoint).toEqual({ at: acknowledged.length });
  }
}

/** Resolves when the writers have been told of so many more commits in all. */
export async function progressOf(writers: readonly Writer[], commits: number): Promise<void> {
  const total = (): number => writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  const goal = total() + commits;
  while (total() < goal) {
    if (writers.every(({ errors }) => errors.length > 0))
      throw new Error('All writers have failed.', { cause: writers[0]?.errors[0] });
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}
