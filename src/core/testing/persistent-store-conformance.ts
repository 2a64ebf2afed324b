import type { ConformanceCase } from './conformance-case.js';
import { concurrent } from './store-conformance/concurrent.js';
import { keptNotes, unclosedNotes } from './store-conformance/notes.js';
import { reopening, unclosed } from './store-conformance/reopening.js';
import type { StoreMedium } from './store-conformance/medium.js';
import { versions } from './store-conformance/versions.js';

/** Why a store need not keep some of the rules, as a sentence. */
export interface PersistentStoreSkips {
  /** Opened anew while a store that was dropped without `close()` is still there. */
  readonly unclosed?: string;
  /** Two stores on one medium at a time. */
  readonly concurrent?: string;
  /** A format that a newer version wrote. */
  readonly versions?: string;
}

/**
 * What every `RunStore` must do that outlives its process, beside `storeConformance`. Run each case with a factory that makes an empty
 * medium.
 *
 * @example
 * for (const { name, run, skipReason } of persistentStoreConformance()) {
 *   it.skipIf(skipReason !== undefined)(name, () => run(() => ({ open: () => createMyStore({ path: newPath() }) })));
 * }
 */
export const persistentStoreConformance = (skip: PersistentStoreSkips = {}): readonly ConformanceCase<StoreMedium>[] => [
  ...reopening,
  ...keptNotes,
  ...[...unclosed, ...unclosedNotes].map(skipped(skip.unclosed)),
  ...concurrent.map(skipped(skip.concurrent)),
  ...versions.map(skipped(skip.versions)),
];

const skipped =
  (skipReason: string | undefined) =>
  (found: ConformanceCase<StoreMedium>): ConformanceCase<StoreMedium> => ({
    ...found,
    ...(skipReason !== undefined && { skipReason }),
  });
