import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createReadyQueue } from '../../../src/core/kernel/ready-queue.js';

const ranks = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 60 });
const sorted = (indices: readonly number[], rank: readonly number[]) => [...indices].sort((a, b) => rank[a]! - rank[b]! || a - b);

describe('the queue of ready steps', () => {
  it('gives the lowest rank first and the lowest index among equals, whatever comes and goes meanwhile', () => {
    const moves = fc.array(fc.option(fc.nat(), { nil: undefined, freq: 2 }), { maxLength: 200 });
    fc.assert(
      fc.property(ranks, moves, (rank, sequence) => {
        const queue = createReadyQueue((index) => rank[index]!);
        let model: number[] = [];
        for (const pick of sequence) {
          if (pick === undefined) {
            queue.pop();
            model = model.slice(1);
          } else {
            queue.push(pick % rank.length);
            model = sorted([...model, pick % rank.length], rank);
          }
          expect(queue.peek()).toBe(model[0]);
        }
      }),
    );
  });

  it('forgets what was there when it is filled anew', () => {
    fc.assert(
      fc.property(ranks, fc.array(fc.nat()), (rank, before) => {
        const queue = createReadyQueue((index) => rank[index]!);
        for (const pick of before) queue.push(pick % rank.length);
        queue.reset(rank.keys());
        const drained = rank.map(() => {
          const index = queue.peek();
          queue.pop();
          return index;
        });
        expect(drained).toEqual(sorted([...rank.keys()], rank));
        expect(queue.peek()).toBeUndefined();
      }),
    );
  });
});
