import type { Clock } from '../ports/clock.js';
import { WorkspaceTimeoutError } from './errors.js';

export interface WorkspaceCallOptions<T> {
  /** Name of the hook, for the error. */
  readonly hook: string;
  readonly clock: Clock;
  readonly limitMs: number;
  /** Nobody wants the answer any more: what is left of the limit shrinks to `graceMs`. */
  readonly signal?: AbortSignal;
  readonly graceMs?: number;
  /** Gets an answer that comes after it was given up. */
  readonly onLate?: (value: T) => void;
}

/**
 * Calls a hook of the workspace, which is somebody else's code: it may throw, return no promise, or never answer. Settles in any
 * case within the limit.
 *
 * @throws WorkspaceTimeoutError, or whatever the hook threw.
 */
export function callWorkspace<T>(call: () => Promise<T> | T, options: WorkspaceCallOptions<T>): Promise<T> {
  const { hook, clock, limitMs, signal, graceMs = limitMs, onLate } = options;
  return new Promise((resolve, reject) => {
    let isOver = false;
    let disarm = (): void => undefined;
    const end = (settle: () => void): void => {
      isOver = true;
      disarm();
      signal?.removeEventListener('abort', hurry);
      settle();
    };
    const arm = (waitMs: number): void => {
      disarm();
      disarm = clock.schedule(clock.now() + waitMs, () => end(() => reject(new WorkspaceTimeoutError(hook, waitMs))));
    };
    const hurry = (): void => arm(Math.min(graceMs, limitMs));
    arm(limitMs);
    if (signal?.aborted) hurry();
    else signal?.addEventListener('abort', hurry, { once: true });
    void (async () => call())().then(
      (value) => (isOver ? onLate?.(value) : end(() => resolve(value))),
      (error: unknown) => (isOver ? undefined : end(() => reject(error))),
    );
  });
}
