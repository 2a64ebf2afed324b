import { PlanwrightError } from '../shared/error.js';

/**
 * Virtual time could not go on: nothing is scheduled any more although the awaited promise is still open
 * (`nothing-pending`), the next timer lies past `limitMs` (`time-limit`), or more than `maxTimers` fired (`timer-limit`).
 */
export class VirtualTimeStalledError extends PlanwrightError {
  readonly code = 'VIRTUAL_TIME_STALLED';
  readonly reason: 'nothing-pending' | 'time-limit' | 'timer-limit';
  /** Virtual time at which it stopped, in milliseconds since the epoch. */
  readonly now: number;
  readonly timersFired: number;
  readonly pendingTimers: number;

  constructor(facts: Pick<VirtualTimeStalledError, 'reason' | 'now' | 'timersFired' | 'pendingTimers'>) {
    super(`Virtual time stopped at ${facts.now} after ${facts.timersFired} timers: ${explanations[facts.reason]}.`);
    this.reason = facts.reason;
    this.now = facts.now;
    this.timersFired = facts.timersFired;
    this.pendingTimers = facts.pendingTimers;
  }
}

const explanations = {
  'nothing-pending':
    'the promise is still open and nothing is scheduled that could settle it. Look for work that waits on real time',
  'time-limit': 'the next timer lies past limitMs. Raise it, or look for a wait that should be shorter',
  'timer-limit': 'more timers fired than maxTimers allows. Raise it, or look for a timer that sets itself again for ever',
} as const;

/** A time or a span handed to a virtual clock is not a finite number, or would turn time back. */
export class VirtualTimeInvalidError extends PlanwrightError {
  readonly code = 'VIRTUAL_TIME_INVALID';
  constructor(
    readonly value: number,
    what: string,
  ) {
    super(`${what} is ${value}; give a finite number of milliseconds${what.startsWith('The span') ? ', 0 or more' : ''}.`);
  }
}
