import { createRequire } from 'node:module';

import type { RunStore } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { createPostgresStore, type PostgresPool } from 'planwright/storage/postgres';
import { createSqliteStore } from 'planwright/storage/sqlite';

import type { StorePlace } from './child-task.js';
import type { WitnessLine } from './witness.js';

/** A process that was stopped may hold a lock for as long as it stands still. */
const lockTimeoutMs = 60_000;

/** Opens a store, and tells of what is durable as soon as that is known here. */
export function openStore(place: StorePlace, tell: (line: WitnessLine) => void) {
  const { store, end } = opened(place);
  const witnessed: RunStore = {
    ...store,
    async commit(commit) {
      const { runId, entries, compactTo } = commit;
      tell({ type: 'writing', runId, entries });
      const receipt = await store.commit(commit);
      tell({ type: 'commit', runId, entries, ...(compactTo !== undefined && { compactTo }) });
      return receipt;
    },
    async claim(request) {
      const answer = await store.claim(request);
      if (answer.kind === 'claimed') tell({ type: 'claim', runId: request.runId, fence: answer.fence });
      return answer;
    },
  };
  return { store: witnessed, end };
}

/** Makes what a store lies in, so that processes which begin at once find it there. */
export async function makeStore(place: StorePlace): Promise<void> {
  const { store, end } = opened(place);
  await store.list();
  await end();
}

function opened(place: StorePlace): { readonly store: RunStore; readonly end: () => Promise<void> } {
  if (place.kind === 'sqlite') return alone(createSqliteStore({ path: place.path, lockTimeoutMs }));
  if (place.kind === 'file') return alone(createFileStore({ directory: place.directory }));
  // Loaded by those alone that need it.
  const { Pool } = createRequire(import.meta.url)('pg') as { readonly Pool: new (config: unknown) => PostgresPool & Ending };
  const pool = new Pool(place.connection);
  const { store, end } = alone(createPostgresStore({ pool, schema: place.schema, lockTimeoutMs }));
  return { store, end: () => end().then(() => pool.end()) };
}

interface Ending {
  end(): Promise<void>;
}

const alone = (store: RunStore) => ({ store, end: () => store.close() });
