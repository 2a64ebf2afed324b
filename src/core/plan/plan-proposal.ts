import type { Plan, PlanStep } from '../ports/plan.js';
import type { OrchestrationProposal, TopologyChoice } from '../ports/proposal.js';
import type { Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import { type Issue, quote } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { checkDraftIds } from './check-drafts.js';
import { checkInputs, checkPlaceholders } from './check-inputs.js';
import { checkReferences } from './check-steps.js';
import { arrangeWork, chooseTopology } from './choose-topology.js';
import { copyJson } from '../shared/copy-json.js';
import { frameWork } from './frame.js';
import { planDigest } from './plan-digest.js';
import { planHead } from './plan-head.js';
import { createStepGraph } from './step-graph.js';
import { topologicalOrder } from './topological-order.js';

/** Options of {@link planProposal}. */
export interface PlanOptions {
  /** What `topology.kind` can name, each kind once. */
  readonly topologies: readonly Topology[];
  /** Counts the revisions of one proposal. Default: 1. */
  readonly revision?: number;
}

/**
 * Turns a proposal into the plan that is analysed, approved and run: the work as its topology arranges it, with research,
 * discussion and synthesis around it, every default filled in, in an order that starts nothing before its dependencies.
 * The plan is frozen and shares nothing with the proposal, which is not changed.
 *
 * @throws TopologyFaultError when the topology throws.
 */
export function planProposal(proposal: OrchestrationProposal, options: PlanOptions): Result<Plan, Issue[]> {
  const chosen = chooseTopology(proposal, options.topologies);
  if (!chosen.ok) return chosen;
  const drafts = arrangeWork(chosen.value, proposal);
  if (!drafts.ok) return drafts;
  const idIssues = checkDraftIds(proposal, drafts.value);
  if (idIssues.length > 0) return err(idIssues);

  const steps = sortSteps(proposal, frameWork(proposal, drafts.value));
  if (!steps.ok) return steps;
  const revision = options.revision ?? 1;
  return ok(assemble(proposal, { topology: chosen.value.choice, steps: steps.value, revision }));
}

/** Steps behind their dependencies, or everything that is wrong with what they name. */
function sortSteps(proposal: OrchestrationProposal, steps: readonly PlanStep[]): Result<readonly PlanStep[], Issue[]> {
  const placeholders = checkPlaceholders(proposal, steps);
  const references = checkReferences(proposal, steps);
  if (references.some(({ code }) => code === 'unknown-dependency')) return err([...references, ...placeholders]);

  const graph = createStepGraph(steps);
  const sorted = topologicalOrder(graph);
  if ('cycle' in sorted) return err([...references, cycleIssue(sorted.cycle), ...placeholders]);
  const inputs = checkInputs({ proposal, steps }, { graph, order: sorted.order });
  const issues = [...references, ...inputs, ...placeholders];
  return issues.length > 0 ? err(issues) : ok(Array.from(sorted.order, (index) => steps[index]!));
}

const cycleIssue = (cycle: readonly string[]): Issue => ({
  code: 'cycle',
  pointer: '/topology',
  message: `These steps wait for each other: ${[...cycle, ...cycle.slice(0, 1)].map(quote).join(' → ')}. Take one dependency out.`,
});

interface PlanParts {
  readonly topology: TopologyChoice;
  readonly steps: readonly PlanStep[];
  readonly revision: number;
}

function assemble(proposal: OrchestrationProposal, { topology, steps, revision }: PlanParts): Plan {
  const { kind, ...options } = topology;
  const plan = {
    schemaVersion: 1,
    revision,
    ...planHead(proposal),
    topology: { kind, options: copyJson(options) },
    steps,
  } as const;
  return deepFreeze({ ...plan, digest: planDigest(plan) });
}
