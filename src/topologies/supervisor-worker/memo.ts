import type { ExpansionState, ReportReference } from '../../core/ports/topology.js';
import type { Json } from '../../core/shared/json.js';
import type { SupervisorSettings } from './settings.js';

/** What is known of a goal between two expansions. */
export interface Memo {
  /** Decisions so far. */
  readonly turns: number;
  /** Those of them that count against `maxRounds`. */
  readonly rounds: number;
  /** Notices that a decision was asked for. */
  readonly notices: number;
  /** Whether the supervisor is asked just now. */
  readonly isAsked: boolean;
  /** What it has not been told. */
  readonly pending: readonly ReportReference[];
}

export const firstMemo: Memo = { turns: 0, rounds: 0, notices: 0, isAsked: false, pending: [] };

export const memoOf = ({ memo }: ExpansionState): Memo => (memo === null ? firstMemo : (memo as unknown as Memo));
export const settingsOf = ({ settings }: ExpansionState): SupervisorSettings => settings as unknown as SupervisorSettings;

/** A memo as JSON; its interface has no index signature to say that it is. */
export const asJson = (memo: Memo): Json => memo as unknown as Json;
