import type { Clock } from '../ports/clock.js';

/** Calls in all, and the pause before each further one. */
const attempts = 3;
const pauseMs = 1_000;

/** Calls up to three times, with a pause between; rejects with what the last call said. */
export async function tryThrice<T>(clock: Clock, call: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  for (let attempt = 1; signal?.aborted !== true; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (attempt === attempts) throw error;
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + pauseMs * attempt, resolve));
    }
  }
  return undefined;
}
