import type { Clock } from '../ports/clock.js';

export interface SleepOptions {
  /** Ends the sleep early, in a rejection with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when the clock reaches `dueAt`; leaves no timer and no listener behind, whichever way it ends. */
export function sleepUntil(clock: Clock, dueAt: number, { signal }: SleepOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(signal?.reason as unknown);
    };
    const cancel = clock.schedule(dueAt, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
