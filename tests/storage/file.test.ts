import { describe, it } from 'vitest';

import { createFileStore } from '../../src/storage/file.js';
import { storeConformance } from '../../src/core/testing/store-conformance.js';
import { useDirectories } from './support/file-directories.js';

const directories = useDirectories();

describe.each(['FULL', 'NORMAL'] as const)('file store, synchronous %s', (synchronous) => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(() => createFileStore({ directory: directories.next(), synchronous })));
  }
});
