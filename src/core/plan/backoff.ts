import type { RetryPolicy } from '../ports/plan.js';

/**
 * Pause before the next attempt in milliseconds: exponential, at most `maxBackoffMs`, and shortened by up to `jitter` of itself.
 * The share that is taken off follows from `seed` alone, so that a replay comes to the same.
 */
export function backoffMs(retry: RetryPolicy, { attempt, seed }: { readonly attempt: number; readonly seed: string }): number {
  const full = Math.min(retry.maxBackoffMs, retry.backoffMs * retry.factor ** (attempt - 1));
  return Math.round(full * (1 - retry.jitter * fraction(seed)));
}

/** A number in [0, 1) from a text: FNV-1a, 32 bits (Fowler, Noll, Vo). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let position = 0; position < text.length; position += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(position), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}
