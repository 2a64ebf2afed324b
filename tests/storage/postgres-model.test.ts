import { createPostgresStore } from 'planwright/storage/postgres';
import { Pool } from 'pg';
import { afterAll, it } from 'vitest';

import { expectLikeMemory } from './support/like-memory.js';
import { postgresServer } from './support/postgres-server.js';
import { freshSchema } from './support/postgres-store.js';

const server = await postgresServer();
const pool = new Pool(server?.connection);
afterAll(() => pool.end());

it.skipIf(!server)(
  'answers every call as the store in memory does, also where several are made at once',
  () =>
    expectLikeMemory(() => createPostgresStore({ pool, schema: freshSchema() }), {
      numRuns: process.env['PLANWRIGHT_LONG'] === '1' ? 1_000 : 40,
    }),
  900_000,
);
