import { randomBytes } from 'node:crypto';

import type { RunStore, RunSummary } from 'planwright';
import { createPostgresStore, type PostgresPool } from 'planwright/storage/postgres';
import { storeConformance } from 'planwright/testing';
import { Pool, type PoolClient } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';

import { commitOf, entriesOf, hostileText, summaryOf } from '../../src/core/testing/store-samples.js';
import { postgresServer } from './support/postgres-server.js';
import { freshSchema, openPool, openStore, valueIn } from './support/postgres-store.js';

const server = await postgresServer();
const pool = new Pool(server?.connection);
afterAll(() => pool.end());

describe.skipIf(!server)('postgres store', () => {
  for (const { name, run, skipReason } of storeConformance) {
    it.skipIf(skipReason !== undefined)(name, () => run(() => createPostgresStore({ pool, schema: freshSchema() })));
  }
});

describe.skipIf(!server)('what is stored', () => {
  it('FO-26: keeps scope, status, plan and timing of a run in the database, for the next process', async () => {
    const schema = freshSchema();
    const plan = { digest: 'd', steps: [{ id: 'a', dependsOn: [] }] };
    const summary: RunSummary = {
      ...summaryOf({ runId: 'r', status: 'executing', parentTicket: 'T-1' }),
      scope: { sprint: 's-1', labels: ['x', 'y'] },
      createdAt: 1_790_000_000_000,
      updatedAt: 1_790_000_000_001.5,
      open: true,
    };
    const entries = entriesOf({ from: 1 });
    const first = openStore({ pool, schema });
    await first.commit({ runId: 'r', expectedSeq: 0, fence: 0, entries, summary, checkpoint: { plan } });
    await first.close();
    const next = openStore({ pool: openPool({ ...server?.connection }), schema });
    expect(await next.load('r')).toEqual({ summary, seq: 1, fence: 0, checkpoint: { plan }, journal: entries });
    expect(await next.list({ open: true, status: ['executing'], parentTicket: 'T-1' })).toEqual({ runs: [summary] });
  });

  it('CC-21: gives the next process every step that was settled, with the fence it was settled under', async () => {
    const schema = freshSchema();
    const first = openStore({ pool, schema });
    await first.commit({ ...commitOf({ runId: 'r', expectedSeq: 0, count: 3 }), checkpoint: { a: 1, b: 2 } });
    await first.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 100 });
    await first.commit({ ...commitOf({ runId: 'r', expectedSeq: 3, count: 2 }), fence: 1, checkpoint: { b: null, c: 3 } });
    await first.close();
    const next = openStore({ pool, schema });
    expect(await next.load('r')).toMatchObject({
      seq: 5,
      fence: 1,
      checkpoint: { a: 1, c: 3 },
      journal: entriesOf({ from: 1, count: 5 }),
    });
    const held = await next.claim({ runId: 'r', owner: 'two', at: 99, leaseMs: 100 });
    expect(held).toEqual({ kind: 'held', owner: 'one', until: 100 });
  });

  it('lists plain ids in the order of their letters, whatever the language of the database', async () => {
    const store = openStore({ pool });
    const ids = ['A', 'B', 'Z', '_', 'a', 'a!', 'a-1', 'a0', 'aa', 'ab', 'b', 'ä', '漢', '🧭'];
    for (const runId of [...ids].reverse()) await store.commit(commitOf({ runId, expectedSeq: 0 }));
    expect((await store.list()).runs.map(({ runId }) => runId)).toEqual(ids);
  });

  it('tells parts apart, whatever they are called', async () => {
    const store = openStore({ pool });
    const checkpoint = Object.fromEntries(hostileText.map((name, index) => [name, index]));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0 }), checkpoint });
    expect(Object.entries((await store.load('r'))?.checkpoint ?? {}).sort()).toEqual(Object.entries(checkpoint).sort());
  });

  it('compresses what is large, and says how many bytes it wrote', async () => {
    const schema = freshSchema();
    const store = openStore({ pool, schema });
    const small = await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    const large = await store.commit(commitOf({ runId: 'r', expectedSeq: 1, count: 1_000, output: 'x'.repeat(200) }));
    const written = await valueIn(pool, `SELECT sum(length(entries))::int FROM "${schema}".journal`);
    const summary = await valueIn(pool, `SELECT length(summary) FROM "${schema}".runs`);
    expect(small.bytes + large.bytes).toBe(Number(written) + 2 * Number(summary));
    expect(large.bytes).toBeLessThan(20_000);
  });

  it('drops rows of the journal whose last entry is no longer needed', async () => {
    const schema = freshSchema();
    const store = openStore({ pool, schema });
    for (const expectedSeq of [0, 10, 20]) await store.commit(commitOf({ runId: 'r', expectedSeq, count: 10 }));
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 30 }), compactTo: 15 });
    const rows = await valueIn(pool, `SELECT string_agg(last_seq::text, ',' ORDER BY last_seq) FROM "${schema}".journal`);
    expect(rows).toBe('20,30,31');
    expect((await store.load('r'))?.journal.map(({ seq }) => seq)[0]).toBe(16);
    expect((await store.journal('r', { after: 3, limit: 2 })).map(({ seq }) => seq)).toEqual([16, 17]);
  });

  it('leaves nothing of a store that was closed beside its runs', async () => {
    const schema = freshSchema();
    const store = openStore({ pool, schema });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expect(await valueIn(pool, `SELECT count(*)::int FROM "${schema}".writers`)).toBe(1);
    await store.close();
    expect(await valueIn(pool, `SELECT count(*)::int FROM "${schema}".writers`)).toBe(0);
  });
});

describe.skipIf(!server)('the tables', () => {
  it('are made once by many stores at the same time', async () => {
    const schema = freshSchema();
    const stores = Array.from({ length: 8 }, () => openStore({ pool: openPool({ ...server?.connection, max: 2 }), schema }));
    await Promise.all(stores.map((store, index) => store.commit(commitOf({ runId: `r${index}`, expectedSeq: 0 }))));
    expect((await stores[0]!.list()).runs).toHaveLength(8);
    expect(await valueIn(pool, `SELECT count(*)::int FROM "${schema}".format`)).toBe(1);
  });

  it('are apart in each schema, whatever it is called', async () => {
    const names = ['planwright', 'Planwright', 'a "quoted" name', '"; DROP SCHEMA planwright; --', 'ä 漢 🧭', 'x'.repeat(63)];
    const stores = names.map((schema) => openStore({ pool, schema }));
    for (const [index, store] of stores.entries()) {
      await store.commit(commitOf({ runId: 'r', expectedSeq: 0, output: index }));
    }
    for (const [index, store] of stores.entries()) {
      expect((await store.load('r'))?.journal).toMatchObject([{ output: index }]);
    }
    for (const schema of ['', 'x'.repeat(64), 'ä'.repeat(32), 'a\0b', '\ud800']) {
      expect(() => createPostgresStore({ pool, schema })).toThrow(expect.objectContaining({ code: 'INVARIANT' }));
    }
    for (const lockTimeoutMs of [0, -1, NaN, Infinity]) {
      expect(() => createPostgresStore({ pool, lockTimeoutMs })).toThrow(expect.objectContaining({ code: 'INVARIANT' }));
    }
  });

  it('of another version are not touched', async () => {
    const schema = freshSchema();
    await openStore({ pool, schema }).commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    await pool.query(`UPDATE "${schema}".format SET version = 2`);
    const store = openStore({ pool, schema });
    const refusal = { code: 'STORE_FORMAT', found: 2, supported: [1] };
    await expect(store.commit(commitOf({ runId: 'r', expectedSeq: 1 }))).rejects.toMatchObject(refusal);
    await expect(store.load('r')).rejects.toMatchObject(refusal);
    await pool.query(`UPDATE "${schema}".format SET version = 1`);
    expect((await store.load('r'))?.seq).toBe(1);
    await pool.query(`DELETE FROM "${schema}".format`);
    await expect(openStore({ pool, schema }).list()).rejects.toMatchObject({ ...refusal, found: null });
  });

  it('can be used by a role that may not make any, and say so when a permission is lost', async () => {
    const schema = freshSchema();
    const role = schema.replaceAll(' ', '_');
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    const own = openPool({ ...server?.connection, user: role, password: 'secret' });
    const store = openStore({ pool: own, schema });
    const first = commitOf({ runId: 'r', expectedSeq: 0 });
    const refusal = { code: 'STORE_UNAVAILABLE', operation: 'commit', cause: { code: '42501' } };
    await expect(store.commit(first)).rejects.toMatchObject(refusal);
    await openStore({ pool, schema }).list();
    await pool.query(`GRANT USAGE ON SCHEMA "${schema}" TO ${role}`);
    await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO ${role}`);
    await store.commit(first);
    await pool.query(`REVOKE INSERT ON "${schema}".journal FROM ${role}`);
    await expect(store.commit(commitOf({ runId: 'r', expectedSeq: 1 }))).rejects.toMatchObject(refusal);
    await pool.query(`GRANT INSERT ON "${schema}".journal TO ${role}`);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 1 }));
    expect((await store.load('r'))?.seq).toBe(2);
  });
});

describe.skipIf(!server)('what was damaged', () => {
  const damages: readonly (readonly [string, (schema: string) => string])[] = [
    ['a row of the journal is gone', (schema) => `DELETE FROM "${schema}".journal WHERE last_seq = 4`],
    [
      'a byte of an entry has changed',
      (schema) => `UPDATE "${schema}".journal SET entries = set_byte(entries, 40, 33) WHERE last_seq = 4`,
    ],
    [
      'a value is cut short',
      (schema) => `UPDATE "${schema}".journal SET entries = substring(entries FROM 1 FOR 3) WHERE last_seq = 4`,
    ],
    ['a part has changed', (schema) => `UPDATE "${schema}".parts SET value = set_byte(value, 5, 33)`],
    ['the summary has changed', (schema) => `UPDATE "${schema}".runs SET summary = set_byte(summary, 5, 33)`],
  ];
  it.each(damages)('is not opened: %s', async (_, sql) => {
    const schema = freshSchema();
    const store = openStore({ pool, schema });
    for (const expectedSeq of [0, 2, 4]) {
      await store.commit({ ...commitOf({ runId: 'r', expectedSeq, count: 2 }), checkpoint: { a: 'part' } });
    }
    await pool.query(sql(schema));
    await expect(store.load('r')).rejects.toMatchObject({ code: 'STORE_CORRUPT', place: `Run r in the schema ${schema}` });
  });
});

describe.skipIf(!server)('a connection', () => {
  it('may be the only one of its pool', async () => {
    const store = openStore({ pool: openPool({ ...server?.connection, max: 1 }) });
    const calls = Array.from({ length: 20 }, (_, index) => [
      store.commit(commitOf({ runId: `r${index}`, expectedSeq: 0 })),
      store.load(`r${index}`),
      store.list(),
    ]);
    await Promise.all(calls.flat());
    expect((await store.list()).runs).toHaveLength(20);
  });

  it('is used with settings of its own, whatever those of the role are: what was committed is on disk', async () => {
    const schema = freshSchema();
    const role = schema.replaceAll(' ', '_');
    await pool.query(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'secret'`);
    for (const setting of [
      'synchronous_commit = off',
      "default_transaction_isolation = 'serializable'",
      'default_transaction_read_only = on',
      "bytea_output = 'escape'",
      "search_path = ''",
    ]) {
      await pool.query(`ALTER ROLE ${role} SET ${setting}`);
    }
    const own = openPool({ ...server?.connection, user: role, password: 'secret' });
    const seen: unknown[] = [];
    const ask = async (client: PoolClient) => {
      const { rows } = await client.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
      seen.push(rows[0]?.synchronous_commit);
    };
    const store = openStore({ pool: overheard(own, ask), schema });
    const output = 'ä'.repeat(100);
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0, output }));
    expect((await store.load('r'))?.journal).toMatchObject([{ output }]);
    expect(seen).toEqual(['on', 'on', 'off']);
    expect(await valueIn(own, 'SHOW synchronous_commit')).toBe('off');
  });

  it('need not keep the names of statements, as some proxies between do not', async () => {
    const own = openPool({ ...server?.connection });
    const store = openStore({ pool: overheard(own, (client) => client.query('DEALLOCATE ALL')) });
    for (const expectedSeq of [0, 1, 2, 3]) await store.commit(commitOf({ runId: 'r', expectedSeq }));
    expect((await store.load('r'))?.seq).toBe(4);
  });

  /** The pool, where something is done before each COMMIT. */
  const overheard = (own: Pool, before: (client: PoolClient) => Promise<unknown>): PostgresPool => ({
    async connect() {
      const client = await own.connect();
      return {
        async query(statement) {
          if (statement.text === 'COMMIT') await before(client);
          return client.query(statement);
        },
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event, listener),
      };
    },
  });
});

describe.skipIf(!server)('commits of one turn', () => {
  /** A store, and how many transactions it has written in. */
  async function counted(): Promise<{ readonly store: RunStore; readonly transactions: () => Promise<unknown> }> {
    const schema = freshSchema();
    const store = openStore({ pool, schema });
    await store.list();
    return { store, transactions: () => valueIn(pool, `SELECT max(transactions)::int FROM "${schema}".writers`) };
  }

  it('go together: 1,000 runs with 5 commits each, 50 at a time, in a tenth as many transactions', async () => {
    const { store, transactions } = await counted();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let run = next++; run < 1_000; run = next++) {
        for (let seq = 0; seq < 5; seq += 1) await store.commit(commitOf({ runId: `run-${run}`, expectedSeq: seq }));
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    expect(await transactions()).toBeLessThanOrEqual(500);
    for (const run of [0, 499, 999]) expect((await store.load(`run-${run}`))?.seq).toBe(5);
  });

  it('are joined by claims, renewals and releases, and each is answered for itself', async () => {
    const { store, transactions } = await counted();
    const lease = { owner: 'one', at: 0, leaseMs: 100 };
    const outcomes = await Promise.allSettled([
      store.commit(commitOf({ runId: 'a', expectedSeq: 0 })),
      store.commit(commitOf({ runId: 'b', expectedSeq: 7 })),
      store.claim({ ...lease, runId: 'a' }),
      store.commit(commitOf({ runId: 'a', expectedSeq: 1 })),
      store.commit({ ...commitOf({ runId: 'a', expectedSeq: 1 }), fence: 1 }),
      store.renew(lease),
      store.claim({ ...lease, runId: 'no such run' }),
      store.release({ owner: 'one' }),
    ]);
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, false, true, true, true, true]);
    expect(outcomes[3]).toMatchObject({ reason: { code: 'STORE_CONFLICT', fence: 0, actualFence: 1 } });
    expect(await transactions()).toBe(1);
    expect(await store.load('a')).toMatchObject({ seq: 2, fence: 1 });
  });

  it('do not suffer for one that PostgreSQL refuses', async () => {
    const { store } = await counted();
    // More than an entry of an index may be, also when it is compressed.
    const runId = Array.from({ length: 5_000 }, (_, index) => String.fromCodePoint(0x4e00 + ((index * 7_919) % 20_000))).join('');
    const outcomes = await Promise.allSettled([
      store.commit(commitOf({ runId: 'a', expectedSeq: 0 })),
      store.commit(commitOf({ runId, expectedSeq: 0 })),
      store.commit(commitOf({ runId: 'b', expectedSeq: 0 })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE', cause: { code: '54000' } } });
    expect((await store.list()).runs.map((run) => run.runId)).toEqual(['a', 'b']);
  });

  it('are split where they are too large to travel together', async () => {
    const { store, transactions } = await counted();
    const outputs = Array.from({ length: 3 }, () => randomBytes(4_500_000).toString('base64'));
    await Promise.all(outputs.map((output, index) => store.commit(commitOf({ runId: `r${index}`, expectedSeq: 0, output }))));
    expect(await transactions()).toBe(3);
    for (const [index, output] of outputs.entries()) {
      const entry = (await store.load(`r${index}`))?.journal[0];
      expect(entry?.type === 'step.succeeded' && entry.output === output).toBe(true);
    }
  });
});
