import type { Json, JsonObject } from '../shared/json.js';
import type { JournalEntry, RunStatus } from './run.js';

/** What a run has spent out of budgets that it shares with others. Money in micro-dollars; `inexact…`: how much of it is estimated, or unknown. */
export interface SharedSpend {
  readonly costMicroUsd: number;
  /** Input and output together. */
  readonly tokens: number;
  readonly inexactMicroUsd: number;
  readonly inexactTokens: number;
}

/** What a listing shows of a run. Kept beside the journal by every commit that changes it. */
export interface RunSummary {
  readonly runId: string;
  readonly status: RunStatus;
  readonly goal: string;
  readonly revision: number;
  readonly parentTicket: string | null;
  /** What the proposal says the run is for: a sprint, a workstream, … */
  readonly scope: JsonObject;
  /** Who pays for the run; absent for nobody in particular. */
  readonly tenant?: string;
  /** What it has spent out of budgets that runs share; absent where there are none. */
  readonly spent?: SharedSpend;
  readonly createdAt: number;
  readonly updatedAt: number;
  /**
   * Whether a process has something to do for the run: it was approved, and has not ended or has not told everyone so. Such a
   * run is what `recover()` takes up.
   */
  readonly open: boolean;
}

/** Parts of a run's state by name. A commit gives the parts that changed; `null` takes a part away. Any text is a name. */
export type CheckpointParts = Readonly<Record<string, Json>>;

/** One atomic write: all of it is stored, or nothing is. */
export interface Commit {
  readonly runId: string;
  /** `seq` of the newest entry the writer knows; 0 for a new run. */
  readonly expectedSeq: number;
  /** The fence of the writer's claim, see {@link RunStore.claim}; 0 where the run is claimed by nobody. */
  readonly fence: number;
  /** With `seq` from `expectedSeq + 1` on, without a hole. May be empty only where a checkpoint is given, and not for a new run. */
  readonly entries: readonly JournalEntry[];
  /** With the same `runId`. */
  readonly summary: RunSummary;
  /** Parts of the state that changed since the last checkpoint. They are merged into those that are stored. */
  readonly checkpoint?: CheckpointParts;
  /**
   * Entries up to this `seq` are no longer needed and are dropped for good: the checkpoint holds what they led to. May be the newest of this
   * very commit, and not beyond; `seq` goes on from there. 0, and what was dropped before, change nothing.
   */
  readonly compactTo?: number;
}

/** What a commit has cost. */
export interface CommitReceipt {
  /** Bytes written for it, as near as the store can tell; 0 for a store that writes nothing. */
  readonly bytes: number;
}

/** A run as it is stored. */
export interface StoredRun {
  readonly summary: RunSummary;
  /** `seq` of the newest entry. */
  readonly seq: number;
  /** The newest fence that was given out; 0 where the run was never claimed. */
  readonly fence: number;
  /** All parts that are stored; absent where there are none. */
  readonly checkpoint?: CheckpointParts;
  /** Every entry that was not dropped, in order. */
  readonly journal: readonly JournalEntry[];
}

export interface RunFilter {
  readonly status?: readonly RunStatus[];
  readonly parentTicket?: string;
  readonly open?: boolean;
  /** Runs whose id sorts after this one: the `cursor` of the page before. */
  readonly after?: string;
  /** Runs at most, from 1. Default: 100. */
  readonly limit?: number;
}
export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Give it as `after` for the next page; absent on the last. */
  readonly cursor?: string;
}

/** Part of a run's journal. */
export interface JournalRange {
  /** Entries with a higher `seq`. Default: 0. */
  readonly after?: number;
  /** Entries at most, from 1. Default: 1,000. */
  readonly limit?: number;
}

/** Asks to be the one process that drives a run. */
export interface ClaimRequest {
  readonly runId: string;
  /** Who asks: a name that no two processes share. */
  readonly owner: string;
  /** The asker's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** How long the owner holds all that it has claimed, counted from `at`, unless it renews. */
  readonly leaseMs: number;
  /** An owner that is known to have died: its hold does not count, whatever time it has left. */
  readonly insteadOf?: string;
}

export type ClaimAnswer =
  /** The run is the asker's. `fence` is higher than any that was given out for the run before; commits carry it. */
  | { readonly kind: 'claimed'; readonly fence: number; readonly seq: number }
  /** Another owner holds it until then, by its own clock. */
  | { readonly kind: 'held'; readonly owner: string; readonly until: number }
  | { readonly kind: 'unknown-run' };

/**
 * Small values by name that belong to no run, such as where the circuit breakers stand. Whoever writes last has the last word, whichever process it is; no
 * fence guards them, so that nothing may rest on them that must not be lost.
 */
export interface StoreNotes {
  /** `undefined` for a name under which nothing was written. @throws StoreClosedError, StoreUnavailableError, StoreCorruptError, StoreFormatError */
  read(name: string): Promise<Json | undefined>;
  /**
   * Takes the place of what is there under the name, which is any text. Durable when it resolves, as a commit is. Writes of one store under one name take
   * effect in the order in which they are given.
   *
   * @throws StoreClosedError, StoreUnavailableError, StoreCorruptError, StoreFormatError; StoreValueError for what JSON cannot hold. What was there stays then.
   */
  write(name: string, value: Json): Promise<void>;
}

/**
 * Keeps runs. `commit` is the only write to a run and is durable when it resolves, in the sense of the store at hand (the memory
 * store keeps nothing beyond the process). A new store is one file that passes the published `storeConformance`.
 *
 * Several processes may use one store. A run that was claimed is written by the owner of its newest claim only: every other
 * fence is refused, also that of an owner which does not know yet that it has lost its claim. A run that nobody has ever claimed
 * is written under fence 0, and `expectedSeq` lets one of several writers win.
 *
 * An owner has one lease for all that it has claimed, so that to renew costs the same for one run and for a thousand. A lease that
 * has run out loses nothing by itself: it only lets others claim. Safety never rests on clocks, only on fences.
 */
export interface RunStore {
  /**
   * @throws StoreConflictError when `expectedSeq` is not the run's newest `seq`, or `fence` is not its newest fence; InvariantError
   * when the commit is not what {@link Commit} says; StoreValueError for what JSON cannot hold (members that are `undefined` are absent);
   * StoreUnavailableError when the medium fails. Nothing is then written, and other commits are not touched by it.
   *
   * Commits of one run take effect in the order in which they are given, also where the caller does not wait for the one before.
   */
  commit(commit: Commit): Promise<CommitReceipt>;
  /** `undefined` where there is no such run. @throws StoreCorruptError, StoreFormatError, StoreUnavailableError */
  load(runId: string): Promise<StoredRun | undefined>;
  /** Entries of a run in order; none where there is no such run. */
  journal(runId: string, range?: JournalRange): Promise<readonly JournalEntry[]>;
  /** In the order of run ids, which is the store's own but stays the same from page to page. */
  list(filter?: RunFilter): Promise<RunPage>;
  /**
   * Makes the asker the run's owner and raises the run's fence, unless another owner's lease has not run out (`until > at`). An owner that
   * claims what it holds already gets a new fence too.
   */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /**
   * Lengthens the lease of an owner: it then holds all that it has claimed until `at + leaseMs`. Neither this nor a claim shortens a lease.
   * What another owner has claimed since is not given back.
   */
  renew(lease: { readonly owner: string; readonly at: number; readonly leaseMs: number }): Promise<void>;
  /**
   * Gives up what an owner holds, or one run of it, so that others need not wait; what it does not hold is left alone. Fences stay: the
   * newest may still write until the next claim.
   */
  release(hold: { readonly owner: string; readonly runId?: string }): Promise<void>;
  /** Values that belong to no run. Left out: what an orchestrator keeps there lives only as long as its process. */
  readonly notes?: StoreNotes;
  /** Afterwards every other call rejects with StoreClosedError; to close again does nothing. What was being written is settled. */
  close(): Promise<void>;
}
