// A process that works on a store of its own. Arguments: how to reach the database, and what to do, both as JSON. Prints a line for each step.
import { Pool, type PoolConfig } from 'pg';

import { createPostgresStore } from '../../../src/storage/postgres.js';
import { commitOf } from '../../../src/core/testing/store-samples.js';
import type { RunStore } from '../../../src/core/ports/store.js';

/** What such a process is to do. */
export interface ChildTask {
  readonly schema: string;
  readonly owner: string;
  /** `write`: takes the first run and commits to it until that is refused. `claim`: asks once for each run. */
  readonly kind: 'write' | 'claim';
  readonly runIds: readonly string[];
  readonly lockTimeoutMs: number;
}

const [connection = '{}', task = '{}'] = process.argv.slice(2);
const { schema, owner, kind, runIds, lockTimeoutMs } = JSON.parse(task) as ChildTask;
const pool = new Pool(JSON.parse(connection) as PoolConfig);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints `claimed` with the fence, then `stored` with the newest `seq` after each commit, then `refused` with a code. */
async function write(store: RunStore, runId: string): Promise<void> {
  const claim = await store.claim({ runId, owner, at: Date.now(), leaseMs: 1_000_000, insteadOf: 'dead' });
  if (claim.kind !== 'claimed') {
    say(claim.kind);
    return;
  }
  say(`claimed ${claim.fence}`);
  try {
    for (let seq = claim.seq; ; seq += 1) {
      await store.commit({ ...commitOf({ runId, expectedSeq: seq, output: `${owner} ${seq + 1}` }), fence: claim.fence });
      say(`stored ${seq + 1}`);
    }
  } catch (error) {
    say(`refused ${String((error as { code?: unknown }).code)}`);
  }
}

const store = createPostgresStore({ pool, schema, lockTimeoutMs });
if (kind === 'write') await write(store, runIds[0] ?? '');
else {
  // All at once, as a process does that takes up what a crash left behind.
  await Promise.all(
    runIds.map(async (runId) => {
      const { kind } = await store.claim({ runId, owner, at: 1_000, leaseMs: 5_000 });
      if (kind === 'claimed') say(`started ${runId}`);
    }),
  );
}
await store.close();
await pool.end();
