import type { RunEvent } from '../ports/run-output.js';
import { createCompaction } from './compact-run.js';
import { createLiveView, type LiveView } from './live-view.js';
import { createMemoryRelief } from './relieve-memory.js';
import type { RunJournal } from './run-journal.js';
import type { StoredSnapshot } from './stored-snapshot.js';
import type { RunState } from './run-state.js';

/** The view of a run, and what keeps its memory and its journal within their limits. */
export interface RunUpkeep {
  readonly view: LiveView;
  /** To be called after each input that was taken. `untold`: the events that follow from what is being written. */
  afterInput(untold: () => readonly RunEvent[]): void;
  /** Entries were taken that another process has written. */
  afterReading(): void;
  /** The run has ended. */
  end(): void;
}

export interface RunUpkeepOptions {
  readonly state: RunState;
  readonly journal: RunJournal;
  readonly memoryLimitBytes: number;
  readonly journalLimit: number;
  /** What the run was restored from, where its journal is not whole. */
  readonly snapshot: StoredSnapshot | undefined;
  /** `seq` up to which the journal was dropped. */
  readonly compactedTo: number;
}

export function createRunUpkeep(options: RunUpkeepOptions): RunUpkeep {
  const { state, journal, memoryLimitBytes, journalLimit, snapshot, compactedTo } = options;
  const start = snapshot && { saved: snapshot.snapshot.view, outputs: snapshot.outputs };
  const view = createLiveView(state.log, () => state.firstPlan, start);
  const memory = createMemoryRelief({ state, view, limitBytes: memoryLimitBytes });
  const stored = snapshot?.outputs.keys() ?? [];
  const compaction = createCompaction({ state, view, journal, limit: journalLimit, stored, compactedTo });
  return {
    view,
    afterInput(untold) {
      compaction.check(untold);
      memory.check();
    },
    afterReading: () => memory.check(),
    end: () => memory.end(),
  };
}
