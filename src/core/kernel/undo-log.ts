import type { DirtyBlocks } from './dirty-blocks.js';

/** The numeric columns that the kernel writes to. */
export type Column = Uint8Array | Int32Array | Float64Array;

/**
 * Remembers what was overwritten since the last `commit`, so that an input that turns out to be impossible leaves no trace.
 * Costs what the input touched, not what the plan holds.
 */
export interface UndoLog {
  set(column: Column, index: number, value: number): void;
  add(column: Column, index: number, amount: number): void;
  /** For what is no column: how to take it back. */
  onRollback(undo: () => void): void;
  /** Rows of this column are marked, from now on, when a change of theirs is committed. */
  track(column: Column, rows: DirtyBlocks): void;
  /** A column has made way for a longer one that holds the same. */
  replace(column: Column, grown: Column): void;
  commit(): void;
  /** Returns whether there was anything to take back. */
  rollback(): boolean;
}

export function createUndoLog(): UndoLog {
  const columns: Column[] = [];
  const places: number[] = [];
  const undos: (() => void)[] = [];
  const tracked = new Map<Column, DirtyBlocks>();
  const forget = (): void => {
    columns.length = places.length = undos.length = 0;
  };
  const set = (column: Column, index: number, value: number): void => {
    columns.push(column);
    places.push(index, column[index]!);
    column[index] = value;
  };
  return {
    set,
    add: (column, index, amount) => set(column, index, column[index]! + amount),
    onRollback: (undo) => void undos.push(undo),
    track: (column, rows) => void tracked.set(column, rows),
    replace(column, grown) {
      for (let entry = 0; entry < columns.length; entry += 1) if (columns[entry] === column) columns[entry] = grown;
      const rows = tracked.get(column);
      tracked.delete(column);
      if (rows) tracked.set(grown, rows);
    },
    commit() {
      for (let entry = 0; entry < columns.length; entry += 1) tracked.get(columns[entry]!)?.mark(places[2 * entry]!);
      forget();
    },
    rollback() {
      const touched = columns.length + undos.length > 0;
      for (let entry = columns.length - 1; entry >= 0; entry -= 1) {
        columns[entry]![places[2 * entry]!] = places[2 * entry + 1]!;
      }
      for (const undo of undos.reverse()) undo();
      forget();
      return touched;
    },
  };
}
