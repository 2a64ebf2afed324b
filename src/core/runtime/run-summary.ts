import type { RunSummary } from '../ports/store.js';
import type { RunStatus } from '../ports/run.js';
import type { RunState } from './run-state.js';

export interface SummarySource {
  readonly runId: string;
  readonly status: RunStatus;
  readonly isOpen: boolean;
  readonly state: RunState;
}

/** What a listing shows of a run at this moment. */
export function summaryOf({ runId, status, isOpen, state }: SummarySource): Omit<RunSummary, 'updatedAt'> {
  const { goal, revision, context } = state.plan;
  const { parentTicket, scope } = context;
  const { createdAt, tenant } = state.record;
  const spent = state.purse?.spent;
  const summary = { runId, status, goal, revision, parentTicket, scope, createdAt, open: isOpen };
  return { ...summary, ...(tenant !== undefined && { tenant }), ...(spent && { spent }) };
}
