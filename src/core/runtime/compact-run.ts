import type { RunEvent } from '../ports/run-output.js';
import type { Json } from '../shared/json.js';
import type { LiveView } from './live-view.js';
import type { RunJournal } from './run-journal.js';
import { takeSnapshot } from './run-snapshot.js';
import type { RunState } from './run-state.js';
import { storedOutputs } from './stored-events.js';

/** Keeps what is stored of a run within bounds. */
export interface Compaction {
  /** To be called after each input. Where the journal has grown too long, the next commit puts a snapshot in its place. */
  check(untold: () => readonly RunEvent[]): void;
}

export interface CompactionOptions {
  readonly state: RunState;
  readonly view: LiveView;
  readonly journal: RunJournal;
  /** Entries that are kept, at least. */
  readonly limit: number;
  /** Steps whose output is in the snapshot that the run was restored from. */
  readonly stored: Iterable<string>;
  /** `seq` up to which the journal was dropped. */
  readonly compactedTo: number;
}

/**
 * Drops a journal that has grown past its limit and stores what it led to instead. A journal of an ordinary run never gets there: it has a
 * few entries a step. What is written for a snapshot is no more than what the dropped entries held.
 */
export function createCompaction({ state, view, journal, limit, stored, compactedTo: start }: CompactionOptions): Compaction {
  const kept = new Set(stored);
  let compactedTo = start;
  let fetching = false;

  /** Outputs that have left memory are looked up before the journal that holds them goes. */
  const missing = (): string[] => {
    const { kernel, outputs } = state;
    if (!kernel) return [];
    const settled = kernel.statuses().filter(({ status }) => status === 'succeeded' || status === 'compensated');
    return settled.map(({ id }) => id).filter((id) => !outputs.has(id) && !kept.has(id));
  };

  const compact = (untold: readonly RunEvent[], fetched: ReadonlyMap<string, Json>): void => {
    journal.addCheckpoint(takeSnapshot({ state, view: view.save(), untold, fetched, stored: kept }), { compact: true });
    for (const stepId of [...state.outputs.keys(), ...fetched.keys()]) kept.add(stepId);
    compactedTo = journal.seq;
  };

  const fetchThenCompact = async (untold: () => readonly RunEvent[]): Promise<void> => {
    try {
      const fetched = await storedOutputs(state.log, new Set(missing()));
      // Time has passed: what has left memory meanwhile is looked up the next time.
      if (missing().every((stepId) => fetched.has(stepId))) compact(untold(), fetched);
    } catch {
      // A store that cannot be read now is asked again after the next input; the journal stays as it is.
    } finally {
      fetching = false;
    }
  };

  return {
    check(untold) {
      if (fetching || journal.seq - compactedTo < Math.max(limit, 4 * state.plan.steps.length)) return;
      if (missing().length === 0) compact(untold(), new Map());
      else {
        fetching = true;
        void fetchThenCompact(untold);
      }
    },
  };
}
