import type { RunJournalOptions } from './run-journal.js';
import type { RunUpkeepOptions } from './run-upkeep.js';

/** Where a run begins that is known of: new, or as it is stored. */
export type RunOrigin = Pick<RunJournalOptions, 'seq' | 'fence' | 'writtenAt'> &
  Pick<RunUpkeepOptions, 'snapshot' | 'compactedTo'>;

/** A run that was never stored. */
export const newOrigin: RunOrigin = { seq: 0, fence: 0, writtenAt: 0, snapshot: undefined, compactedTo: 0 };
