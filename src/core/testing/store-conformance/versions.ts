import { type ConformanceCase, ConformanceError, expectRejection } from '../conformance-case.js';
import { commitOf } from '../store-samples.js';
import { type StoreMedium, mediumCase, using } from './medium.js';
import type { RunStore } from '../../ports/store.js';

/** What may be asked first of a store that cannot read what is there. */
const calls: Readonly<Record<string, (store: RunStore) => Promise<unknown>>> = {
  load: (store) => store.load('r'),
  list: (store) => store.list(),
  journal: (store) => store.journal('r'),
  commit: (store) => store.commit(commitOf({ runId: 'r', expectedSeq: 1 })),
  'commit of a new run': (store) => store.commit(commitOf({ runId: 'new', expectedSeq: 0 })),
  claim: (store) => store.claim({ runId: 'r', owner: 'one', at: 1_000, leaseMs: 100 }),
};

/** Formats of other versions. */
export const versions: readonly ConformanceCase<StoreMedium>[] = [
  mediumCase('refuses to open what a newer version wrote, or to touch it', async (open, medium) => {
    if (!medium.writeVersion) {
      throw new ConformanceError(
        'a medium on which a newer version can be planted',
        'writeVersion()',
        'none; skip with a reason',
      );
    }
    await using(open, (store) => store.commit(commitOf({ runId: 'r', expectedSeq: 0 })));
    for (const version of [1_000_000, 1_000_001]) {
      await medium.writeVersion(version);
      for (const [name, call] of Object.entries(calls)) {
        const from = open().then(call);
        await expectRejection(`${name} of version ${version}`, { code: 'STORE_FORMAT', from });
      }
    }
  }),
];
