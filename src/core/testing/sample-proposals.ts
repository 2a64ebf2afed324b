import type { OrchestrationProposal, Ticket } from '../ports/proposal.js';

export interface LayeredProposalOptions {
  /** Tickets in all, at least 1. */
  readonly tickets: number;
  /** Of each ticket behind the first layer, as far as the layer before has that many. Default: 3. */
  readonly dependenciesPerTicket?: number;
  /** Tickets in a layer. Default: the square root of `tickets`, rounded up. */
  readonly width?: number;
}

/**
 * A proposal in layers, for benches and tests of scale: each ticket (`t0`, `t1`, …) depends on neighbours in the layer before,
 * so that there are `tickets / width` waves. The same options give the same proposal.
 */
export function layeredProposal({ tickets, dependenciesPerTicket = 3, width }: LayeredProposalOptions): OrchestrationProposal {
  const perLayer = width ?? Math.ceil(Math.sqrt(tickets));
  const count = Math.min(dependenciesPerTicket, perLayer);
  return proposalOf(
    Array.from({ length: tickets }, (_, index) => {
      const layer = Math.floor(index / perLayer);
      if (layer === 0) return sampleTicket(index, []);
      const before = (layer - 1) * perLayer;
      return sampleTicket(
        index,
        Array.from({ length: count }, (_unused, nth) => before + ((index + nth) % perLayer)),
      );
    }),
  );
}

/** A proposal whose tickets (`t0`, `t1`, …) each depend on the one before: the deepest plan of its size. */
export const chainProposal = ({ tickets }: { readonly tickets: number }): OrchestrationProposal =>
  proposalOf(Array.from({ length: tickets }, (_, index) => sampleTicket(index, index === 0 ? [] : [index - 1])));

/** A proposal whose first ticket, `t0`, has all others as its dependents: the widest fan-out of its size. */
export const starProposal = ({ dependents }: { readonly dependents: number }): OrchestrationProposal =>
  proposalOf(Array.from({ length: dependents + 1 }, (_, index) => sampleTicket(index, index === 0 ? [] : [0])));

/** Puts tickets whose role is `worker` into the smallest proposal around them; `parts` adds to it, or replaces. */
export const proposalOf = (
  tickets: readonly Ticket[],
  parts: Partial<Omit<OrchestrationProposal, 'tickets'>> = {},
): OrchestrationProposal => ({
  schemaVersion: 1,
  goal: `Do ${tickets.length} tickets`,
  roles: [{ key: 'worker', kind: 'existing', agentId: 'worker' }],
  tickets,
  topology: { kind: 'graph' },
  synthesis: { role: 'worker', instructions: 'Put everything together.', outputSchema: { type: 'object' } },
  ...parts,
});

const sampleTicket = (index: number, dependsOn: readonly number[]): Ticket => ({
  key: `t${index}`,
  title: `Ticket ${index}`,
  role: 'worker',
  instructions: `Do ticket ${index}.`,
  dependsOn: dependsOn.map((dependency) => `t${dependency}`),
  estimate: { durationMs: 1_000 },
});
