import { createPostgresStore } from 'planwright/storage/postgres';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { postgresServer } from './support/postgres-server.js';
import { type CommitFate, startProxy } from './support/postgres-proxy.js';
import { freshSchema, openPool, openStore, valueIn } from './support/postgres-store.js';
import { expectTruth, progressOf, startWriter } from './support/postgres-writers.js';

const server = await postgresServer();
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const longMs = 900_000;
/** A limit for calls that are to fail: long enough for those that are not, on a busy machine. */
const shortMs = 1_500;

/** A pool of the tests' own, which outlives restarts. */
function openAdmin(): Pool {
  const admin = openPool({ ...server?.connection });
  admin.on('error', () => undefined);
  return admin;
}

/** A store that reaches the server through a proxy, and one that reaches it directly. */
async function openBehindProxy({ lockTimeoutMs = 15_000 }: { readonly lockTimeoutMs?: number } = {}) {
  const proxy = await startProxy(server!.connection.port);
  const schema = freshSchema();
  const store = openStore({ pool: openPool({ ...server!.connection, port: proxy.port }), schema, lockTimeoutMs });
  const direct = openStore({ pool: openPool(server!.connection), schema });
  return { proxy, schema, store, direct };
}

/** The fate for the next COMMIT, and none for those after it. */
const once = (fate: CommitFate): (() => CommitFate) => {
  const fates: CommitFate[] = [fate];
  return () => fates.pop() ?? 'pass';
};

describe.skipIf(!server)('a server that goes away', () => {
  it.each(['fast', 'immediate'] as const)(
    'loses no commit and stores none twice when it is restarted (%s) under load, and writers go on',
    async (mode) => {
      const schema = freshSchema();
      const stores = [0, 1].map(() => openStore({ pool: openPool({ ...server?.connection }), schema }));
      const writers = stores.flatMap((store, index) =>
        Array.from({ length: 5 }, (_, run) => startWriter(store, `run ${index}.${run}`)),
      );
      for (let restarts = 0; restarts < (isLong ? 30 : 2); restarts += 1) {
        await progressOf(writers, 100);
        await server?.stop(mode);
        await server?.start();
      }
      await progressOf(writers, 100);
      await expectTruth(stores[0]!, writers);
    },
    longMs,
  );

  it('says so when the server does not come back in time, and works again when it has', async () => {
    const store = openStore({ pool: openPool({ ...server?.connection }), lockTimeoutMs: shortMs });
    const first = commitOf({ runId: 'r', expectedSeq: 0 });
    await server?.stop('fast');
    try {
      await expect(store.commit(first)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        operation: 'commit',
        cause: { code: 'ECONNREFUSED' },
      });
      await expect(store.load('r')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', operation: 'load' });
    } finally {
      await server?.start();
    }
    await store.commit(first);
    await server?.stop('immediate');
    try {
      const late = { ...commitOf({ runId: 'r', expectedSeq: 1 }) };
      await expect(store.commit(late)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await expect(store.claim({ runId: 'r', owner: 'o', at: 0, leaseMs: 1 })).rejects.toMatchObject({ operation: 'claim' });
    } finally {
      await server?.start();
    }
    expect(await store.load('r')).toMatchObject({ seq: 1, fence: 0, journal: first.entries });
  });

  it('goes on when connections are ended that nobody uses', async () => {
    const pool = new Pool({ ...server?.connection, application_name: 'idle' });
    onTestFinished(() => pool.end());
    const store = openStore({ pool });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await Promise.all([store.load('r'), store.load('r'), store.load('r')]);
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await terminate(openAdmin(), 'idle');
    await removed;
    await store.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
  });
});

const terminate = (admin: Pool, name: string) =>
  admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [name]);

describe.skipIf(!server)('a connection that is cut', () => {
  it(
    'tells the truth of every commit, at whatever moment the server ends the connection',
    async () => {
      const admin = openAdmin();
      const schema = freshSchema();
      const stores = ['cut 0', 'cut 1'].map((name) =>
        openStore({ pool: openPool({ ...server?.connection, application_name: name }), schema }),
      );
      const writers = stores.flatMap((store, index) =>
        Array.from({ length: 5 }, (_, run) => startWriter(store, `run ${index}.${run}`)),
      );
      for (let cuts = 0; cuts < (isLong ? 2_000 : 60); cuts += 1) {
        await progressOf(writers, 1 + (cuts % 7));
        await terminate(admin, `cut ${cuts % 2}`);
      }
      await progressOf(writers, 20);
      await expectTruth(stores[0]!, writers);
    },
    longMs,
  );

  it('is replaced when it is lost in the moment in which it is lent', async () => {
    const { proxy, store, direct } = await openBehindProxy();
    proxy.losses = 3;
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expect(proxy.losses).toBe(0);
    expect((await direct.load('r'))?.seq).toBe(1);
  });

  it(
    'tells the truth of every commit, whether the COMMIT or its answer is lost',
    async () => {
      const { proxy, store, direct } = await openBehindProxy();
      const fates: readonly CommitFate[] = ['lose the answer', 'pass', 'lose the request', 'lose both', 'pass', 'lose both'];
      let commits = 0;
      proxy.fateOf = () => fates[(commits += 1) % fates.length]!;
      const writers = Array.from({ length: 5 }, (_, run) => startWriter(store, `run ${run}`));
      await progressOf(writers, isLong ? 5_000 : 200);
      proxy.fateOf = () => 'pass';
      await expectTruth(direct, writers);
      expect(proxy.troubled).toBeGreaterThan(20);
    },
    longMs,
  );

  it.each(['lose the answer', 'lose the request', 'lose both'] as const)(
    'creates a run once and gives out one fence: %s',
    async (fate) => {
      const { proxy, store, direct } = await openBehindProxy();
      proxy.fateOf = once(fate);
      await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
      proxy.fateOf = once(fate);
      const claim = { runId: 'r', owner: 'one', at: 0, leaseMs: 100 };
      expect(await store.claim(claim)).toEqual({ kind: 'claimed', fence: 1, seq: 1 });
      proxy.fateOf = once(fate);
      await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1, count: 0 }), fence: 1, checkpoint: { a: 1 } });
      expect(await direct.load('r')).toMatchObject({ seq: 1, fence: 1, checkpoint: { a: 1 } });
      expect(proxy.troubled).toBe(3);
    },
  );

  it('waits for a COMMIT that is still on its way, instead of calling it lost', async () => {
    const { proxy, store, direct } = await openBehindProxy();
    const admin = openAdmin();
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    proxy.fateOf = once('hold back');
    const commit = store.commit(commitOf({ runId: 'r', expectedSeq: 1, output: 'once' }));
    const waiting = "SELECT count(*)::int FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    await expect.poll(() => valueIn(admin, waiting)).toBe(1);
    proxy.letGo();
    await commit;
    expect((await direct.load('r'))?.journal.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('does not wait for ever for one that never comes, and writes once', async () => {
    const { proxy, store, direct } = await openBehindProxy({ lockTimeoutMs: 3_000 });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    proxy.fateOf = once('hold back');
    await store.commit(commitOf({ runId: 'r', expectedSeq: 1, output: 'once' }));
    proxy.letGo();
    await store.commit(commitOf({ runId: 'r', expectedSeq: 2 }));
    expect((await direct.load('r'))?.journal.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('knows its commit again when others have written since, and that it is not there when it was lost', async () => {
    for (const [fate, answer] of [
      ['lose the answer', 'stored'],
      ['lose the request', 'STORE_CONFLICT'],
    ] as const) {
      const { proxy, store, direct } = await openBehindProxy();
      await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0 }), checkpoint: { a: 0 } });
      const next = once(fate);
      proxy.fateOf = () => {
        const now = next();
        proxy.isDown = now !== 'pass';
        return now;
      };
      const commit = store.commit({ ...commitOf({ runId: 'r', expectedSeq: 1, count: 0 }), checkpoint: { a: 1 } }).then(
        () => 'stored',
        (error: unknown) => (error as { code: unknown }).code,
      );
      await expect.poll(() => proxy.troubled).toBe(1);
      // Someone else takes the run and leaves no trace of what was there.
      const claimed = await direct.claim({ runId: 'r', owner: 'other', at: 0, leaseMs: 100 });
      expect(claimed).toMatchObject({ kind: 'claimed', fence: 1, seq: 1 });
      await direct.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), fence: 1, checkpoint: { a: 2 }, compactTo: 2 });
      proxy.isDown = false;
      expect(await commit).toBe(answer);
      expect(await direct.load('r')).toMatchObject({ seq: 2, checkpoint: { a: 2 }, journal: [] });
    }
  });

  it('says that it does not know when it cannot find out', async () => {
    const { proxy, store, direct } = await openBehindProxy({ lockTimeoutMs: shortMs });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    proxy.fateOf = () => {
      proxy.isDown = true;
      return 'lose the answer';
    };
    const commit = store.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
    await expect(commit).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('could not be found out') as string,
    });
    Object.assign(proxy, { isDown: false, fateOf: () => 'pass' });
    expect((await direct.load('r'))?.seq).toBe(2);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 2 }));
  });

  it('ends a call in time when the network swallows everything', async () => {
    const { proxy, store, direct } = await openBehindProxy({ lockTimeoutMs: shortMs });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    proxy.isSilent = true;
    const calls = [store.commit(commitOf({ runId: 'r', expectedSeq: 1 })), store.load('r'), store.list()];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    proxy.isSilent = false;
    proxy.cut();
    expect((await direct.load('r'))?.seq).toBe(1);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
  });
});

describe.skipIf(!server)('a lock that another session holds', () => {
  /** Runs `work` while the table of runs is locked. */
  async function whileLocked(schema: string, work: (unlock: () => Promise<unknown>) => Promise<void>): Promise<void> {
    const other = await openPool({ ...server?.connection }).connect();
    await other.query(`BEGIN; LOCK TABLE "${schema}".runs IN ACCESS EXCLUSIVE MODE`);
    try {
      await work(() => other.query('ROLLBACK'));
    } finally {
      await other.query('ROLLBACK');
      other.release();
    }
  }

  it('is waited for, and the event loop stays free', async () => {
    const schema = freshSchema();
    const store = openStore({ pool: openPool({ ...server?.connection }), schema });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await whileLocked(schema, async (unlock) => {
      let written = false;
      const commit = store.commit(commitOf({ runId: 'r', expectedSeq: 1 })).then(() => (written = true));
      for (let turn = 0; turn < 1_000; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
      expect(written).toBe(false);
      await unlock();
      await commit;
    });
  });

  it('ends in a typed error where it takes too long, and nothing is written then', async () => {
    const schema = freshSchema();
    const store = openStore({ pool: openPool({ ...server?.connection }), schema, lockTimeoutMs: shortMs });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await whileLocked(schema, async () => {
      const calls = [store.commit(commitOf({ runId: 'r', expectedSeq: 1 })), store.load('r'), store.journal('r'), store.list()];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'STORE_UNAVAILABLE', cause: { code: expect.stringMatching(/^(?:55P03|57014)$/) as string } },
        });
      }
    });
    expect((await store.load('r'))?.seq).toBe(1);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
  });
});

it.skipIf(!server)('asks a pool no more that is being ended', async () => {
  const pool = new Pool({ ...server?.connection });
  const store = createPostgresStore({ pool, schema: freshSchema() });
  await pool.end();
  await expect(store.load('r')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', operation: 'load' });
  await store.close();
});
