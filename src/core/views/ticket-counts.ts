import type { StepView } from './step-view.js';

/** How many tickets a plan has, and how they stand. */
export interface TicketCounts {
  readonly total: number;
  readonly succeeded: number;
  /** Those of them whose output has passed a verification. */
  readonly verified: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly compensated: number;
  /** All that have not ended, and those in doubt. */
  readonly open: number;
}

const ends = ['succeeded', 'failed', 'skipped', 'cancelled', 'compensated'] as const;

/** Counts the tickets among steps; what was added for one while the run was under way is none. */
export function countTickets(steps: Iterable<Pick<StepView, 'kind' | 'goal' | 'status' | 'isVerified'>>): TicketCounts {
  const counts = { total: 0, succeeded: 0, verified: 0, failed: 0, skipped: 0, cancelled: 0, compensated: 0, open: 0 };
  for (const { kind, goal, status, isVerified } of steps) {
    if (kind !== 'ticket' || goal !== undefined) continue;
    counts.total += 1;
    counts[ends.find((end) => end === status) ?? 'open'] += 1;
    if (status === 'succeeded' && isVerified) counts.verified += 1;
  }
  return counts;
}
