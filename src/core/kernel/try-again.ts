import type { StoredError } from '../ports/run.js';
import { followerOf, handOver } from './fallbacks.js';
import type { RunCore } from './run-core.js';
import { leftOf, totalError } from './step-total.js';
import { pauseBeforeRetry } from './step-timers.js';

/** What follows an attempt that came to nothing, in the facts that a chart is told. */
export interface WhatFollows {
  readonly facts: 'retry' | '';
  /** What the step ends with where nothing does. */
  readonly error: StoredError;
}

interface Failed {
  readonly error: StoredError;
  readonly retryable?: boolean;
  readonly at: number;
  /** Another attempt is of no use before then. */
  readonly notBefore?: number | undefined;
}

/** Another attempt follows where there is one left, of this agent or the next, and where it could begin before the time of the step is over. */
export function whatFollows(core: RunCore, index: number, { error, retryable = true, at, notBefore }: Failed): WhatFollows {
  const follower = followerOf(core, index, { code: error.code, retryable });
  if (!follower) return { facts: '', error };
  const pause = { at, notBefore, ...(follower === 'next' && { tried: 0 }) };
  if (pauseBeforeRetry(core, index, pause) >= leftOf(core, index, at))
    return { facts: '', error: totalError(core, index, error) };
  if (follower === 'next') handOver(core, index);
  return { facts: 'retry', error };
}
