import fc from 'fast-check';
import { createFileStore } from 'planwright/storage/file';
import { createMemoryStore } from 'planwright/storage/memory';
import { expect, it, vi } from 'vitest';

import { committing, contentOf, holding, outcomesOf, reading } from './support/file-acts.js';
import { useDirectories } from './support/file-directories.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const calls = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.oneof({ weight: 3, arbitrary: committing }, holding), { minLength: 1, maxLength: 6 }) },
  { weight: 2, arbitrary: reading.map((act) => [act]) },
  { weight: 1, arbitrary: fc.constantFrom('close', 'crash') },
);

it('FO-26: answers every call as the store in memory does, also after it was closed and after crashes', async () => {
  const modes = fc.constantFrom('FULL' as const, 'NORMAL' as const);
  await fc.assert(
    fc.asyncProperty(modes, fc.array(calls, { minLength: 1, maxLength: 40 }), async (synchronous, turns) => {
      const expected = createMemoryStore();
      let directory = directories.next();
      let actual = createFileStore({ directory, synchronous });
      for (const turn of turns) {
        if (typeof turn !== 'string') {
          const [wanted, given] = [await outcomesOf(expected, turn), await outcomesOf(actual, turn)];
          expect(given).toEqual(wanted);
          continue;
        }
        // The files as a process leaves them that is killed, perhaps while it writes its log anew.
        await actual.list({ limit: 1 });
        const left = turn === 'close' ? directory : directories.copyOf(directory);
        await actual.close();
        directory = left;
        actual = createFileStore({ directory, synchronous });
        expect(await contentOf(actual)).toEqual(await contentOf(expected));
      }
      expect(await contentOf(actual)).toEqual(await contentOf(expected));
      await actual.close();
      directories.clear();
    }),
    { numRuns: isLong ? 2_000 : 100 },
  );
});
