/** The middle of some figures; of an even number the upper one. `NaN` for none. */
export const median = (figures: readonly number[]): number => quantile(Float64Array.from(figures).sort(), 0.5);

/** The figure that a share of the sorted figures does not pass. */
export const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

/** How a cost grows: 1 is linear, 1.1 about n·log n at these sizes, 2 quadratic. */
export const growth = (small: Sized, large: Sized): number =>
  Math.log(large.cost / small.cost) / Math.log(large.size / small.size);
interface Sized {
  readonly size: number;
  readonly cost: number;
}

/** Milliseconds that a call takes, and what it gave. */
export function timed<T>(call: () => T): { readonly value: T; readonly ms: number } {
  const startedAt = performance.now();
  const value = call();
  return { value, ms: performance.now() - startedAt };
}

/** Collects all garbage, so that what a measurement left behind is not paid for by the next. Nothing without `--expose-gc`. */
export function collectGarbage(): void {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
}

/** Bytes in use after all garbage is gone, with what typed arrays hold. */
export function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
