import type { UndoLog } from './undo-log.js';

/** One row per step, column by column: 46 bytes a step. Columns may be longer than there are steps. */
export interface StepColumns {
  readonly status: Uint8Array;
  readonly attempt: Int32Array;
  /** Dependencies that have not settled. */
  readonly unmet: Int32Array;
  /** 1 from the start command of an attempt until it runs. */
  readonly issued: Uint8Array;
  /** 1 once dependents have been told, or are being told. */
  readonly told: Uint8Array;
  /** 1 when a dependency ended without success. */
  readonly unfed: Uint8Array;
  /** The first such dependency; -1 for none. */
  readonly cause: Int32Array;
  /** 1 where a route chose another way, directly or further up. */
  readonly unchosen: Uint8Array;
  /** 1 for a step that is not approved yet, where only a part of the plan was. */
  readonly deferred: Uint8Array;
  /** When the step's one timer (timeout, retry, or the end of a gate) is due; 0 for none. */
  readonly dueAt: Float64Array;
  /** The entry that first asked for the present attempt, and the place of its command there: together that command's id. */
  readonly askedSeq: Float64Array;
  readonly askedPlace: Int32Array;
  /** Starts of the present attempt that were lost with their process. */
  readonly lost: Int32Array;
  /** 1 where the next start is the present attempt once more, under the same id; 2 where it is another attempt under that id. */
  readonly again: Uint8Array;
  /** 1 once the attempt of a step in doubt is known to have ended, so that it can do nothing more. */
  readonly ended: Uint8Array;
  /** Probes of a step in doubt that have not been answered. */
  readonly probes: Uint8Array;
}

/** Columns for the steps of a plan, each with so many dependencies. */
export function createStepColumns(dependencyCounts: Int32Array): StepColumns {
  const count = dependencyCounts.length;
  return {
    status: new Uint8Array(count),
    attempt: new Int32Array(count),
    unmet: dependencyCounts.slice(),
    issued: new Uint8Array(count),
    told: new Uint8Array(count),
    unfed: new Uint8Array(count),
    cause: new Int32Array(count).fill(-1),
    unchosen: new Uint8Array(count),
    deferred: new Uint8Array(count),
    dueAt: new Float64Array(count),
    askedSeq: new Float64Array(count),
    askedPlace: new Int32Array(count),
    lost: new Int32Array(count),
    again: new Uint8Array(count),
    ended: new Uint8Array(count),
    probes: new Uint8Array(count),
  };
}

type Column = Uint8Array | Int32Array | Float64Array;

/** Rows that a run gets at the least when it first grows. */
const leastGrowth = 16;

/** Makes room in every column of a table for at least one row more. What was written since the last commit can still be taken back. */
export function growColumns(table: StepColumns | Readonly<Record<string, Column>>, undo: UndoLog): void {
  const columns = table as Record<string, Column>;
  for (const [name, column] of Object.entries(columns)) {
    const grown = longer(column);
    undo.replace(column, grown);
    columns[name] = grown;
  }
}

function longer(column: Column): Column {
  const length = column.length + Math.max(leastGrowth, column.length);
  const grown =
    column instanceof Uint8Array
      ? new Uint8Array(length)
      : column instanceof Int32Array
        ? new Int32Array(length)
        : new Float64Array(length);
  grown.set(column);
  return grown;
}
