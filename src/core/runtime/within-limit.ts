import type { Clock } from '../ports/clock.js';

/** Waits for work, but no longer than so many milliseconds. Gives whether it ended in time; how it ended is its own affair. */
export function withinLimit(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(clock.now() + limitMs, () => resolve(false));
    const end = (): void => {
      cancel();
      resolve(true);
    };
    work.then(end, end);
  });
}
