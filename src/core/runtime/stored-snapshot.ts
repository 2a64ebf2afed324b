import type { RunEvent } from '../ports/run-output.js';
import type { StoredError } from '../ports/run.js';
import type { CheckpointParts } from '../ports/store.js';
import type { Json } from '../shared/json.js';
import type { SavedProjection } from '../views/run-view.js';
import type { RunRecord } from './run-record.js';

/** What a snapshot holds besides the plan, the kernel's parts and the outputs. */
export interface RunSnapshot {
  readonly formatVersion: 1;
  readonly record: RunRecord;
  readonly approvedSteps: readonly string[] | null;
  readonly recovery: { readonly recoveries: number; readonly stepsKept: number };
  readonly starts: readonly (readonly [
    string,
    { readonly attempt: number; readonly startedAt: number; readonly lost: number },
  ])[];
  /** Absent where no step is to be tried again. */
  readonly failures?: readonly (readonly [string, StoredError])[];
  readonly effects: readonly (readonly [string, readonly (readonly [string, Json])[]])[];
  readonly view: SavedProjection;
  /** The last events, for readers whose cursor is not far behind. */
  readonly events: readonly RunEvent[];
}

/** A snapshot as it was stored. */
export interface StoredSnapshot {
  readonly snapshot: RunSnapshot;
  readonly kernelParts: CheckpointParts;
  readonly outputs: ReadonlyMap<string, Json>;
}
