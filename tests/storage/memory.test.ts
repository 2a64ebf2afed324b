import { describe, it } from 'vitest';

import { createMemoryStore } from '../../src/storage/memory.js';
import { storeConformance } from '../../src/core/testing/store-conformance.js';

describe('memory store', () => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(createMemoryStore));
  }
});
