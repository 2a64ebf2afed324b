import type { Clock } from '../ports/clock.js';
import type { JournalEntry, RunInput, RunRecordInput } from '../ports/run.js';
import type { CheckpointParts, RunStore, RunSummary } from '../ports/store.js';

/** An entry before it has its place. */
export type EntryBody = RunInput | RunRecordInput;

/** What it has cost so far to keep a run. */
export interface DurabilityFigures {
  readonly commits: number;
  readonly entries: number;
  /** As the store counts them; 0 for one that writes nothing. */
  readonly bytes: number;
  /** Commits that carried a checkpoint. */
  readonly checkpoints: number;
  /** Time in which a commit was on its way, in milliseconds. */
  readonly commitMs: number;
}

/** Writes one run's journal in order: what is added while a commit is on its way goes into the next, in one write. */
export interface RunJournal {
  /** `seq` of the newest entry, written or not. */
  readonly seq: number;
  /** When the newest entry was written. */
  readonly writtenAt: number;
  readonly figures: DurabilityFigures;
  /** The claim under which everything from now on is written. */
  useFence(fence: number): void;
  /** Another process has written this entry. */
  skipTo(entry: JournalEntry): void;
  /** Takes an entry for the next commit and gives its `seq`. */
  add(entry: EntryBody): number;
  /** Takes parts of a checkpoint for the next commit. `compact`: the entries so far are not needed any more. */
  addCheckpoint(parts: CheckpointParts, options?: { readonly compact?: boolean }): void;
  /** Resolves when everything added so far is durable. Rejects when that cannot be. */
  flush(): Promise<void>;
}

export interface RunJournalOptions {
  readonly runId: string;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly seq: number;
  readonly fence: number;
  readonly writtenAt: number;
  /** What a listing shows of the run at this moment. */
  readonly summary: () => Omit<RunSummary, 'updatedAt'>;
}

export function createRunJournal(options: RunJournalOptions): RunJournal {
  const { runId, store, clock, summary } = options;
  let { seq, fence, writtenAt } = options;
  let written = seq;
  let pending: JournalEntry[] = [];
  let checkpoint: CheckpointParts | undefined;
  let compactTo: number | undefined;
  let writing: Promise<void> | undefined;
  const figures = { commits: 0, entries: 0, bytes: 0, checkpoints: 0, commitMs: 0 };

  const write = async (): Promise<void> => {
    while (pending.length > 0 || checkpoint) {
      const entries = pending;
      const commit = {
        runId,
        expectedSeq: written,
        fence,
        entries,
        summary: { ...summary(), updatedAt: clock.now() },
        ...(checkpoint && { checkpoint }),
        ...(compactTo !== undefined && { compactTo }),
      };
      figures.checkpoints += checkpoint ? 1 : 0;
      pending = [];
      checkpoint = compactTo = undefined;
      const startedAt = clock.now();
      const { bytes } = await store.commit(commit);
      written += entries.length;
      writtenAt = clock.now();
      figures.commits += 1;
      figures.entries += entries.length;
      figures.bytes += bytes;
      figures.commitMs += clock.now() - startedAt;
    }
  };

  return {
    get seq() {
      return seq;
    },
    get figures() {
      return { ...figures };
    },
    get writtenAt() {
      return writtenAt;
    },
    skipTo(entry) {
      seq = written = entry.seq;
      writtenAt = entry.at;
    },
    useFence: (next) => void (fence = next),
    add(entry) {
      seq += 1;
      pending.push({ seq, ...entry });
      return seq;
    },
    addCheckpoint(parts, { compact = false } = {}) {
      checkpoint = { ...checkpoint, ...parts };
      if (compact) compactTo = seq;
    },
    flush() {
      // What is added in one go is written in one go. A commit that failed leaves a hole that nothing may be written behind: the failure stays.
      writing = (writing ?? Promise.resolve()).then(write);
      return writing;
    },
  };
}
