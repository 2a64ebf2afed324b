import type { RunEvent } from '../ports/run-output.js';
import type { CheckpointParts } from '../ports/store.js';
import type { Json } from '../shared/json.js';
import { StoreFormatError } from '../shared/store-error.js';
import type { SavedProjection } from '../views/run-view.js';
import type { RunState } from './run-state.js';
import type { RunSnapshot, StoredSnapshot } from './stored-snapshot.js';

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
  const { record, approvedSteps, recovery, starts, failures, effects, log, outputs, kernel } = state;
  const snapshot: RunSnapshot = {
    formatVersion: 1,
    record,
    approvedSteps,
    recovery,
    starts: [...starts],
    ...(failures.size > 0 && { failures: [...failures] }),
    effects: Array.from(effects, ([stepId, results]) => [stepId, [...results]]),
    view,
    events: [...log.since(log.seq - keptEvents), ...untold],
  };
  const parts: [string, Json][] = [['run', snapshot as unknown as Json]];
  for (const [stepId, output] of [...outputs, ...fetched]) {
    if (!stored.has(stepId)) parts.push([`${outputPrefix}${stepId}`, [output]]);
  }
  // What is stored from here on begins with the plan of now.
  if (state.plan !== state.firstPlan) parts.push(...Object.entries(state.planParts()));
  for (const [name, part] of Object.entries(kernel?.takeChanges() ?? {})) parts.push([`${kernelPrefix}${name}`, part]);
  return Object.fromEntries(parts);
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
