import fc from 'fast-check';
import {
  checkCommitPlace,
  checkCommitShape,
  InvariantError,
  StoreConflictError,
  StoreValueError,
  type Commit,
  type Json,
} from 'planwright';
import { describe, expect, it } from 'vitest';

import { commitOf, entriesOf, summaryOf } from '../../../src/core/testing/store-samples.js';

const sound: fc.Arbitrary<Commit> = fc
  .record({
    expectedSeq: fc.nat(1_000),
    count: fc.nat(5),
    checkpoint: fc.option(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), { nil: undefined }),
    dropped: fc.option(fc.nat(1_100), { nil: undefined }),
  })
  .map(({ expectedSeq, count, checkpoint, dropped }) => {
    const least = checkpoint === undefined || expectedSeq === 0 ? 1 : 0;
    const commit = commitOf({ runId: 'r', expectedSeq, count: Math.max(least, count) });
    const newest = expectedSeq + commit.entries.length;
    return {
      ...commit,
      ...(checkpoint && { checkpoint: checkpoint }),
      ...(dropped !== undefined && { compactTo: Math.min(dropped, newest) }),
    };
  });

describe('the shape of a commit', () => {
  it('is right wherever entries follow on expectedSeq without a hole', () => {
    fc.assert(
      fc.property(sound, (commit) => {
        expect(() => checkCommitShape(commit)).not.toThrow();
      }),
    );
  });

  it('is wrong wherever one entry has another seq', () => {
    fc.assert(
      fc.property(sound, fc.nat(), fc.oneof(fc.integer(), fc.constantFrom(NaN, 0.5, Infinity)), (commit, nth, seq) => {
        const index = nth % Math.max(1, commit.entries.length);
        fc.pre(commit.entries.length > 0 && commit.entries[index]?.seq !== seq);
        const entries = commit.entries.map((entry, at) => (at === index ? { ...entry, seq } : entry));
        expect(() => checkCommitShape({ ...commit, entries })).toThrow(InvariantError);
      }),
    );
  });

  it('is wrong wherever more is dropped than there is, or no whole number of entries', () => {
    fc.assert(
      fc.property(sound, fc.oneof(fc.integer({ min: 1 }), fc.constantFrom(NaN, Infinity, -Infinity)), (commit, more) => {
        const newest = commit.expectedSeq + commit.entries.length;
        for (const compactTo of [newest + more, -more, newest - 0.5]) {
          expect(() => checkCommitShape({ ...commit, compactTo })).toThrow(InvariantError);
        }
      }),
    );
  });

  it('is wrong without content, and for a new run without an entry', () => {
    const empty = commitOf({ runId: 'r', expectedSeq: 3, count: 0 });
    expect(() => checkCommitShape(empty)).toThrow(/at least one, or a checkpoint/);
    expect(() => checkCommitShape({ ...empty, compactTo: 2 })).toThrow(InvariantError);
    expect(() => checkCommitShape({ ...empty, checkpoint: {} })).not.toThrow();
    expect(() => checkCommitShape({ ...empty, expectedSeq: 0, checkpoint: { a: 1 } })).toThrow(/begins with at least one/);
  });

  it('is wrong with the summary of another run', () => {
    const commit = { ...commitOf({ runId: 'r', expectedSeq: 0 }), summary: summaryOf({ runId: 'other' }) };
    expect(() => checkCommitShape(commit)).toThrow(/run r has the summary of run other/);
  });

  it('is wrong with what JSON cannot hold, and says where', () => {
    const commit = commitOf({ runId: 'r', expectedSeq: 0 });
    const shapes: readonly (readonly [Commit, string])[] = [
      [{ ...commit, entries: entriesOf({ from: 1, output: { rate: NaN } }) }, 'at entries.0.output.rate, it is NaN.'],
      [{ ...commit, summary: { ...commit.summary, scope: { at: new Date(0) as never } } }, 'at summary.scope.at, it is an'],
      [{ ...commit, checkpoint: { part: [undefined] as unknown as Json } }, 'at checkpoint.part.0, it is undefined.'],
    ];
    for (const [faulty, said] of shapes) {
      expect(() => checkCommitShape(faulty)).toThrow(StoreValueError);
      expect(() => checkCommitShape(faulty)).toThrow(said);
    }
  });
});

describe('the place of a commit', () => {
  const number = fc.nat(3);
  it('is right only at the newest seq, under the newest fence', () => {
    fc.assert(
      fc.property(number, number, number, number, (expectedSeq, fence, seq, newest) => {
        const check = () => checkCommitPlace({ runId: 'r', expectedSeq, fence }, { seq, fence: newest });
        if (expectedSeq === seq && fence === newest) expect(check).not.toThrow();
        else
          expect(check).toThrow(
            expect.objectContaining({ code: 'STORE_CONFLICT', expectedSeq, actualSeq: seq, fence, actualFence: newest }),
          );
      }),
    );
  });

  it('tells a writer that has lost its claim from one that is behind', () => {
    const at = (commit: { expectedSeq: number; fence: number }) => {
      return () => checkCommitPlace({ runId: 'r', ...commit }, { seq: 4, fence: 2 });
    };
    expect(at({ expectedSeq: 4, fence: 1 })).toThrow(/belongs to another process/);
    expect(at({ expectedSeq: 3, fence: 2 })).toThrow(/at entry 4, expected 3/);
    expect(at({ expectedSeq: NaN, fence: 2 })).toThrow(StoreConflictError);
  });
});
