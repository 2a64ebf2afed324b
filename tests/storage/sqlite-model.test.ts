import { createSqliteStore } from 'planwright/storage/sqlite';
import { it } from 'vitest';

import { expectLikeMemory } from './support/like-memory.js';

it('answers every call as the store in memory does, also where several are made at once', () =>
  expectLikeMemory(() => createSqliteStore({ path: ':memory:' }), {
    numRuns: process.env['PLANWRIGHT_LONG'] === '1' ? 3_000 : 150,
  }));
