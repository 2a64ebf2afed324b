import type { Actor } from './actor.js';
import type { BreakerChange } from './breaker.js';

/** {@link BreakerChange}, and how it came about. */
export interface BreakerView extends BreakerChange {
  /** When it opened last; absent while it is closed. */
  readonly since?: number;
  /** Who closed it by hand, where that was the last that was done to it. */
  readonly reset?: { readonly by: Actor; readonly at: number };
}
