import type { Json } from '../shared/json.js';
import type { JournalEntry, RunStatus } from './run.js';

/** What a listing shows of a run. Kept beside the journal by every commit that changes it. */
export interface RunSummary {
  readonly runId: string;
  readonly status: RunStatus;
  readonly goal: string;
  readonly revision: number;
  readonly parentTicket: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One atomic write: all of it is stored, or nothing is. */
export interface Commit {
  readonly runId: string;
  /** `seq` of the newest entry the writer knows; 0 for a new run. */
  readonly expectedSeq: number;
  /** Grows each time a run changes hands; a commit under an older one is refused. 0 where no lease is held. */
  readonly fence: number;
  /** At least one, with `seq` from `expectedSeq + 1` on without a hole. */
  readonly entries: readonly JournalEntry[];
  readonly summary: RunSummary;
  /** State up to the last entry, so that a resume need not replay what lies before. */
  readonly checkpoint?: Json;
}

/** A run as it is stored. `journal` holds what came after the checkpoint was taken, or all of it. */
export interface StoredRun {
  readonly summary: RunSummary;
  readonly seq: number;
  readonly checkpoint?: Json;
  readonly journal: readonly JournalEntry[];
}

export interface RunFilter {
  readonly status?: readonly RunStatus[];
  readonly parentTicket?: string;
  /** Runs whose id sorts after this one: the `cursor` of the page before. */
  readonly after?: string;
  /** Default: 100. */
  readonly limit?: number;
}
export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Give it as `after` for the next page; absent on the last. */
  readonly cursor?: string;
}

/**
 * Keeps runs. `commit` is the only write and is durable when it resolves, in the sense of the store at hand (the memory store
 * keeps nothing beyond the process). A new store is one file that passes the published `storeConformance`.
 */
export interface RunStore {
  /**
   * @throws StoreConflictError when `expectedSeq` is not the run's newest `seq`, or `fence` is older than the newest it was written
   * under; InvariantError when the entries are not what {@link Commit} says. Nothing is then written.
   */
  commit(commit: Commit): Promise<void>;
  /** `undefined` where there is no such run. */
  load(runId: string): Promise<StoredRun | undefined>;
  /** In the order of run ids, which is the store's own but stays the same from page to page. */
  list(filter?: RunFilter): Promise<RunPage>;
  /** Afterwards every other call rejects with StoreClosedError; to close again does nothing. */
  close(): Promise<void>;
}
