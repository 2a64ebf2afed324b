import type { OrchestrationProposal, TopologyChoice } from '../ports/proposal.js';
import type { OptionsFault, Topology } from '../ports/topology.js';
import { PlanwrightError } from '../shared/error.js';
import { type Issue, pointerOf, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { defaultTopology } from '../shared/default-topology.js';

/** Thrown when a topology throws instead of giving steps or issues. `cause` is what it threw. */
export class TopologyFaultError extends PlanwrightError {
  readonly code = 'TOPOLOGY_FAULT';
  constructor(
    readonly topology: string,
    cause: unknown,
  ) {
    const reason = cause instanceof Error ? cause.message : quote(cause);
    super(`The topology ${quote(topology)} threw instead of returning steps or issues: ${reason}`, { cause });
  }
}

/** A topology with the options it shall work with: as they were given, and as its schema read them. */
export interface ChosenTopology {
  readonly topology: Topology;
  readonly choice: TopologyChoice;
  readonly options: unknown;
}

/** Finds the topology that a proposal names, or the default one, and checks its options. */
export function chooseTopology(
  proposal: OrchestrationProposal,
  topologies: readonly Topology[],
): Result<ChosenTopology, Issue[]> {
  const choice = proposal.topology ?? defaultTopology(proposal.tickets);
  const candidates = topologies.filter(({ kind }) => kind === choice.kind);
  const [topology] = candidates;
  if (topology === undefined) return err([unknownTopology(choice.kind, topologies)]);
  if (candidates.length > 1) return err([ambiguousTopology(choice.kind)]);

  const { kind: _, ...given } = choice;
  const parsed = guarded(topology, () => topology.options.safeParse(given));
  if (!parsed.success) return err(parsed.error.issues.map(optionIssue));
  return ok({ topology, choice, options: parsed.data });
}

/** The steps of a chosen topology. @throws TopologyFaultError when the topology throws. */
export const arrangeWork = ({ topology, options }: ChosenTopology, proposal: OrchestrationProposal) =>
  guarded(topology, () => topology.arrange(proposal, options));

function guarded<T>(topology: Topology, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new TopologyFaultError(topology.kind, cause);
  }
}

const unknownTopology = (kind: string, topologies: readonly Topology[]): Issue => ({
  code: 'unknown-topology',
  pointer: '/topology/kind',
  message: `There is no topology ${quote(kind)}. Known: ${topologies.map((known) => quote(known.kind)).join(', ') || 'none'}.`,
});

const ambiguousTopology = (kind: string): Issue => ({
  code: 'ambiguous-topology',
  pointer: '/topology/kind',
  message: `More than one registered topology is called ${quote(kind)}. Give each a kind of its own.`,
});

const optionIssue = ({ path, message }: OptionsFault): Issue => ({
  code: 'invalid-topology-option',
  pointer: pointerOf(['topology', ...path]),
  message,
});
