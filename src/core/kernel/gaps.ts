import type { Gap, StoredError } from '../ports/run.js';
import { statusOf, type RunCore } from './run-core.js';
import { skipError } from './skip-error.js';
import { stopError } from './stop-error.js';

/** Why a step failed, was skipped or cancelled, or is in doubt. */
export function errorOf(core: RunCore, index: number): StoredError | undefined {
  switch (statusOf(core, index)) {
    case 'skipped':
      return core.errors.get(index) ?? skipError(core, index);
    case 'cancelled':
      return core.errors.get(index) ?? stopError(core);
    case 'failed':
    case 'in-doubt':
      return core.errors.get(index);
    default:
      return undefined;
  }
}

/** Tickets whose output there will not be, and why. */
export function gapsOf(core: RunCore): Gap[] {
  const gaps: Gap[] = [];
  core.steps.forEach(({ id, kind, added }, index) => {
    const status = statusOf(core, index);
    // What a route did not choose is not missed.
    const isMissed = kind === 'ticket' && !added && core.columns.unchosen[index] === 0;
    const reason = isMissed ? errorOf(core, index) : undefined;
    if (reason && (status === 'failed' || status === 'skipped' || status === 'cancelled' || status === 'in-doubt')) {
      gaps.push({ key: id, status, reason });
    }
  });
  return gaps;
}
