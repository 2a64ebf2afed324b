import fc from 'fast-check';

import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import type { OrchestrationProposal, Ticket } from '../../../src/core/ports/proposal.js';
import type { Topology } from '../../../src/core/ports/topology.js';
import { dagArbitrary, type Dag } from '../../../src/core/testing/dag-arbitrary.js';
import { hostileKeys } from '../../../src/core/testing/key-arbitrary.js';
import { builtInTopologies } from '../../../src/topologies/index.js';

/** A ticket of the role `worker`; `parts` adds to it, or replaces. */
export const ticket = (key: string, parts: Partial<Ticket> = {}): Ticket => ({
  key,
  title: `Title of ${key}`,
  role: 'worker',
  instructions: 'Do it.',
  ...parts,
});

/** The smallest proposal around tickets; `parts` adds to it, or replaces. */
export const proposal = (tickets: readonly Ticket[], parts: Partial<OrchestrationProposal> = {}): OrchestrationProposal => ({
  schemaVersion: 1,
  goal: 'A goal',
  roles: [
    { key: 'worker', kind: 'existing', agentId: 'agent-1' },
    { key: 'writer', kind: 'existing', agentId: 'agent-2', tools: ['publish'] },
  ],
  tickets,
  synthesis: { role: 'writer', instructions: 'Put it together.', outputSchema: { type: 'object' } },
  ...parts,
});

/** Proposal parts that put every phase around the work. */
export const allPhases = {
  research: { role: 'worker', instructions: 'Look around.' },
  discussion: { instructions: 'Say what you think.', rounds: 2 },
} satisfies Partial<OrchestrationProposal>;

/** The plan of a sound proposal, by the built-in topologies and `more`. */
export function planOf(sound: OrchestrationProposal, ...more: readonly Topology[]): Plan {
  const planned = planProposal(sound, { topologies: [...builtInTopologies, ...more] });
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  return planned.value;
}

/** The issues of an unsound one. */
export function issuesOf(unsound: OrchestrationProposal, ...more: readonly Topology[]) {
  const planned = planProposal(unsound, { topologies: [...builtInTopologies, ...more] });
  return planned.ok ? [] : planned.error;
}

/** Tickets with hostile keys, one for each node of a DAG. */
export const ticketsOf = (dag: Dag, keys: readonly string[]): Ticket[] =>
  dag.map((dependencies, index) => ticket(keys[index]!, { dependsOn: dependencies.map((dependency) => keys[dependency]!) }));

/** Proposals over random DAGs with hostile keys, some with phases, their tickets listed in any order. */
export const anyProposal = fc
  .tuple(
    dagArbitrary({ maxNodes: 12 }),
    fc.shuffledSubarray([...hostileKeys], { minLength: 12, maxLength: 12 }),
    fc.constantFrom({}, allPhases, { research: allPhases.research }, { discussion: allPhases.discussion }),
  )
  .chain(([dag, keys, phases]) => shuffled(ticketsOf(dag, keys)).map((tickets) => proposal(tickets, phases)));

/** The same items in any order. */
export const shuffled = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...items], { minLength: items.length });

/** The steps of a plan by id. */
export const stepsById = ({ steps }: Plan) => new Map(steps.map((step) => [step.id, step]));
