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
}

export const teamSeedArbitrary: fc.Arbitrary<TeamSeed> = fc.record({
  lead: fc.nat({ max: 9 }),
  rounds: fc.integer({ min: 1, max: 6 }),
  parallel: fc.integer({ min: 1, max: 4 }),
  whenBusy: fc.constantFrom(undefined, 'another-instance', 'queue', 'refuse'),
  reportTimeoutMs: fc.constantFrom(undefined, 0, 1_000),
});

/** Whether a topology needs several roles. */
export const isTeam = (kind: string | undefined): kind is 'supervisor-worker' => kind === 'supervisor-worker';

/** A frame with somebody to delegate to. */
export function withTeam(frame: FrameSeed): FrameSeed {
  const [first] = frame.roles;
  if (frame.roles.length > 1 || first === undefined) return frame;
  const second: Role = { key: `${first.key} 2`, kind: 'existing', agentId: 'another-agent' };
  return { ...frame, roles: [...frame.roles, second] };
}

/** A topology with options that fit the roles. */
export function teamTopology(
  kind: 'supervisor-worker',
  { frame: { roles }, team }: { readonly frame: FrameSeed; readonly team: TeamSeed },
): TopologyChoice {
  const { lead, rounds, parallel, whenBusy, reportTimeoutMs } = team;
  return {
    kind,
    supervisor: roles[lead % roles.length]!.key,
    maxRounds: rounds,
    maxParallel: parallel,
    ...(whenBusy !== undefined && { whenBusy }),
    ...(reportTimeoutMs !== undefined && { reportTimeoutMs }),
  };
}
