/** Rows are kept in blocks of so many: what changed is written a block at a time. */
export const blockSize = 256;

export const blocksOf = (rows: number): number => Math.ceil(rows / blockSize);

/** Which blocks of a table have changed since somebody last asked. */
export interface DirtyBlocks {
  mark(row: number): void;
  /** In ascending order. Forgets them. */
  take(): number[];
  markAll(): void;
}

/** `rows`: how many the table has by now. */
export function createDirtyBlocks(rows: () => number): DirtyBlocks {
  const dirty = new Set<number>();
  /** Mostly the same as the time before. */
  let newest = -1;
  return {
    mark(row) {
      const block = Math.floor(row / blockSize);
      if (block === newest) return;
      newest = block;
      dirty.add(block);
    },
    take() {
      const taken = [...dirty].sort((a, b) => a - b);
      dirty.clear();
      newest = -1;
      return taken;
    },
    markAll() {
      for (let block = 0; block < blocksOf(rows()); block += 1) dirty.add(block);
    },
  };
}
