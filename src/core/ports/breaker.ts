/** Which circuit breaker: that of an agent, by its id, or of a resource, by its name. All runs of a process share it. */
export interface BreakerKey {
  readonly kind: 'agent' | 'resource';
  readonly name: string;
}

/** Where a breaker stands. */
export interface BreakerChange {
  readonly key: BreakerKey;
  readonly state: 'closed' | 'open' | 'half-open';
  /** Failures in a row. */
  readonly failures: number;
  /** Until when nothing is let through, in milliseconds since the epoch; absent while it is closed. */
  readonly until?: number;
}
