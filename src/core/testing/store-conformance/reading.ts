import { type ConformanceCase, ConformanceError, expectSame } from '../conformance-case.js';
import { commitOf, hostileText } from '../store-samples.js';
import { storeCase } from './store-case.js';
import type { RunStore } from '../../ports/store.js';

/** What is read is what was written. */
export const reading: readonly ConformanceCase<RunStore>[] = [
  storeCase('loads what was committed, over several commits', async (store) => {
    const first = commitOf({ runId: 'r', expectedSeq: 0, count: 2 });
    const second = commitOf({ runId: 'r', expectedSeq: 2, count: 3, status: 'executing' });
    await store.commit(first);
    await store.commit(second);
    const actual = await store.load('r');
    const expected = { summary: second.summary, seq: 5, fence: 0, journal: [...first.entries, ...second.entries] };
    expectSame('load() gives every entry and the newest summary', { actual, expected });
  }),
  storeCase('knows nothing of a run that was never committed', async (store) => {
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
    expectSame('load() of an unknown run', { actual: await store.load('other'), expected: undefined });
    expectSame('load() of a name that objects inherit', { actual: await store.load('constructor'), expected: undefined });
  }),
  storeCase('gives the newest checkpoint and at least the entries after it', async (store) => {
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 0, count: 2 }), checkpoint: { at: 2, keys: ['a'] } });
    await store.commit({ ...commitOf({ runId: 'r', expectedSeq: 2, count: 2 }), checkpoint: { at: 4 } });
    const last = commitOf({ runId: 'r', expectedSeq: 4, count: 2 });
    await store.commit(last);
    const stored = await store.load('r');
    expectSame('the parts of both, the newer where they share a name', {
      actual: stored?.checkpoint,
      expected: { at: 4, keys: ['a'] },
    });
    expectSame('the newest seq', { actual: stored?.seq, expected: 6 });
    expectSame('the entries after the checkpoint', { actual: stored?.journal.slice(-2), expected: last.entries });
  }),
  storeCase('keeps text of every kind, as value and as run id', async (store) => {
    for (const text of hostileText) {
      const commit = commitOf({ runId: text, expectedSeq: 0, output: { [text]: text, list: [text, null, true, 0.1] } });
      await store.commit(commit);
      const actual = (await store.load(text))?.journal;
      expectSame(`a run named ${JSON.stringify(text)}`, { actual, expected: commit.entries });
    }
    const { runs } = await store.list({ limit: hostileText.length });
    expectSame('each is a run of its own', { actual: runs.map((run) => run.runId).sort(), expected: [...hostileText].sort() });
  }),
  storeCase('keeps an output of 10 MB', async (store) => {
    const output = 'päper '.repeat(1_500_000);
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output });
    await store.commit(commit);
    const entry = (await store.load('r'))?.journal[0];
    if (entry?.type !== 'step.succeeded' || entry.output !== output) {
      throw new ConformanceError('an output of 10 MB comes back', 'the same text', 'another');
    }
  }),
];
