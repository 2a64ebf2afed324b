/** Stops a timer. Calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

export interface ScheduleOptions {
  /** A timer that nobody waits for: it keeps no process alive, and a virtual clock does not move only for it. Default: `false`. */
  readonly background?: boolean;
}

/** Where the time comes from. All of planwright's timing goes through one clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /**
   * Calls back once, at `dueAt` or as soon as possible after it, never synchronously. Deadlines may lie any time ahead,
   * also past the 24.8 days that `setTimeout` can hold.
   */
  schedule(dueAt: number, callback: () => void, options?: ScheduleOptions): CancelTimer;
}

/** Where ids come from. Each must be new. */
export type IdSource = () => string;
