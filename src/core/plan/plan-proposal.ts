import type { Plan, PlanStep, TeamMember } from '../ports/plan.js';
import type { OrchestrationProposal, Role, TopologyChoice, VerificationSpec } from '../ports/proposal.js';
import type { Arrangement, StepDraft, Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import { quote, type Issue } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { checkDraftIds } from './check-drafts.js';
import { arrangeWork, chooseTopology } from './choose-topology.js';
import { copyJson } from '../shared/copy-json.js';
import { checkGrowth } from './check-growth.js';
import { frameWork } from './frame.js';
import { planDigest } from './plan-digest.js';
import { planHead } from './plan-head.js';
import { sortSteps } from './sort-steps.js';
import { inOrder } from './step-defaults.js';
import { checkTemplates, stepTemplates } from './templates.js';
import { checkVerifications, verifySteps } from './verify.js';

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
  const arranged = arrangeWork(chosen.value, proposal);
  if (!arranged.ok) return arranged;
  const arrangement = 'steps' in arranged.value ? arranged.value : undefined;
  const drafts = 'steps' in arranged.value ? arranged.value.steps : arranged.value;
  const idIssues = [
    ...checkDraftIds(proposal, drafts),
    ...(arrangement ? [...checkTemplates(proposal, arrangement), ...checkGrowth(proposal, arrangement)] : []),
    ...checkGoals(chosen.value.topology, { drafts, arrangement }),
  ];
  if (idIssues.length > 0) return err(idIssues);

  const sorted = sortSteps(proposal, frameWork(proposal, drafts));
  if (!sorted.ok) return sorted;
  const revision = options.revision ?? 1;
  const specs = verifications(proposal);
  const unfilled = checkVerifications(proposal, sorted.value, specs);
  if (unfilled.length > 0) return err(unfilled);
  const { steps, templates } = verifySteps(sorted.value, specs);
  const growth = arrangement && growthOf(arrangement, { topology: chosen.value.topology, proposal });
  const all = { ...growth?.templates, ...templates };
  return ok(
    assemble(proposal, {
      ...{ topology: chosen.value.choice, steps, revision },
      growth: { ...growth, ...(Object.keys(all).length > 0 && { templates: all }) },
    }),
  );
}

/** What is verified, by the id of its step. */
function verifications({ tickets, synthesis }: OrchestrationProposal): ReadonlyMap<string, VerificationSpec> {
  const specs = new Map<string, VerificationSpec>();
  for (const { key, verify } of tickets) if (verify) specs.set(key, verify);
  if (synthesis.verify) specs.set('synthesis', synthesis.verify);
  return specs;
}

interface Arranged {
  readonly drafts: readonly StepDraft[];
  readonly arrangement: Arrangement | undefined;
}

/** Goals that nothing would be added to, and so would never end. */
function checkGoals(topology: Topology, { drafts, arrangement }: Arranged): Issue[] {
  if (arrangement && topology.expand) return [];
  const missing = arrangement ? 'it has no expand()' : 'it gave neither templates nor bounds';
  return drafts
    .filter(({ expands }) => expands !== undefined)
    .map(({ id }) => ({
      code: 'goal-without-end',
      pointer: '/topology',
      message: `The topology ${quote(topology.kind)} would add steps to ${quote(id)}, but ${missing}. Nothing could ever end it.`,
    }));
}

/** What the plan says of the steps that may be added to it. */
type Growth = Pick<Plan, 'templates' | 'expansion'>;

function growthOf(
  { templates, settings, team, bounds }: Arrangement,
  { topology, proposal }: { readonly topology: Topology; readonly proposal: OrchestrationProposal },
): Growth {
  return {
    templates: stepTemplates(templates, proposal),
    expansion: {
      version: topology.version ?? null,
      settings: copyJson(settings),
      team: teamOf(proposal, team),
      bounds: { ...bounds },
    },
  };
}

function teamOf({ roles }: OrchestrationProposal, team: readonly string[]): readonly TeamMember[] {
  const byKey = new Map(roles.map((role) => [role.key, role]));
  return inOrder(team).flatMap((key) => {
    const role = byKey.get(key);
    return role ? [teamMember(role)] : [];
  });
}

const teamMember = ({ key, description, autonomy = 'act-freely', inputSchema }: Role): TeamMember => ({
  role: key,
  ...(description !== undefined && { description }),
  ...(autonomy !== 'act-freely' && { autonomy }),
  ...(inputSchema !== undefined && { inputSchema: copyJson(inputSchema) }),
});

interface PlanParts {
  readonly topology: TopologyChoice;
  readonly steps: readonly PlanStep[];
  readonly growth: Growth;
  readonly revision: number;
}

function assemble(proposal: OrchestrationProposal, { topology, steps, growth, revision }: PlanParts): Plan {
  const { kind, ...options } = topology;
  const plan = {
    schemaVersion: 1,
    revision,
    ...planHead(proposal),
    topology: { kind, options: copyJson(options) },
    steps,
    ...growth,
  } as const;
  return deepFreeze({ ...plan, digest: planDigest(plan) });
}
