import fc from 'fast-check';

import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Topology } from '../ports/topology.js';
import { proposalArbitrary } from './proposal-arbitrary.js';
import { chainProposal, layeredProposal } from './sample-proposals.js';

/** Proposals for a topology that takes no options: forty of every shape, always the same, and two large ones. */
export const topologySamples = (kind: string): readonly OrchestrationProposal[] => [
  ...fc.sample(proposalArbitrary({ topologies: [kind], maxTickets: 8, reducers: true }), { numRuns: 40, seed: 20_260_101 }),
  { ...chainProposal({ tickets: 2_000 }), topology: { kind } },
  { ...layeredProposal({ tickets: 1_000 }), topology: { kind } },
];

/** The same proposal in other objects, with the members of each in the opposite order. */
export function mirrored<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => mirrored(item)) as T;
  const members = Object.entries(value).map(([key, member]) => [key, mirrored<unknown>(member)] as const);
  return Object.fromEntries(members.reverse()) as T;
}

/** What a topology makes of a proposal, with the options that the proposal gives it. */
export function arrange(topology: Topology, proposal: OrchestrationProposal) {
  const { kind: _, ...options } = proposal.topology ?? { kind: topology.kind };
  const parsed = topology.options.safeParse(options);
  return parsed.success ? topology.arrange(proposal, parsed.data) : undefined;
}
