import { type ConformanceCase, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf } from '../store-samples.js';
import { type StoreMedium, mediumCase } from './medium.js';
import { createRuns, fenceOf } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

const at = 1_000_000;
const leaseMs = 100;

/** A case with two stores that are open on one medium, as two processes have them. */
const pairCase = (name: string, check: (left: RunStore, right: RunStore) => Promise<void>): ConformanceCase<StoreMedium> =>
  mediumCase(name, async (open) => check(await open(), await open()));

/** Two stores on one medium. */
export const concurrent: readonly ConformanceCase<StoreMedium>[] = [
  pairCase('sees at once what another store has committed', async (left, right) => {
    expectSame('before', { actual: await right.list(), expected: { runs: [] } });
    for (let seq = 0; seq < 6; seq += 1) {
      const [writer, reader] = seq % 2 === 0 ? [left, right] : [right, left];
      const commit = { ...commitOf({ runId: 'r', expectedSeq: seq, output: seq }), checkpoint: { newest: seq } };
      await writer.commit(seq === 4 ? { ...commit, compactTo: 3 } : commit);
      const stored = await reader.load('r');
      expectSame('seq and part', { actual: [stored?.seq, stored?.checkpoint], expected: [seq + 1, { newest: seq }] });
      expectSame('the newest entry', {
        actual: await reader.journal('r', { after: seq }),
        expected: entriesOf({ from: seq + 1, output: seq }),
      });
      expectSame('the listing', { actual: (await reader.list()).runs.length, expected: 1 });
    }
    expectSame('what was dropped', { actual: (await right.load('r'))?.journal.map(({ seq }) => seq), expected: [4, 5, 6] });
  }),
  pairCase('lets exactly one of two stores create a run', async (left, right) => {
    for (let round = 0; round < 10; round += 1) {
      const runId = `r${round}`;
      const writes = [left, right].map((store, output) => store.commit(commitOf({ runId, expectedSeq: 0, output })));
      const outcomes = await Promise.allSettled(writes);
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      await expectRejection('the other', { code: 'STORE_CONFLICT', from: Promise.all(writes) });
      const expected = entriesOf({ from: 1, output: winner });
      for (const store of [left, right]) {
        expectSame('what is stored is what the winner wrote', { actual: (await store.load(runId))?.journal, expected });
      }
    }
  }),
  pairCase('lets exactly one of the writers of two stores win, round after round', async (left, right) => {
    await createRuns(left, 'r');
    for (let round = 1; round <= 10; round += 1) {
      const stores = [left, right, left, right, right, left];
      const writes = stores.map((store, output) => store.commit(commitOf({ runId: 'r', expectedSeq: round, output })));
      const outcomes = await Promise.allSettled(writes);
      const winners = [...outcomes.keys()].filter((index) => outcomes[index]?.status === 'fulfilled');
      expectSame(`winners of round ${round}`, { actual: winners.length, expected: 1 });
      await expectRejection('the others', { code: 'STORE_CONFLICT', from: Promise.all(writes) });
      const expected = entriesOf({ from: round + 1, output: winners[0] ?? null });
      expectSame('the newest entry', { actual: await left.journal('r', { after: round }), expected });
    }
    expectSame('seq', { actual: (await right.load('r'))?.seq, expected: 11 });
  }),
  pairCase('grants a run to exactly one of the owners of two stores, and fences the other off', async (left, right) => {
    await createRuns(left, 'r');
    for (let round = 0; round < 10; round += 1) {
      const request = { runId: 'r', at: at + round * leaseMs, leaseMs };
      const [first, second] = await Promise.all([
        left.claim({ ...request, owner: `left ${round}` }),
        right.claim({ ...request, owner: `right ${round}` }),
      ]);
      expectSame('answers', { actual: [first.kind, second.kind].sort(), expected: ['claimed', 'held'] });
      const [winner, loser] = first.kind === 'claimed' ? [left, right] : [right, left];
      const fence = first.kind === 'claimed' ? first.fence : second.kind === 'claimed' ? second.fence : 0;
      const commit = commitOf({ runId: 'r', expectedSeq: round + 1 });
      await expectRejection('a writer without the claim', {
        code: 'STORE_CONFLICT',
        from: loser.commit({ ...commit, fence: fence - 1 }),
      });
      await winner.commit({ ...commit, fence });
    }
  }),
  pairCase('knows of renewals and releases in another store', async (left, right) => {
    await createRuns(left, 'q', 'r');
    const one = { owner: 'one', at, leaseMs };
    const two = { owner: 'two', at: at + leaseMs + 1, leaseMs };
    const fence = await fenceOf(left, { ...one, runId: 'r' });
    await left.claim({ ...one, runId: 'q' });
    await left.renew({ ...one, at: at + 50 });
    const held = { kind: 'held', owner: 'one', until: at + 50 + leaseMs };
    expectSame('after a renewal', { actual: await right.claim({ ...two, runId: 'r' }), expected: held });
    await left.release({ owner: 'one', runId: 'q' });
    expectSame('a run that was released', { actual: (await right.claim({ ...two, runId: 'q' })).kind, expected: 'claimed' });
    expectSame('another run', { actual: await right.claim({ ...two, runId: 'r' }), expected: held });
    await right.claim({ ...two, runId: 'r', insteadOf: 'one' });
    await expectRejection('the owner that was passed over', {
      code: 'STORE_CONFLICT',
      from: left.commit({ ...commitOf({ runId: 'r', expectedSeq: 1 }), fence }),
    });
  }),
  pairCase('writes many runs from both sides, and goes on when one side is closed', async (left, right) => {
    const runIds = Array.from({ length: 60 }, (_, index) => `r${String(index).padStart(2, '0')}`);
    const stores = [left, right] as const;
    await Promise.all(runIds.map((runId, index) => stores[index % 2 === 0 ? 0 : 1].commit(commitOf({ runId, expectedSeq: 0 }))));
    await Promise.all(
      runIds.map((runId, index) => stores[index % 2 === 0 ? 1 : 0].commit(commitOf({ runId, expectedSeq: 1, output: runId }))),
    );
    await left.close();
    for (const runId of runIds) await right.commit(commitOf({ runId, expectedSeq: 2 }));
    const { runs } = await right.list();
    expectSame('the listing', { actual: runs.map(({ runId }) => runId), expected: runIds });
    for (const runId of runIds) {
      const expected = [...entriesOf({ from: 1 }), ...entriesOf({ from: 2, output: runId }), ...entriesOf({ from: 3 })];
      expectSame(runId, { actual: await right.journal(runId), expected });
    }
  }),
];
