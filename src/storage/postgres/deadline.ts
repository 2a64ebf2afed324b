import { performance } from 'node:perf_hooks';
import { setTimeout as pauseFor } from 'node:timers/promises';

import { StoreUnavailableError } from '../../core/shared/store-error.js';

/** Until when something may take. */
export interface Deadline {
  /** At least 1. */
  readonly leftMs: () => number;
  readonly isOver: () => boolean;
}

/** Milliseconds of a clock that is never set back. */
export const monotonicNow = (): number => performance.now();

export const deadlineAt = (at: number): Deadline => ({
  leftMs: () => Math.max(1, Math.ceil(at - monotonicNow())),
  isOver: () => monotonicNow() >= at,
});

/** Waits before the attempt after this one, from 1: longer each time, half a second at most, and not the same in every process. */
export function pauseAfter(attempt: number, deadline: Deadline): Promise<void> {
  const longest = Math.min(500, 10 * 2 ** Math.min(attempt, 6));
  return pauseFor(Math.min(deadline.leftMs(), longest * (0.5 + Math.random() / 2)));
}

/** Ends waiting for answers that never come, as where the network swallows them. */
export interface Guard {
  /** @throws StoreUnavailableError when the time is up. */
  within<T>(answer: Promise<T>): Promise<T>;
  /** To be called when nothing is waited for any more. */
  stop(): void;
}

/** PostgreSQL keeps the limits by itself, and says more about them; it gets a moment longer than it asks for. */
const graceMs = 1_000;

export function guardOf(deadline: Deadline, operation: string): Guard {
  let ring: ((error: Error) => void) | undefined;
  const over = new Promise<never>((_, reject) => (ring = reject));
  // Nobody may be waiting when it rings.
  over.catch(() => undefined);
  const timer = setTimeout(
    () => ring?.(new StoreUnavailableError(operation, 'PostgreSQL did not answer in time.')),
    deadline.leftMs() + graceMs,
  );
  return { within: (answer) => Promise.race([answer, over]), stop: () => clearTimeout(timer) };
}
