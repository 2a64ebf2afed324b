import type { RunEvent } from '../ports/run.js';
import type { CheckpointParts } from '../ports/store.js';
import type { Json } from '../shared/json.js';
import { StoreFormatError } from '../shared/store-error.js';
import type { SavedProjection } from '../views/run-view.js';
import type { RunRecord } from './run-record.js';
import type { RunState } from './run-state.js';

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
  readonly effects: readonly (readonly [string, readonly (readonly [string, Json])[]])[];
  readonly view: SavedProjection;
  /** The last events, for readers whose cursor is not far behind. */
  readonly events: readonly RunEvent[];
}

/** Events that are kept where the journal they followed from is dropped. */
const keptEvents = 1_000;

const outputPrefix = 'output/';
const kernelPrefix = 'kernel/';

export interface SnapshotSource {
  readonly state: RunState;
  readonly view: SavedProjection;
  /** Events that are not told yet, because what they follow from is being written. */
  readonly untold: readonly RunEvent[];
  /** Outputs that are not in memory and not in a snapshot either. */
  readonly fetched: ReadonlyMap<string, Json>;
  /** Steps whose output is in an earlier snapshot. */
  readonly stored: ReadonlySet<string>;
}

/** The parts that stand for a run's journal so far, as far as they have changed since the last snapshot. */
export function takeSnapshot({ state, view, untold, fetched, stored }: SnapshotSource): CheckpointParts {
  const { record, approvedSteps, recovery, starts, effects, log, outputs, kernel } = state;
  const snapshot: RunSnapshot = {
    formatVersion: 1,
    record,
    approvedSteps,
    recovery,
    starts: [...starts],
    effects: Array.from(effects, ([stepId, results]) => [stepId, [...results]]),
    view,
    events: [...log.since(log.seq - keptEvents), ...untold],
  };
  const parts: [string, Json][] = [['run', snapshot as unknown as Json]];
  for (const [stepId, output] of [...outputs, ...fetched]) {
    if (!stored.has(stepId)) parts.push([`${outputPrefix}${stepId}`, [output]]);
  }
  for (const [name, part] of Object.entries(kernel?.takeChanges() ?? {})) parts.push([`${kernelPrefix}${name}`, part]);
  return Object.fromEntries(parts);
}

/** A snapshot as it was stored. */
export interface StoredSnapshot {
  readonly snapshot: RunSnapshot;
  readonly kernelParts: CheckpointParts;
  readonly outputs: ReadonlyMap<string, Json>;
}

/** Finds the snapshot among the parts of a run; `undefined` where its journal is whole. @throws StoreFormatError */
export function readSnapshot(runId: string, parts: CheckpointParts | undefined): StoredSnapshot | undefined {
  const snapshot = parts?.['run'] as unknown as RunSnapshot | undefined;
  if (!parts || !snapshot) return undefined;
  if ((snapshot.formatVersion as number) !== 1)
    throw new StoreFormatError(`The snapshot of run ${runId}`, snapshot.formatVersion, [1]);
  const named = (prefix: string) =>
    Object.entries(parts).flatMap(([name, part]): [string, Json][] =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), part]] : [],
    );
  return {
    snapshot,
    kernelParts: Object.fromEntries(named(kernelPrefix)),
    // In a list, because an output may be `null`, which would take the part away.
    outputs: new Map(named(outputPrefix).map(([stepId, part]) => [stepId, (part as readonly Json[])[0] ?? null])),
  };
}
