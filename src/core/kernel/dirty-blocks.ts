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

export function createDirtyBlocks(rows: number): DirtyBlocks {
  const isDirty = new Uint8Array(blocksOf(rows));
  let dirty: number[] = [];
  const markBlock = (block: number): void => {
    if (isDirty[block] === 1) return;
    isDirty[block] = 1;
    dirty.push(block);
  };
  return {
    mark: (row) => markBlock(Math.floor(row / blockSize)),
    take() {
      const taken = dirty.sort((a, b) => a - b);
      dirty = [];
      for (const block of taken) isDirty[block] = 0;
      return taken;
    },
    markAll: () => isDirty.forEach((_, block) => markBlock(block)),
  };
}
