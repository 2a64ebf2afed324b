import type { CancelTimer, Clock } from '../ports/clock.js';
import { advanceNow, advanceSettled, type DriveLimits, driveUntil } from './drive-time.js';
import { type SleepOptions, sleepUntil } from './sleep-until.js';
import { createTimeline } from './timeline.js';

export interface VirtualClockOptions {
  /** First reading, in milliseconds since the epoch. Default: 2026-01-01T00:00:00Z. */
  readonly startAt?: number;
}

/** A {@link Clock} that stands still until it is told to move. Its timers also fit XState's `createActor(machine, { clock })`. */
export interface VirtualClock extends Clock {
  setTimeout(callback: () => void, delayMs: number): CancelTimer;
  clearTimeout(timer: CancelTimer | undefined): void;
  /** Resolves after `delayMs` of virtual time; rejects with the signal's reason when that fires first. */
  sleep(delayMs: number, options?: SleepOptions): Promise<void>;
  /**
   * Moves time on and fires, synchronously, whatever falls due: in order of due time, then of scheduling. Timers that are set
   * meanwhile and fall due within the span fire too. What a callback throws is thrown here, with time at that timer.
   *
   * @throws VirtualTimeStalledError after 1,000,000 timers, so that one which sets itself again for ever ends in an answer.
   */
  advance(spanMs: number): void;
  /** Like {@link advance}, but lets promises settle before the first timer, between timers and after the last. */
  advanceAsync(spanMs: number): Promise<void>;
  /**
   * Lets all work that is due settle, jumps to the next timer, and so on until `promise` settles; then settles like it. Time
   * never moves while promise jobs or timers that are due now are left.
   *
   * @throws VirtualTimeStalledError when nothing is left that could settle the promise, or a limit is reached.
   */
  runUntil<T>(promise: PromiseLike<T>, limits?: DriveLimits): Promise<T>;
  /** Keeps time from moving until `work` that takes real time (a file, a socket) has settled; gives `work` back. */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Timers set and neither fired nor cancelled, those in the background aside. */
  readonly pendingTimers: number;
}

/**
 * Creates a {@link VirtualClock}.
 *
 * @example
 * const clock = createVirtualClock();
 * const orchestrator = createOrchestrator({ agents, clock });
 * const result = await clock.runUntil(run.result()); // hours of retries and timeouts in milliseconds
 */
export function createVirtualClock({ startAt = Date.UTC(2026, 0, 1) }: VirtualClockOptions = {}): VirtualClock {
  const timeline = createTimeline(startAt);
  // Not below zero, as for the real `setTimeout`.
  const after = (delayMs: number): number => timeline.now + Math.max(0, delayMs);

  const clock: VirtualClock = {
    now: () => timeline.now,
    schedule: (dueAt, callback, options) => timeline.schedule(dueAt, callback, options),
    setTimeout: (callback, delayMs) => timeline.schedule(after(delayMs), callback),
    clearTimeout: (timer) => timer?.(),
    sleep: (delayMs, options) => sleepUntil(clock, after(delayMs), options),
    advance: (spanMs) => advanceNow(timeline, spanMs),
    advanceAsync: (spanMs) => advanceSettled(timeline, spanMs),
    runUntil: (promise, limits) => driveUntil(timeline, promise, limits),
    hold(work) {
      timeline.hold(work);
      return work;
    },
    get pendingTimers() {
      return timeline.pending;
    },
  };
  return clock;
}
