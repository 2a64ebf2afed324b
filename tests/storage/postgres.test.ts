import { createPostgresStore } from 'planwright/storage/postgres';
import { storeConformance } from 'planwright/testing';
import { Pool } from 'pg';
import { afterAll, describe, it } from 'vitest';

import { postgresServer } from './support/postgres-server.js';
import { freshSchema } from './support/postgres-store.js';

const server = await postgresServer();
const pool = new Pool(server?.connection);
afterAll(() => pool.end());

describe.skipIf(!server)('postgres store', () => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(() => createPostgresStore({ pool, schema: freshSchema() })));
  }
});
