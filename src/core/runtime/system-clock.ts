import type { Clock } from '../ports/clock.js';

/** `setTimeout` holds 2^31 - 1 ms, 24.8 days; a longer wait is made of several. */
const longestWaitMs = 2_147_483_647;

/** The clock of the machine. Timers keep a process alive only as long as a run waits for them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(dueAt, callback, { background = false } = {}) {
    let cancel = (): void => undefined;
    const wait = (): void => {
      const leftMs = dueAt - Date.now();
      if (leftMs <= 0) {
        const immediate = setImmediate(callback);
        if (background) immediate.unref();
        cancel = () => clearImmediate(immediate);
        return;
      }
      const timer = setTimeout(leftMs > longestWaitMs ? wait : callback, Math.min(leftMs, longestWaitMs));
      if (background) timer.unref();
      cancel = () => clearTimeout(timer);
    };
    wait();
    return () => cancel();
  },
};
