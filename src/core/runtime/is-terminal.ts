import type { RunStatus, TerminalRunStatus } from '../ports/run.js';

/** Whether a run in this status is over. */
export const isTerminal = (status: RunStatus): status is TerminalRunStatus =>
  status === 'completed' || status === 'failed' || status === 'cancelled';
