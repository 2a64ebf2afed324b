import type { Commit, JournalEntry, RunStore } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import type { CrashMedium } from 'planwright/testing';

/** A disk that says that it has written, and writes with the next commit. What it holds back is gone with the process. */
export function createHastyMedium(): CrashMedium {
  const disk = createMemoryStore();
  return {
    open() {
      let late: Commit | undefined;
      const catchUp = async (): Promise<void> => {
        const commit = late;
        late = undefined;
        if (commit) await disk.commit(commit);
      };
      return {
        ...disk,
        async commit(commit) {
          await catchUp();
          late = commit;
          return { bytes: 0 };
        },
        claim: (request) => catchUp().then(() => disk.claim(request)),
        load: (runId) => catchUp().then(() => disk.load(runId)),
        journal: (runId, range) => catchUp().then(() => disk.journal(runId, range)),
        list: (filter) => catchUp().then(() => disk.list(filter)),
        close: () => Promise.resolve(),
      };
    },
  };
}

/** A store that, when a run is loaded, no longer knows of entries like these. Nothing but the journal tells of them. */
export function createForgetfulStore(isForgotten: (entry: JournalEntry) => boolean): RunStore {
  const inner = createMemoryStore();
  const forget = (journal: readonly JournalEntry[]): readonly JournalEntry[] =>
    // There is no hole, but something that changes nothing.
    journal.map((entry) => (isForgotten(entry) ? { seq: entry.seq, at: entry.at, type: 'run.let-go' } : entry));
  return {
    ...inner,
    async commit({ checkpoint, compactTo: _, ...commit }) {
      const isFirst = commit.expectedSeq === 0;
      if (!isFirst && commit.entries.length === 0) return { bytes: 0 };
      return inner.commit({ ...commit, ...(isFirst && checkpoint && { checkpoint }) });
    },
    async load(runId) {
      const stored = await inner.load(runId);
      return stored && { ...stored, journal: forget(stored.journal) };
    },
  };
}
