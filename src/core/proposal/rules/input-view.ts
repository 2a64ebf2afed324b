import type { OrchestrationProposal } from '../../ports/proposal.js';
import type { StepDraft } from '../../ports/topology.js';
import { asObject, asText } from '../loose.js';
import type { Reference, TicketSketch } from '../sketch.js';
import { optionsOf } from './check-topology.js';
import type { RuleContext } from './rule.js';

/** A step of the work as far as its inputs go. */
export interface InputNode {
  readonly id: string | undefined;
  readonly dependsOn: readonly string[];
  /** Absent when it reads what it depends on. */
  readonly inputFrom: readonly Reference[] | undefined;
  /** The ticket to blame; absent for a step that is the topology's own. */
  readonly ticket: TicketSketch | undefined;
}

/** The work as the tickets declare it. */
export const declaredView = ({ sketch }: RuleContext): readonly InputNode[] =>
  sketch.tickets.map((ticket) => ({
    id: ticket.key,
    dependsOn: ticket.dependsOn.map(({ name }) => name),
    inputFrom: ticket.inputFrom,
    ticket,
  }));

/**
 * The work as its topology arranges it (a pipeline, say, adds a dependency on the stage before). `undefined` where the proposal names
 * no topology, where it is not sound enough to be arranged, and where the topology refuses.
 */
export function arrangedView({ sketch, topologies, issues }: RuleContext): readonly InputNode[] | undefined {
  const choice = asObject(sketch.fields['topology']);
  const topology = topologies.find(({ kind }) => kind === asText(choice['kind']));
  if (topology === undefined || issues.touched(['roles', 'tickets', 'topology'])) return undefined;
  try {
    const options = topology.options.safeParse(optionsOf(choice));
    if (!options.success) return undefined;
    const drafts = topology.arrange(sketch.fields as unknown as OrchestrationProposal, options.data);
    if (!drafts.ok) return undefined;
    const steps = 'steps' in drafts.value ? drafts.value.steps : drafts.value;
    return steps.map((draft) => nodeOf(draft, { sketch }));
  } catch {
    // A topology is someone else's code; what it does with a sound proposal, planning will say.
    return undefined;
  }
}

function nodeOf({ id, kind, dependsOn, input }: StepDraft, { sketch }: Pick<RuleContext, 'sketch'>): InputNode {
  const ticket = kind === 'ticket' ? sketch.tickets[sketch.ticketIndex.get(id) ?? -1] : undefined;
  return {
    id,
    dependsOn: dependsOn ?? ticket?.dependsOn.map(({ name }) => name) ?? [],
    inputFrom: input?.map((name, index) => ({ name, index: placeOf(name, ticket) ?? index })) ?? ticket?.inputFrom,
    ticket,
  };
}

const placeOf = (input: string, ticket: TicketSketch | undefined): number | undefined =>
  ticket?.inputFrom?.find(({ name }) => name === input)?.index;
