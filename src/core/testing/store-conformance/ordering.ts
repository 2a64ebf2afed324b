import { type ConformanceCase, ConformanceError, expectRejection, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf, summaryOf } from '../store-samples.js';
import { createRuns, storeCase } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

/** What holds of commits that nobody waits for one by one. */
export const ordering: readonly ConformanceCase<RunStore>[] = [
  storeCase('lets exactly one of many writers win, round after round', async (store) => {
    await createRuns(store, 'r');
    for (let round = 1; round <= 10; round += 1) {
      const writers = Array.from({ length: 8 }, (_, index) =>
        store.commit(commitOf({ runId: 'r', expectedSeq: round, output: `${round}-${index}` })),
      );
      const outcomes = await Promise.allSettled(writers);
      const winners = [...outcomes.keys()].filter((index) => outcomes[index]?.status === 'fulfilled');
      expectSame(`winners of round ${round}`, { actual: winners.length, expected: 1 });
      for (const [index, from] of writers.entries()) {
        if (!winners.includes(index)) await expectRejection('the others', { code: 'STORE_CONFLICT', from });
      }
      const stored = await store.load('r');
      const expected = entriesOf({ from: round + 1, output: `${round}-${winners[0] ?? ''}` });
      expectSame('what is stored is what the winner wrote', {
        actual: [stored?.seq, stored?.journal.slice(-1)],
        expected: [round + 1, expected],
      });
    }
  }),
  storeCase('takes commits of one run in the order in which they come, without a wait between them', async (store) => {
    const settled: number[] = [];
    const writes = Array.from({ length: 50 }, (_, index) =>
      store
        .commit({
          ...commitOf({ runId: 'r', expectedSeq: index, output: index }),
          checkpoint: { newest: index, [`p${index}`]: index },
        })
        .then(() => settled.push(index)),
    );
    await Promise.all(writes);
    expectSame('the order of the answers', { actual: settled, expected: [...writes.keys()] });
    const stored = await store.load('r');
    const outputs = stored?.journal.map((entry) => (entry.type === 'step.succeeded' ? entry.output : undefined));
    expectSame('the outputs', { actual: outputs, expected: [...writes.keys()] });
    expectSame('the newest part', { actual: stored?.checkpoint?.['newest'], expected: 49 });
    expectSame('the parts', { actual: Object.keys(stored?.checkpoint ?? {}).length, expected: 51 });
  }),
  storeCase('refuses what comes out of order while a commit is on its way, and loses nothing for it', async (store) => {
    const early = store.commit(commitOf({ runId: 'r', expectedSeq: 1, output: 'early' }));
    const first = store.commit(commitOf({ runId: 'r', expectedSeq: 0, output: 'first' }));
    const again = store.commit(commitOf({ runId: 'r', expectedSeq: 0, output: 'again' }));
    const ahead = store.commit(commitOf({ runId: 'r', expectedSeq: 5, output: 'ahead' }));
    const second = store.commit(commitOf({ runId: 'r', expectedSeq: 1, output: 'second' }));
    await Promise.allSettled([early, first, again, ahead, second]);
    await Promise.all([first, second]);
    for (const from of [early, again, ahead]) await expectRejection('out of order', { code: 'STORE_CONFLICT', from });
    const expected = [...entriesOf({ from: 1, output: 'first' }), ...entriesOf({ from: 2, output: 'second' })];
    expectSame('the journal', { actual: (await store.load('r'))?.journal, expected });
  }),
  storeCase('lets commits of other runs be when some of the same moment are refused', async (store) => {
    await createRuns(store, 'taken');
    const runIds = Array.from({ length: 30 }, (_, index) => `run-${String(index).padStart(2, '0')}`);
    const bad = {
      STORE_CONFLICT: commitOf({ runId: 'taken', expectedSeq: 0, output: 'late' }),
      STORE_VALUE: commitOf({ runId: 'bad value', expectedSeq: 0, output: NaN }),
      INVARIANT: { ...commitOf({ runId: 'bad entries', expectedSeq: 0 }), entries: entriesOf({ from: 2 }) },
    };
    const refused = new Map<string, Promise<unknown>>();
    const writes = runIds.map((runId, index) => {
      if (index % 10 === 5)
        for (const [code, commit] of Object.entries(bad)) refused.set(`${code} ${index}`, store.commit(commit));
      return store.commit(commitOf({ runId, expectedSeq: 0, output: runId }));
    });
    const outcomes = await Promise.allSettled([...writes, ...refused.values()]);
    expectSame('commits that succeeded', {
      actual: outcomes.filter(({ status }) => status === 'fulfilled').length,
      expected: runIds.length,
    });
    for (const [name, from] of refused) await expectRejection(name, { code: name.split(' ')[0] ?? '', from });
    for (const [index, runId] of runIds.entries()) {
      await writes[index];
      const expected = entriesOf({ from: 1, output: runId });
      expectSame(`the journal of ${runId}`, { actual: (await store.load(runId))?.journal, expected });
    }
    expectSame('the listing', {
      actual: (await store.list()).runs.map(({ runId }) => runId),
      expected: [...runIds, 'taken'],
    });
  }),
  storeCase('takes claims and commits of the same moment one after the other', async (store) => {
    await createRuns(store, 'r');
    const fence = store.claim({ runId: 'r', owner: 'one', at: 1_000, leaseMs: 100 });
    const [claim, unclaimed] = await Promise.allSettled([fence, store.commit(commitOf({ runId: 'r', expectedSeq: 1 }))]);
    expectSame('the claim', { actual: claim.status, expected: 'fulfilled' });
    const { seq, fence: newest = 0 } = (await store.load('r')) ?? {};
    expectSame('entries, by whether the commit came first', { actual: seq, expected: unclaimed.status === 'fulfilled' ? 2 : 1 });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: seq ?? 0 }), fence: newest });
  }),
  storeCase('says what a commit has cost, in whole bytes', async (store) => {
    for (const [expectedSeq, output] of ['small', 'large '.repeat(10_000)].entries()) {
      const { bytes } = await store.commit(commitOf({ runId: 'r', expectedSeq, output }));
      if (!Number.isSafeInteger(bytes) || bytes < 0)
        throw new ConformanceError('bytes of a receipt', 'a whole number from 0', bytes);
    }
  }),
  storeCase('refuses the summary of another run', async (store) => {
    const commit = { ...commitOf({ runId: 'r', expectedSeq: 0 }), summary: summaryOf({ runId: 'other' }) };
    await expectRejection('a commit', { code: 'INVARIANT', from: store.commit(commit) });
    expectSame('the listing', { actual: await store.list(), expected: { runs: [] } });
  }),
];
