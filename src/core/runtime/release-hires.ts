import type { Clock } from '../ports/clock.js';
import type { Workspace } from '../ports/workspace.js';
import { callWorkspace } from './call-workspace.js';
import type { Hire } from './provision.js';

export interface ReleaseOptions {
  readonly runId: string;
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly limitMs: number;
  /** Puts on record that one was let go. */
  readonly record: (hire: Hire) => Promise<void>;
}

/** Lets the hires of a run go, each once. One that does not answer stays on record as hired. Gives whether all have gone. */
export async function releaseHires(hires: readonly Hire[], options: ReleaseOptions): Promise<boolean> {
  const { runId, workspace, clock, limitMs, record } = options;
  if (!workspace.release) return true;
  let haveAllGone = true;
  for (const hire of hires) {
    const request = { runId, idempotencyKey: `${runId}:release:${hire.role}`, ...hire };
    try {
      await callWorkspace(() => workspace.release?.(request), { hook: 'release', clock, limitMs });
      await record(hire);
    } catch {
      // The run is over, and neither a house that keeps the hire nor a store that fails can change how it ended.
      haveAllGone = false;
    }
  }
  return haveAllGone;
}
