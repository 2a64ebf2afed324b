import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import { waves } from '../../../src/core/plan/waves.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import type { OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import { parseProposal } from '../../../src/core/proposal/parse-proposal.js';
import { listIssues } from '../../../src/core/shared/error.js';
import { builtInTopologies } from '../../../src/topologies/index.js';
import type { GraphFigures } from './data-set.js';

/** The plan of a proposal that goes the way of any input: as JSON text through parsing and planning. Throws when it is refused. */
export function planFromText(proposal: OrchestrationProposal): Plan {
  const options = { topologies: builtInTopologies };
  const parsed = parseProposal(JSON.stringify(proposal), options);
  const planned = parsed.ok ? planProposal(parsed.value, options) : parsed;
  if (!planned.ok) throw new Error(`The proposal was refused:${listIssues(planned.error)}`);
  return planned.value;
}

/** The figures of a plan's tickets alone. */
export function ticketFigures(plan: Plan): GraphFigures {
  const tickets = plan.steps.filter(({ kind }) => kind === 'ticket');
  const isTicket = new Set(tickets.map(({ id }) => id));
  const levels = waves(plan).map((wave) => wave.filter((id) => isTicket.has(id)).length);
  return {
    nodes: tickets.length,
    edges: tickets.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0),
    depth: levels.filter((width) => width > 0).length,
    width: Math.max(...levels),
  };
}
