import type { RunSummary } from '../ports/store.js';
import type { ManagedRun } from './managed-run.js';

/** What a listing shows of a run at this moment. */
export function summaryOf({ runId, status, isOpen, state }: ManagedRun): Omit<RunSummary, 'updatedAt'> {
  const { goal, revision, context } = state.plan;
  const { parentTicket, scope } = context;
  return { runId, status, goal, revision, parentTicket, scope, createdAt: state.record.createdAt, open: isOpen };
}
