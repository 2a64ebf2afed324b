import type { BusyPolicy } from '../../core/deciding/busy.js';
import type { Ticket } from '../../core/ports/proposal.js';

/** What the supervisor of a plan goes by, as it stands in the plan. */
export interface SupervisorSettings {
  readonly supervisor: string;
  readonly workers: readonly string[];
  readonly maxRounds: number;
  /** `null`: another instance, but in line where a role keeps its session. */
  readonly whenBusy: BusyPolicy | null;
  /** Workers with one session. */
  readonly keepSession: readonly string[];
  /** 0 for never. */
  readonly reportTimeoutMs: number;
  /** How the outputs of delegations are joined that one decision has made. Absent: they are not. */
  readonly reducer?: string;
}

/** Name of the template of steps that join the outputs of delegations. */
export const joinTemplate = 'joined';

/** Whether a ticket says itself how it is carried out, so that what is added for it differs from what is added for others. */
export const hasOwnTerms = ({ reducer, retry, timeoutMs, totalTimeoutMs, heartbeatTimeoutMs, ...own }: Ticket): boolean =>
  reducer === undefined &&
  [retry, timeoutMs, totalTimeoutMs, heartbeatTimeoutMs, own.effect, own.resources, own.priority].some(
    (term) => term !== undefined,
  );

/** Name of the template of decisions, of one ticket or of all that have no terms of their own. */
export const decisionTemplate = (ticket?: string): string =>
  ticket === undefined ? 'decision' : `decision ${JSON.stringify([ticket])}`;

export const delegationTemplate = (role: string, ticket?: string): string =>
  `delegation ${JSON.stringify(ticket === undefined ? [role] : [role, ticket])}`;
