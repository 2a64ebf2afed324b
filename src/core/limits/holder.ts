/** An attempt that may hold resources and wait for others at the same time. One object for all that it does. */
export interface Holder {
  readonly runId: string;
  readonly stepId: string;
}

/** One of those that wait for one another: what it holds that the one before waits for, and what it waits for itself. */
export interface DeadlockLink extends Holder {
  readonly holds: string;
  readonly waitsFor: string;
}
