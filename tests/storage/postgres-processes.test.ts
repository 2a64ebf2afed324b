import type { RunStore } from 'planwright';
import { createPostgresStore } from 'planwright/storage/postgres';
import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { startChild } from './support/postgres-processes.js';
import { postgresServer } from './support/postgres-server.js';
import { freshSchema, openPool, openStore, valueIn } from './support/postgres-store.js';

const server = await postgresServer();
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const longMs = 900_000;

/** Stores on one schema, each with connections of its own, as in as many processes. */
function openStores(count: number, schema = freshSchema()): readonly RunStore[] {
  return Array.from({ length: count }, () => openStore({ pool: openPool({ ...server?.connection, max: 3 }), schema }));
}

/** The same, with all their connections ended by `close`. */
function openApart(count: number): { readonly stores: readonly RunStore[]; readonly close: () => Promise<void> } {
  const schema = freshSchema();
  const pools = numbers(count).map(() => new Pool({ ...server?.connection }));
  const stores = pools.map((pool) => createPostgresStore({ pool, schema }));
  return {
    stores,
    async close() {
      for (const store of stores) await store.close();
      for (const pool of pools) await pool.end();
    },
  };
}

/** Deadlocks so far, as the server knows when the connections that met them have ended. The store would have tried again after each. */
const deadlocks = (): Promise<unknown> =>
  valueIn(openPool({ ...server?.connection }), 'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()');

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => '',
    (error: unknown) => String((error as { code?: unknown }).code),
  );

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe.skipIf(!server)('several processes on one database', () => {
  it('CX-18: lose no write to a run that all of them write, and store none twice', async () => {
    const stores = openStores(3);
    const count = 40;
    const conflicts = await Promise.all(
      stores.map(async (store, writer) => {
        let refused = 0;
        for (let written = 0; written < count;) {
          const { seq = 0 } = (await store.load('r')) ?? {};
          const code = await codeOf(store.commit(commitOf({ runId: 'r', expectedSeq: seq, output: `w${writer} ${written}` })));
          if (code === '') written += 1;
          else refused += 1;
          expect(['', 'STORE_CONFLICT']).toContain(code);
        }
        return refused;
      }),
    );
    const run = await stores[0]?.load('r');
    const outputs = run?.journal.map((entry) => (entry.type === 'step.succeeded' ? entry.output : ''));
    const expected = stores.flatMap((_, writer) => numbers(count).map((index) => `w${writer} ${index}`));
    expect([...(outputs ?? [])].sort()).toEqual(expected.sort());
    expect(conflicts.reduce((sum, refused) => sum + refused, 0)).toBeGreaterThan(0);
  });

  it('CX-18: let one of them create each run, in whatever order they ask', async () => {
    const { stores, close } = openApart(3);
    // The tables first: to make them, they wait for each other.
    await Promise.all(stores.map((store) => store.list()));
    for (let round = 0; round < (isLong ? 100 : 8); round += 1) {
      const runIds = numbers(40).map((index) => `run ${round}.${index}`);
      const created = await Promise.all(
        stores.map((store, index) => {
          const order = index % 2 === 0 ? runIds : [...runIds].reverse();
          return Promise.all(
            order.map(
              async (runId) => [runId, await codeOf(store.commit(commitOf({ runId, expectedSeq: 0, output: index })))] as const,
            ),
          );
        }),
      );
      const codes = created.map((outcomes) => new Map(outcomes));
      for (const runId of runIds) {
        const answers = codes.map((of) => of.get(runId));
        expect([...answers].sort()).toEqual(['', 'STORE_CONFLICT', 'STORE_CONFLICT']);
        const run = await stores[0]?.load(runId);
        expect(run?.journal).toMatchObject([{ seq: 1, output: answers.indexOf('') }]);
      }
    }
    await close();
    expect(await deadlocks()).toBe(0);
  });

  it('never lock each other out when groups of commits, claims and releases cross in every order', async () => {
    const { stores, close } = openApart(3);
    const runIds = numbers(12).map((index) => `run-${index}`);
    await Promise.all(runIds.map((runId) => stores[0]!.commit(commitOf({ runId, expectedSeq: 0 }))));
    const granted = await Promise.all(
      stores.map(async (store, index) => {
        const owner = `owner ${index}`;
        const fences: string[] = [];
        for (let round = 0; round < (isLong ? 500 : 60); round += 1) {
          const order = runIds.map((_, place) => runIds[(place * 5 + round * (index + 1)) % runIds.length]!);
          const answers = await Promise.all(order.map((runId) => store.claim({ runId, owner, at: 0, leaseMs: 1_000 })));
          const commits = answers.map(async (answer, place) => {
            if (answer.kind !== 'claimed') return;
            const runId = order[place]!;
            fences.push(`${runId} ${answer.fence}`);
            await store.commit({ ...commitOf({ runId, expectedSeq: answer.seq }), fence: answer.fence });
          });
          await Promise.all([...commits, store.release({ owner })]);
        }
        return fences;
      }),
    );
    const all = granted.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(12);
    await close();
    expect(await deadlocks()).toBe(0);
  });

  it('HB-37: refuse a write to a run that another of them owns, also from the owner before it', async () => {
    const [a, b] = openStores(2) as readonly [RunStore, RunStore];
    const late = commitOf({ runId: 'r', expectedSeq: 1, output: 'late' });
    await a.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expect(await a.claim({ runId: 'r', owner: 'a', at: 0, leaseMs: 100 })).toMatchObject({ kind: 'claimed', fence: 1 });
    for (const fence of [0, 2]) expect(await codeOf(b.commit({ ...late, fence }))).toBe('STORE_CONFLICT');
    expect(await b.claim({ runId: 'r', owner: 'b', at: 100, leaseMs: 100 })).toMatchObject({ kind: 'claimed', fence: 2 });
    // A has slept and does not know.
    await a.renew({ owner: 'a', at: 101, leaseMs: 1_000 });
    expect(await codeOf(a.commit({ ...late, fence: 1 }))).toBe('STORE_CONFLICT');
    await b.commit({ ...late, fence: 2 });
    expect((await a.load('r'))?.seq).toBe(2);
  });

  it('HB-62: share the runs between them: two that take up the same runs at once start none twice and leave none', async () => {
    const schema = freshSchema();
    const [store] = openStores(1, schema) as readonly [RunStore];
    const runIds = numbers(200).map((index) => `run-${index}`);
    await Promise.all(runIds.map((runId) => store.commit(commitOf({ runId, expectedSeq: 0 }))));
    const children = ['one', 'two'].map((owner) => startChild(server!.connection, { schema, owner, kind: 'claim', runIds }));
    await Promise.all(children.map(({ ended }) => ended));
    const started = children.flatMap(({ lines }) => lines.map((line) => line.replace('started ', '')));
    expect(started.sort()).toEqual([...runIds].sort());
  });

  it(
    'CC-21: keep every commit that was acknowledged before its process was killed',
    async () => {
      const schema = freshSchema();
      const [store] = openStores(1, schema) as readonly [RunStore];
      await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
      for (let kills = 0; kills < (isLong ? 60 : 4); kills += 1) {
        const child = startChild(server!.connection, { schema, owner: 'dead', kind: 'write', runIds: ['r'] });
        await child.said('claimed');
        await child.said('stored', 2 + ((kills * 17) % 40));
        child.signal('SIGKILL');
        await child.ended;
        const acknowledged = Number(child.lines.at(-1)?.split(' ')[1]);
        const run = await store.load('r');
        // Its last transaction may still have been at work.
        expect(run?.seq).toBeGreaterThanOrEqual(acknowledged);
        expect(run?.journal.map(({ seq }) => seq)).toEqual(numbers(run?.seq ?? 0).map((index) => index + 1));
      }
    },
    longMs,
  );

  it(
    'refuse all that a process writes late which was frozen while another took its run',
    async () => {
      const schema = freshSchema();
      const [store] = openStores(1, schema) as readonly [RunStore];
      for (let freezes = 0; freezes < (isLong ? 60 : 3); freezes += 1) {
        const runId = `run ${freezes}`;
        await store.commit(commitOf({ runId, expectedSeq: 0 }));
        const options = { schema, owner: 'zombie', kind: 'write', runIds: [runId], lockTimeoutMs: 3_000 } as const;
        const zombie = startChild(server!.connection, options);
        await zombie.said('stored', freezes % 20);
        zombie.signal('SIGSTOP');
        // Where it was frozen in the middle of a transaction, its locks are waited for.
        const claim = await store.claim({ runId, owner: 'next', at: 0, leaseMs: 1_000, insteadOf: 'zombie' });
        expect(claim).toMatchObject({ kind: 'claimed', fence: 2 });
        const seq = claim.kind === 'claimed' ? claim.seq : 0;
        await store.commit({ ...commitOf({ runId, expectedSeq: seq, output: 'next' }), fence: 2 });
        zombie.signal('SIGCONT');
        expect(await zombie.said('refused')).toBe('refused STORE_CONFLICT');
        const run = await store.load(runId);
        expect(run?.seq).toBe(seq + 1);
        expect(run?.journal.at(-1)).toMatchObject({ output: 'next' });
        const acknowledged = zombie.lines.filter((line) => line.startsWith('stored')).length;
        // It may not have been told of its last one, and has then found out.
        expect(seq - 1).toBe(acknowledged);
      }
    },
    longMs,
  );
});
