import { type ConformanceCase, expectSame } from '../conformance-case.js';
import { commitOf, entriesOf, summaryOf } from '../store-samples.js';
import { createRuns, expectRefused, storeCase } from './store-case.js';
import type { Json, JsonObject } from '../../shared/json.js';
import type { Commit, RunStore } from '../../ports/store.js';

class Point {
  readonly x = 1;
}

/** What a program without types may hand in, and JSON cannot hold. */
function unstorable(): Readonly<Record<string, unknown>> {
  const itself: Record<string, unknown> = {};
  itself['list'] = [itself];
  return {
    NaN: NaN,
    Infinity: Infinity,
    'a bigint': 1n,
    'a function': () => 1,
    'a symbol': Symbol('s'),
    'undefined in a list': [1, undefined],
    'a list with a hole': Array(2),
    'a Date': new Date(0),
    'a Map': new Map([['a', 1]]),
    'a Set': new Set([1]),
    bytes: new Uint8Array(2),
    'an instance of a class': new Point(),
    'what refers to itself': itself,
    'what is nested deeper than calls can be': JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown,
  };
}

/** Every place of a commit that takes any JSON. */
const places: Readonly<Record<string, (commit: Commit, value: Json) => Commit>> = {
  'an output': (commit, output) => ({ ...commit, entries: entriesOf({ from: commit.expectedSeq + 1, output }) }),
  'the second of two entries': (commit, value) => ({
    ...commit,
    entries: [...commit.entries, ...entriesOf({ from: commit.expectedSeq + 2, output: { deep: [{ value }] } })],
  }),
  'the scope': (commit, value) => ({ ...commit, summary: { ...commit.summary, scope: { value } } }),
  'a checkpoint': (commit, value) => ({ ...commit, checkpoint: { sound: 1, value } }),
  'a checkpoint without entries': (commit, value) => ({ ...commit, entries: [], checkpoint: { value: { value } } }),
};

/** A literal type has no member of this name, so that it is told apart from one that inherits it. */
const hostileMembers = JSON.parse('{"__proto__": {"admin": true}, "constructor": null, "toString": 1, "": 2}') as JsonObject;

/** What may be stored, and what is refused. */
export const values: readonly ConformanceCase<RunStore>[] = [
  storeCase('refuses what JSON cannot hold, wherever it stands, and writes nothing', async (store) => {
    await createRuns(store, 'r');
    for (const [kind, value] of Object.entries(unstorable())) {
      for (const [place, put] of Object.entries(places)) {
        const commit = put(commitOf({ runId: 'r', expectedSeq: 1, status: 'failed' }), value as Json);
        await expectRefused(store, { rule: `${kind} in ${place}`, code: 'STORE_VALUE', commit });
      }
    }
    expectSame('the listing', { actual: await store.list(), expected: { runs: [summaryOf({ runId: 'r' })] } });
  }),
  storeCase('makes no run of what it refused', async (store) => {
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output: NaN });
    await expectRefused(store, { rule: 'NaN in a new run', code: 'STORE_VALUE', commit });
    expectSame('the listing', { actual: await store.list(), expected: { runs: [] } });
    await store.commit(commitOf({ runId: 'r', expectedSeq: 0 }));
  }),
  storeCase('takes a member that is undefined for absent', async (store) => {
    const output = { kept: 1, gone: undefined, inner: [{ gone: undefined }] };
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output });
    const scope = { kept: 'a', gone: undefined };
    const checkpoint = { part: { gone: undefined }, none: undefined } as unknown as Commit['checkpoint'];
    await store.commit({ ...commit, summary: { ...commit.summary, scope }, ...(checkpoint && { checkpoint }) });
    const stored = await store.load('r');
    expectSame('the output', {
      actual: stored?.journal,
      expected: entriesOf({ from: 1, output: { kept: 1, inner: [{}] } }),
    });
    expectSame('names of members', {
      actual: [Object.keys(stored?.summary.scope ?? {}), Object.keys(stored?.checkpoint ?? {})],
      expected: [['kept'], ['part']],
    });
    expectSame('the part', { actual: Object.keys((stored?.checkpoint?.['part'] ?? {}) as JsonObject), expected: [] });
  }),
  storeCase('keeps members whatever they are called, and numbers to the last digit', async (store) => {
    const numbers = [0.1, 1e21, 5e-324, -1.5, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, 0.1 + 0.2];
    const output = { hostile: hostileMembers, numbers, empty: [{}, [], '', null, false] };
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output });
    const given = { ...commit, summary: { ...commit.summary, scope: hostileMembers }, checkpoint: { output } };
    await store.commit(given);
    const expected = { summary: given.summary, seq: 1, fence: 0, checkpoint: { output }, journal: commit.entries };
    const actual = await store.load('r');
    expectSame('the run', { actual, expected });
    expectSame('the listing', { actual: (await store.list()).runs[0]?.scope, expected: hostileMembers });
    expectSame('what nobody gave', { actual: ({} as Record<string, unknown>)['admin'], expected: undefined });
  }),
  storeCase('keeps what is nested 1,000 levels deep', async (store) => {
    const output = JSON.parse('[{"a":'.repeat(500) + '1' + '}]'.repeat(500)) as Json;
    const commit = commitOf({ runId: 'r', expectedSeq: 0, output });
    await store.commit({ ...commit, checkpoint: { output } });
    const stored = await store.load('r');
    const texts = [stored?.journal, stored?.checkpoint?.['output']].map((value) => JSON.stringify(value));
    expectSame('the output, as entry and as part', {
      actual: texts,
      expected: [JSON.stringify(commit.entries), JSON.stringify(output)],
    });
  }),
];
