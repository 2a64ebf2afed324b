import type { RunStore } from '../../ports/store.js';
import type { ConformanceCase } from '../conformance-case.js';

/** A place that outlives the stores which are opened on it: a directory, a file, a schema of a database. */
export interface StoreMedium {
  /** A store on what is there. */
  open(): RunStore | Promise<RunStore>;
  /** Puts another format version in the place of what the store has written. Called after a store was opened and closed. */
  writeVersion?(version: number): void | Promise<void>;
}

/** Opens a store; what is not closed when the case ends is closed then. */
export type Open = () => Promise<RunStore>;

/** A case on one medium that opens stores as it likes. */
export const mediumCase = (
  name: string,
  check: (open: Open, medium: StoreMedium) => Promise<void>,
): ConformanceCase<StoreMedium> => ({
  name,
  async run(create) {
    const medium = await create();
    const opened: RunStore[] = [];
    try {
      await check(async () => {
        const store = await medium.open();
        opened.push(store);
        return store;
      }, medium);
    } finally {
      for (const store of opened) await store.close();
    }
  },
});

/** Opens a store, uses it, and closes it. */
export async function using<T>(open: Open, use: (store: RunStore) => Promise<T>): Promise<T> {
  const store = await open();
  const result = await use(store);
  await store.close();
  return result;
}
