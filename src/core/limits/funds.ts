/** What has a ceiling in a budget that runs share. Money counts in micro-dollars. */
export type Unit = 'costMicroUsd' | 'tokens';
export const units: readonly Unit[] = ['costMicroUsd', 'tokens'];

/** Why nothing may begin that a budget has to pay for: there is nothing left, and nobody holds anything that may come back. */
export interface Shortfall {
  /** Whose budget it is; `null` for that of all runs together. */
  readonly tenant: string | null;
  readonly unit: Unit;
  readonly ceiling: number;
  readonly spent: number;
  readonly reserved: number;
  readonly onExceeded: 'fail' | 'pause';
  /** Whether the ceiling is reached by what was measured or billed alone, and not only by what was estimated. */
  readonly isExact: boolean;
}

/** What something that waits has to be given out of budgets before it may work. */
export interface Funds {
  /** `free`: there is something for it. `wait`: others hold what is missing, and may give some of it back. */
  standing(): 'free' | 'wait' | Shortfall;
  /** It begins to wait for its turn, or does so no longer. */
  expect(change: 1 | -1): void;
  /** Sets aside what it may spend. */
  take(): void;
  /** Gives that back, unless it has begun to spend. */
  leave(): void;
}
