import type { RunStore } from '../../../src/core/ports/store.js';
import { StoreClosedError, StoreFormatError } from '../../../src/core/shared/store-error.js';
import { createMemoryStore } from '../../../src/storage/memory.js';
import type { StoreMedium } from '../../../src/testing.js';

/** A medium in memory: each opening is a shell of its own around one store that is never closed. */
export function createMemoryMedium(kept: RunStore = createMemoryStore()): StoreMedium {
  let version = 1;
  return {
    open() {
      if (version !== 1) throw new StoreFormatError('The memory', version, [1]);
      return shellOf(kept);
    },
    writeVersion: (newer) => void (version = newer),
  };
}

function shellOf(kept: RunStore): RunStore {
  let closed = false;
  const guarded =
    <Given extends readonly unknown[], Answer>(call: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      if (closed) throw new StoreClosedError();
      return call(...given);
    };
  return {
    commit: guarded(kept.commit),
    load: guarded(kept.load),
    journal: guarded(kept.journal),
    list: guarded(kept.list),
    claim: guarded(kept.claim),
    renew: guarded(kept.renew),
    release: guarded(kept.release),
    close: async () => void (closed = true),
  };
}
