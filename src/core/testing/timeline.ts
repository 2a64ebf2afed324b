import type { CancelTimer, ScheduleOptions } from '../ports/clock.js';
import { createTimerQueue } from './timer-queue.js';
import { VirtualTimeInvalidError } from './virtual-time-error.js';

/** Virtual time and the timers on it; what moves it on is elsewhere. */
export interface Timeline {
  readonly now: number;
  /** Timers fired since the start. */
  readonly fired: number;
  /** Grows whenever a timer is set, cancelled or fired, or outside work ends: while it grows, something is at work. */
  readonly activity: number;
  /** Outside work that time has to wait for. */
  readonly held: number;
  /** Timers set and neither fired nor cancelled, those in the background aside. */
  readonly pending: number;
  schedule(dueAt: number, callback: () => void, options?: ScheduleOptions): CancelTimer;
  hold(work: Promise<unknown>): void;
  /** Due time of the next timer; `Infinity` where there is none. */
  nextDueAt(): number;
  /** Moves time to the next timer and fires it. */
  fireNext(): void;
  /** Moves time on to `at`, never back. */
  moveTo(at: number): void;
}

/** Creates a {@link Timeline} that stands at `startAt`, in milliseconds since the epoch. */
export function createTimeline(startAt: number): Timeline {
  if (!Number.isFinite(startAt)) throw new VirtualTimeInvalidError(startAt, 'The start');
  const timers = createTimerQueue();
  let [now, fired, activity, held, background] = [startAt, 0, 0, 0, 0];
  const nextDueAt = (): number => timers.nextDueAt() ?? Infinity;
  const release = (): void => {
    held--;
    activity++;
  };

  return {
    get now() {
      return now;
    },
    get fired() {
      return fired;
    },
    get activity() {
      return activity;
    },
    get held() {
      return held;
    },
    get pending() {
      return timers.size - background;
    },
    schedule(dueAt, callback, options) {
      if (!Number.isFinite(dueAt)) throw new VirtualTimeInvalidError(dueAt, 'The due time');
      activity++;
      // A time that has passed is due now, behind whatever is due now already.
      const isBackground = options?.background === true;
      if (isBackground) background++;
      let isOver = false;
      const end = (): void => {
        if (isBackground && !isOver) background--;
        isOver = true;
      };
      const timer = timers.add(Math.max(dueAt, now), () => {
        end();
        callback();
      });
      return () => {
        activity++;
        end();
        timers.cancel(timer);
      };
    },
    hold(work) {
      held++;
      work.then(release, release);
    },
    nextDueAt,
    fireNext() {
      const dueAt = nextDueAt();
      const callback = timers.take();
      if (callback === undefined) return;
      now = Math.max(now, dueAt);
      activity++;
      fired++;
      callback();
    },
    moveTo(at) {
      now = Math.max(now, at);
    },
  };
}
