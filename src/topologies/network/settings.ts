import type { BusyPolicy } from '../../core/deciding/busy.js';
import type { ExpansionState } from '../../core/ports/topology.js';

/** What the peers of a plan go by, as it stands in the plan. */
export interface NetworkSettings {
  readonly entry: string;
  readonly peers: readonly string[];
  /** For each peer, whom it may turn to; `null` where every peer may turn to every other. */
  readonly allowed: Readonly<Record<string, readonly string[]>> | null;
  readonly maxHandoffs: number;
  readonly maxRefusals: number;
  /** Who is asked when peers wait for each other, or the handoffs run out; `null` for nobody. */
  readonly arbiter: string | null;
  /** `null` for no limit. */
  readonly pairLimit: { readonly limit: number; readonly intervalMs: number } | null;
  readonly whenBusy: BusyPolicy | null;
  /** Peers with one session. */
  readonly keepSession: readonly string[];
  /** 0 for never. */
  readonly reportTimeoutMs: number;
}

export const settingsOf = ({ settings }: ExpansionState): NetworkSettings => settings as unknown as NetworkSettings;

/** Whom a role may turn to. The arbiter may turn to every peer. */
export function allowedFor({ peers, allowed, arbiter }: NetworkSettings, role: string): readonly string[] {
  if (allowed === null || role === arbiter) return peers.filter((peer) => peer !== role);
  return Object.hasOwn(allowed, role) ? allowed[role]! : [];
}

/** What a peer's step may be: control that was handed to it, a task that was delegated to it, or its next turn in either. */
export type TurnKind = 'handoff' | 'delegation' | 'route';

/** Name of the template of a peer's steps of one kind, for one ticket or for all that have no terms of their own. */
export const turnTemplate = (kind: TurnKind, role: string, ticket?: string): string =>
  `${kind} ${JSON.stringify(ticket === undefined ? [role] : [role, ticket])}`;
