import type { Plan, PlanStep } from '../ports/plan.js';
import type { OrchestrationProposal, TopologyChoice } from '../ports/proposal.js';
import type { Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Issue } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { checkDraftIds } from './check-drafts.js';
import { arrangeWork, chooseTopology } from './choose-topology.js';
import { copyJson } from '../shared/copy-json.js';
import { frameWork } from './frame.js';
import { planDigest } from './plan-digest.js';
import { planHead } from './plan-head.js';
import { sortSteps } from './sort-steps.js';

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
