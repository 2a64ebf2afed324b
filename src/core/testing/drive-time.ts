import type { Timeline } from './timeline.js';
import { VirtualTimeInvalidError, VirtualTimeStalledError } from './virtual-time-error.js';

/** What may stop a drive through virtual time. */
export interface DriveLimits {
  /** How far time may move in all, in milliseconds. Default: as far as it takes. */
  readonly limitMs?: number;
  /** Timers that may fire. Default: 1,000,000. */
  readonly maxTimers?: number;
}

const defaultMaxTimers = 1_000_000;

/**
 * Turns of the event loop in which nothing happens on the timeline, after which work counts as settled. One is enough for
 * promise jobs, which run out within a turn; the rest is for code that hops over `setImmediate` or a `MessageChannel`.
 */
const quietTurns = 4;

/** Fires, synchronously, everything that falls due within `spanMs`. */
export function advanceNow(timeline: Timeline, spanMs: number): void {
  const target = endOfSpan(timeline, spanMs);
  const fire = limitedFire(timeline, defaultMaxTimers);
  while (timeline.nextDueAt() <= target) fire();
  timeline.moveTo(target);
}

/** Fires everything that falls due within `spanMs`, and lets work settle before and after each. */
export async function advanceSettled(timeline: Timeline, spanMs: number): Promise<void> {
  const target = endOfSpan(timeline, spanMs);
  const fire = limitedFire(timeline, defaultMaxTimers);
  for (;;) {
    await settle(timeline, { fire, isOver: () => false });
    if (timeline.nextDueAt() > target) break;
    fire();
  }
  timeline.moveTo(target);
}

/** Moves time on, from one timer to the next, until `promise` settles; then settles like it. */
export async function driveUntil<T>(timeline: Timeline, promise: PromiseLike<T>, limits: DriveLimits = {}): Promise<T> {
  const lastAt = timeline.now + (limits.limitMs ?? Infinity);
  const firedBefore = timeline.fired;
  const fire = limitedFire(timeline, limits.maxTimers ?? defaultMaxTimers);
  const outcome = watch(promise);
  for (;;) {
    await settle(timeline, { fire, isOver: () => outcome.isOver });
    if (outcome.isOver) return promise;
    if (timeline.pending === 0) throw stalled(timeline, 'nothing-pending', firedBefore);
    if (timeline.nextDueAt() > lastAt) throw stalled(timeline, 'time-limit', firedBefore);
    fire();
  }
}

/**
 * Fires what is due now, one timer a turn so that its promise jobs come before the next timer, until nothing stirs. Another
 * drive through the same timeline counts as stirring, so that two of them never overtake each other's work.
 */
async function settle(timeline: Timeline, { fire, isOver }: { fire: () => void; isOver: () => boolean }): Promise<void> {
  for (let quiet = 0; quiet < quietTurns || timeline.held > 0;) {
    const seen = timeline.activity;
    await nextTurn();
    if (isOver()) return;
    if (timeline.nextDueAt() <= timeline.now) fire();
    quiet = timeline.activity === seen ? quiet + 1 : 0;
  }
}

function watch(promise: PromiseLike<unknown>): { readonly isOver: boolean } {
  const outcome = { isOver: false };
  const markOver = (): void => {
    outcome.isOver = true;
  };
  promise.then(markOver, markOver);
  return outcome;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function limitedFire(timeline: Timeline, maxTimers: number): () => void {
  const firedBefore = timeline.fired;
  return () => {
    if (timeline.fired - firedBefore >= maxTimers) throw stalled(timeline, 'timer-limit', firedBefore);
    timeline.fireNext();
  };
}

const stalled = (timeline: Timeline, reason: VirtualTimeStalledError['reason'], firedBefore: number): VirtualTimeStalledError =>
  new VirtualTimeStalledError({
    reason,
    now: timeline.now,
    timersFired: timeline.fired - firedBefore,
    pendingTimers: timeline.pending,
  });

function endOfSpan(timeline: Timeline, spanMs: number): number {
  if (!(spanMs >= 0 && spanMs < Infinity)) throw new VirtualTimeInvalidError(spanMs, 'The span');
  return timeline.now + spanMs;
}
