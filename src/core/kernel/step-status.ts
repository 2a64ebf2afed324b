import type { StepStatus } from '../ports/run.js';

/** Statuses by their code in the step table. The order is part of the checkpoint format. */
export const stepStatuses = [
  'blocked',
  'ready',
  'gated',
  'running',
  'backing-off',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
  'in-doubt',
  'compensating',
  'compensated',
] as const satisfies readonly StepStatus[];

const codes = new Map<StepStatus, number>(stepStatuses.map((status, code) => [status, code]));

export const statusCode = (status: StepStatus): number => codes.get(status)!;

/** Statuses that end a step for those who wait for it. */
export const isSettled = (status: StepStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'cancelled' || status === 'compensated';
