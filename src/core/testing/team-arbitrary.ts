import fc from 'fast-check';

import type { Role, TopologyChoice } from '../ports/proposal.js';
import type { FrameSeed } from './proposal-frame-arbitrary.js';

/** What the options of a topology are made from in which agents decide. */
export interface TeamSeed {
  readonly lead: number;
  readonly rounds: number;
  readonly parallel: number;
  readonly whenBusy: 'another-instance' | 'queue' | 'refuse' | undefined;
  readonly reportTimeoutMs: number | undefined;
  readonly hasArbiter: boolean;
  readonly hasPairs: boolean;
  readonly hasPairLimit: boolean;
}

export const teamSeedArbitrary: fc.Arbitrary<TeamSeed> = fc.record({
  lead: fc.nat({ max: 9 }),
  rounds: fc.integer({ min: 1, max: 6 }),
  parallel: fc.integer({ min: 1, max: 4 }),
  whenBusy: fc.constantFrom(undefined, 'another-instance', 'queue', 'refuse'),
  reportTimeoutMs: fc.constantFrom(undefined, 0, 1_000),
  hasArbiter: fc.boolean(),
  hasPairs: fc.boolean(),
  hasPairLimit: fc.boolean(),
});

/** Whether a topology needs several roles. */
export const isTeam = (kind: string | undefined): kind is TeamKind => kind === 'supervisor-worker' || kind === 'network';
type TeamKind = 'supervisor-worker' | 'network';

/** A frame with somebody to delegate to. */
export function withTeam(frame: FrameSeed): FrameSeed {
  const [first] = frame.roles;
  if (frame.roles.length > 1 || first === undefined) return frame;
  const second: Role = { key: `${first.key} 2`, kind: 'existing', agentId: 'another-agent' };
  return { ...frame, roles: [...frame.roles, second] };
}

/** A topology with options that fit the roles. */
export function teamTopology(
  kind: TeamKind,
  { frame: { roles }, team }: { readonly frame: FrameSeed; readonly team: TeamSeed },
): TopologyChoice {
  const { lead, rounds, parallel, whenBusy, reportTimeoutMs } = team;
  const first = roles[lead % roles.length]!.key;
  const shared = {
    ...{ kind, maxParallel: parallel },
    ...(whenBusy !== undefined && { whenBusy }),
    ...(reportTimeoutMs !== undefined && { reportTimeoutMs }),
  };
  if (kind === 'supervisor-worker') return { ...shared, supervisor: first, maxRounds: rounds };
  const arbiter = team.hasArbiter && roles.length > 2 ? roles[(lead + 1) % roles.length]!.key : undefined;
  const peers = roles.map(({ key }) => key).filter((key) => key !== arbiter);
  const pairs = peers.flatMap((from, place) => [
    [from, peers[(place + 1) % peers.length]!],
    [first, from],
  ]);
  return {
    ...shared,
    ...{ entry: first, maxHandoffs: rounds - 1, maxDelegations: rounds + parallel, maxRefusals: parallel - 1 },
    ...(arbiter !== undefined && { arbiter }),
    ...(team.hasPairs && { handoffs: pairs.filter(([from, to]) => from !== to) }),
    ...(team.hasPairLimit && { pairLimit: { limit: parallel, intervalMs: 20 } }),
  };
}
