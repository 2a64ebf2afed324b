import type { Clock } from '../ports/clock.js';
import type { JournalEntry, RunInput, RunRecordInput } from '../ports/run.js';
import type { RunStore, RunSummary } from '../ports/store.js';

/** An entry before it has its place. */
export type EntryBody = RunInput | RunRecordInput;

/** Writes one run's journal in order: what is added while a commit is on its way goes into the next, in one write. */
export interface RunJournal {
  /** `seq` of the newest entry, written or not. */
  readonly seq: number;
  /** Takes an entry for the next commit and gives its `seq`. */
  add(entry: EntryBody): number;
  /** Resolves when everything added so far is durable. Rejects when that cannot be. */
  flush(): Promise<void>;
}

export interface RunJournalOptions {
  readonly runId: string;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly seq: number;
  /** What a listing shows of the run at this moment. */
  readonly summary: () => Omit<RunSummary, 'updatedAt'>;
}

export function createRunJournal({ runId, store, clock, summary, seq: start }: RunJournalOptions): RunJournal {
  let seq = start;
  let written = start;
  let pending: JournalEntry[] = [];
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (pending.length > 0) {
      const entries = pending;
      pending = [];
      await store.commit({ runId, expectedSeq: written, fence: 0, entries, summary: { ...summary(), updatedAt: clock.now() } });
      written += entries.length;
    }
  };

  return {
    get seq() {
      return seq;
    },
    add(entry) {
      seq += 1;
      pending.push({ seq, ...entry });
      return seq;
    },
    flush() {
      // A commit that failed leaves a hole that nothing may be written behind: the failure stays.
      writing = writing ? writing.then(write) : write();
      return writing;
    },
  };
}
