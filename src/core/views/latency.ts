/**
 * How long things took, in milliseconds. Percentiles are by nearest rank: `p95Ms` is the smallest of the durations that at least 95 % of them do not pass, so
 * each is a duration that has really been.
 */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** `undefined` where there is nothing to tell of. */
export function latencyOf(durations: readonly number[]): Latency | undefined {
  if (durations.length === 0) return undefined;
  const sorted = Float64Array.from(durations).sort();
  const atRank = (percent: number): number => sorted[Math.ceil((percent * sorted.length) / 100) - 1]!;
  return { count: sorted.length, p50Ms: atRank(50), p95Ms: atRank(95), p99Ms: atRank(99), maxMs: atRank(100) };
}
