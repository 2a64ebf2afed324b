import type { RunStatus } from '../ports/run.js';

/** A run's status in the five words of a badge. */
export type RunBadge = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

const badges: Readonly<Record<RunStatus, RunBadge>> = {
  proposed: 'pending',
  approved: 'pending',
  executing: 'running',
  synthesizing: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** The badge of a run. A pause is a flag of its own and does not change it. */
export const runBadge = (status: RunStatus): RunBadge => badges[status];
