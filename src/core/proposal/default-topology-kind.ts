import type { OrchestrationProposal } from '../ports/proposal.js';

/**
 * The kind of topology that a proposal gets which names none: `single` for one ticket, `pipeline` for a chain of at least two (all but
 * one depend on exactly one other, none has two dependents), `graph` otherwise.
 */
export function defaultTopologyKind({ tickets }: Pick<OrchestrationProposal, 'tickets'>): 'single' | 'pipeline' | 'graph' {
  if (tickets.length === 1) return 'single';
  const followed = new Set<string>();
  let heads = 0;
  for (const { dependsOn = [] } of tickets) {
    const [before] = dependsOn;
    if (before === undefined) heads += 1;
    else if (dependsOn.length > 1 || followed.has(before)) return 'graph';
    else followed.add(before);
  }
  // One head and no fork: without cycles, which parsing refused, that is one chain.
  return heads === 1 && tickets.length > 1 ? 'pipeline' : 'graph';
}
