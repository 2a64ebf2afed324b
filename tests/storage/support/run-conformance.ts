import { describe, it } from 'vitest';

import { type ConformanceCase, persistentStoreConformance, storeConformance } from '../../../src/testing.js';
import type { PersistentStoreSkips, StoreMedium, SubjectFactory } from '../../../src/testing.js';
import type { RunStore } from '../../../src/index.js';

/** Runs what every store must do. */
export const describeStore = (name: string, create: SubjectFactory<RunStore>): void =>
  runCases(`${name}, as every store`, storeConformance, create);

/** Runs what every store must do that outlives its process. */
export const describePersistentStore = (name: string, create: SubjectFactory<StoreMedium>, skip?: PersistentStoreSkips): void =>
  runCases(`${name}, opened again`, persistentStoreConformance(skip), create);

function runCases<Subject>(title: string, cases: readonly ConformanceCase<Subject>[], create: SubjectFactory<Subject>): void {
  describe(title, () => {
    for (const { name, run, skipReason } of cases) {
      it.skipIf(skipReason !== undefined)(skipReason === undefined ? name : `${name} (${skipReason})`, () => run(create));
    }
  });
}
