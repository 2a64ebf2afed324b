import type { RunSummary } from '../../core/ports/store.js';
import type { Json } from '../../core/shared/json.js';

/**
 * A line of a log. Each says how something is, not how it changed, so that a line read twice does no harm: a log that is
 * rewritten while others write to it relies on that.
 */
export type LogRecord = CommitRecord | ClaimRecord | RenewRecord | ReleaseRecord | NoteRecord;

/** Followed by a line with its entries, as a list, and one with each of its parts. */
export interface CommitRecord {
  readonly commit: string;
  readonly seq: number;
  /** Members of the summary that are others than before. */
  readonly summary?: Partial<RunSummary>;
  /** Names of members that are gone. */
  readonly without?: readonly string[];
  /** Entries up to here are dropped. */
  readonly drop?: number;
  /** `seq` of the first entry, how many there are, and the bytes of the line. */
  readonly entries?: readonly [number, number, number];
  /** Name and bytes of each; one without bytes is taken away. */
  readonly parts?: readonly (readonly [string, number?])[];
}

/** Who owns a run, under which fence. */
export interface ClaimRecord {
  readonly claim: string;
  readonly fence: number;
  readonly owner?: string;
}

/** When the lease of an owner ends. */
export interface RenewRecord {
  readonly renew: string;
  readonly until: number;
}

/** An owner holds nothing any more, or a run not any more. */
export interface ReleaseRecord {
  readonly release: string;
  readonly run?: string;
}

/** A value that belongs to no run; it is small, and stands in the record. Versions that know no notes pass over it. */
export interface NoteRecord {
  readonly note: string;
  readonly value: Json;
}

/** Where a text lies, and what it must look like when it is read. */
export interface Place {
  readonly offset: number;
  readonly bytes: number;
  readonly checksum: number;
}
