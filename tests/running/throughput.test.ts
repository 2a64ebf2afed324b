import { describe, expect, it } from 'vitest';

import { throughputOf } from './support/throughput.js';

describe('fifty workers on one tool that takes ten calls a second', () => {
  const tool = { limit: 10, intervalMs: 1_000 };

  it.each([
    [1, 50],
    [5, 10],
    [50, 1],
  ])('HB-52 HB-58 HB-63 get ten a second, and nobody waits twice as long as is fair, in %i runs of %i', async (runs, workers) => {
    const { calls, perSecond, longestWaitMs, mostInInterval } = await throughputOf({
      runs,
      workers,
      calls: 10,
      callMs: 30,
      tool,
    });
    expect(calls).toBe(500);
    expect(mostInInterval).toBe(10);
    expect(perSecond).toBeGreaterThanOrEqual(9.8);
    expect(perSecond).toBeLessThanOrEqual(10.2);
    // A fiftieth of ten a second is a call every five seconds.
    expect(longestWaitMs).toBeLessThanOrEqual(2 * 5_000);
  });
});

describe('throughput', () => {
  it.each(['graph', 'supervisor'] as const)(
    'HB-58 HB-63 rises with concurrency until the limit of the tool, and is flat at it, in a %s',
    async (topology) => {
      const tool = { limit: 4, intervalMs: 1_000 };
      const measured: number[] = [];
      for (const concurrency of [1, 2, 4, 8, 16]) {
        const { perSecond } = await throughputOf({ runs: 1, workers: 64, calls: 1, callMs: 1_000, tool, concurrency, topology });
        measured.push(perSecond);
      }
      const expected = [1, 2, 4, 4, 4];
      measured.forEach((perSecond, at) => {
        expect(perSecond).toBeGreaterThanOrEqual(0.98 * expected[at]!);
        expect(perSecond).toBeLessThanOrEqual(1.02 * expected[at]!);
      });
    },
  );
});
