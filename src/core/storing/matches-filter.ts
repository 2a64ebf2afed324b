import type { RunFilter, RunSummary } from '../ports/store.js';

/** Runs on a page where the filter does not say. */
export const defaultPageSize = 100;
/** Entries in one answer of `journal()` where the range does not say. */
export const defaultRangeSize = 1_000;

/** Whether a run belongs into a listing, its place on a page aside. */
export const matchesFilter = (
  summary: RunSummary,
  { status, parentTicket, open }: Pick<RunFilter, 'status' | 'parentTicket' | 'open'>,
): boolean =>
  (status === undefined || status.includes(summary.status)) &&
  (parentTicket === undefined || summary.parentTicket === parentTicket) &&
  (open === undefined || summary.open === open);
