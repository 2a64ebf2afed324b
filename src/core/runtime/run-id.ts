import { monotonicFactory } from 'ulid';

import type { Clock, IdSource } from '../ports/clock.js';

/** Ids that sort by the time they were made: ULIDs, growing also within one millisecond. */
export function createRunIds(clock: Clock): IdSource {
  const next = monotonicFactory();
  return () => next(clock.now());
}
