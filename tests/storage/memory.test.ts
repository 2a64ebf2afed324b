import { describe, expect, it } from 'vitest';

import { createMemoryStore } from '../../src/storage/memory.js';
import { storeConformance } from '../../src/core/testing/store-conformance.js';
import { commitOf } from '../../src/core/testing/store-samples.js';

describe('memory store', () => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(createMemoryStore));
  }

  it('gives frozen data, so that readers may share it', async () => {
    const store = createMemoryStore();
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, output: { list: [1] } }));
    const entry = (await store.load('r'))?.journal[0];
    expect(entry).toMatchObject({ output: { list: [1] } });
    expect(() => (entry as unknown as { output: { list: number[] } }).output.list.push(2)).toThrow(TypeError);
  });
});
