import { createOrchestrator as createCoreOrchestrator, type Orchestrator } from './core/runtime/create-orchestrator.js';
import type { OrchestratorOptions } from './core/runtime/orchestrator-options.js';
import type { ApprovedPlan } from './core/approval/approve-plan.js';
import type { RoleMap } from './core/materializer/definition.js';
import {
  materialize as materializeWith,
  type MaterializedRun,
  type MaterializeOptions,
} from './core/materializer/materialize.js';
import { planProposal as planWith, type PlanOptions } from './core/plan/plan-proposal.js';
import type { JsonSchema } from './core/shared/json.js';
import type { Issue } from './core/shared/issue.js';
import type { Result } from './core/shared/result.js';
import type { Plan } from './core/ports/plan.js';
import type { OrchestrationProposal } from './core/ports/proposal.js';
import type { Topology } from './core/ports/topology.js';
import { parseProposal as parseWith, type ParseOptions } from './core/proposal/parse-proposal.js';
import { proposalJsonSchema as jsonSchemaWith } from './core/proposal/proposal-json-schema.js';
import { dropTicket as dropTicketWith, type DropTicketOptions } from './core/proposal/edits/drop-ticket.js';
import { reassignTicket as reassignTicketWith, type ReassignTicketOptions } from './core/proposal/edits/reassign-ticket.js';
import { setBudget as setBudgetWith, type SetBudgetOptions } from './core/proposal/edits/set-budget.js';
import { setPolicies as setPoliciesWith, type SetPoliciesOptions } from './core/proposal/edits/set-policies.js';
import { swapRole as swapRoleWith, type SwapRoleOptions } from './core/proposal/edits/swap-role.js';
import { tightenBudget as tightenBudgetWith, type TightenBudgetOptions } from './core/proposal/edits/tighten-budget.js';
import type { ProposalHistory } from './core/proposal/proposal-history.js';
import { createMemoryStore } from './storage/memory.js';
import { builtInTopologies } from './topologies/index.js';

// Core knows no plug-in. Here, and nowhere else, the ones that come with it are put in as defaults.

/** Your own topologies, besides those that come with planwright. One of the same kind takes the place of the built-in one. */
export interface WithTopologies {
  readonly topologies?: readonly Topology[];
}

const allTopologies = (own: readonly Topology[] = []): readonly Topology[] => {
  const kinds = new Set(own.map(({ kind }) => kind));
  return [...builtInTopologies.filter(({ kind }) => !kinds.has(kind)), ...own];
};

/**
 * Turns anything, JSON text included, into a typed proposal, or into every issue that it has: each with a JSON Pointer, a code
 * and a sentence that the planner who wrote it can act on. Never throws for what it is given.
 *
 * @example
 * const parsed = parseProposal(await planner(goal));
 * if (!parsed.ok) return askAgain(parsed.error); // [{ code: 'unknown-role', pointer: '/tickets/2/role', message: '…' }]
 */
export const parseProposal = (
  input: unknown,
  { topologies, ...options }: Omit<ParseOptions, 'topologies'> & WithTopologies = {},
): Result<OrchestrationProposal, Issue[]> => parseWith(input, { ...options, topologies: allTopologies(topologies) });

/** Arranges a proposal into the plan that is analysed, drawn, hashed and approved. Pure. */
export const planProposal = (
  proposal: OrchestrationProposal,
  { topologies, ...options }: Omit<PlanOptions, 'topologies'> & WithTopologies = {},
): Result<Plan, Issue[]> => planWith(proposal, { ...options, topologies: allTopologies(topologies) });

/**
 * Makes the machines of an approved plan. Pure: no clock, no randomness, no I/O, and what it is given is not changed.
 *
 * @throws NotApprovedError when the plan did not come from `approvePlan`.
 * @throws UnresolvedRoleError when a role of the plan has no agent in `roles`.
 * @throws TopologyMissingError when the topology is not at hand that adds steps to the plan.
 */
export const materialize = (
  approved: ApprovedPlan,
  roles: RoleMap,
  { topologies, ...options }: MaterializeOptions = {},
): MaterializedRun => materializeWith(approved, roles, { ...options, topologies: allTopologies(topologies) });

/** The JSON Schema (draft 2020-12) of a proposal, to put before a planner. */
export const proposalJsonSchema = ({ topologies }: WithTopologies = {}): JsonSchema =>
  jsonSchemaWith({ topologies: allTopologies(topologies) });

/**
 * Creates an orchestrator: it takes proposals, has each approved once, and runs it to its end.
 *
 * @example
 * const orchestrator = createOrchestrator({ agents: { 'agent-1': async (request) => ({ output: await work(request) }) } });
 * const { runId, revision, digest } = await orchestrator.propose(json);
 * const run = await orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
 * const { status, deliverable } = await run.result();
 */
export const createOrchestrator = ({ store, topologies, ...options }: OrchestratorOptions): Orchestrator =>
  createCoreOrchestrator({
    ...options,
    store: store ?? createMemoryStore(),
    isStoreShared: store !== undefined,
    topologies: allTopologies(topologies),
  });

/** An edit's own options; the built-in topologies need not be named. */
type EditWith<Options> = Omit<Options, 'topologies'> & WithTopologies;

const withTopologies = <Options extends { readonly topologies: readonly Topology[] }>({
  topologies,
  ...options
}: EditWith<Options>): Options => ({ ...options, topologies: allTopologies(topologies) }) as unknown as Options;

/** Gives a role to another existing agent, or to a hire. One revision, whichever it was before. */
export const swapRole = (history: ProposalHistory, options: EditWith<SwapRoleOptions>): Result<ProposalHistory, Issue[]> =>
  swapRoleWith(history, withTopologies<SwapRoleOptions>(options));

/** Takes a ticket out. Never leaves a dependency dangling; refused with `still-read` where something names its output. */
export const dropTicket = (history: ProposalHistory, options: EditWith<DropTicketOptions>): Result<ProposalHistory, Issue[]> =>
  dropTicketWith(history, withTopologies<DropTicketOptions>(options));

/** Lowers ceilings, or sets ones that were not there. Refused with `not-tighter` where one would rise. */
export const tightenBudget = (
  history: ProposalHistory,
  options: EditWith<TightenBudgetOptions>,
): Result<ProposalHistory, Issue[]> => tightenBudgetWith(history, withTopologies<TightenBudgetOptions>(options));

/** Puts another budget in the place of the one there is, also a higher one: a revision like any other. */
export const setBudget = (history: ProposalHistory, options: EditWith<SetBudgetOptions>): Result<ProposalHistory, Issue[]> =>
  setBudgetWith(history, withTopologies<SetBudgetOptions>(options));

/** Puts other policies in the place of those there are: a revision like any other. */
export const setPolicies = (history: ProposalHistory, options: EditWith<SetPoliciesOptions>): Result<ProposalHistory, Issue[]> =>
  setPoliciesWith(history, withTopologies<SetPoliciesOptions>(options));

/** Gives one ticket to another role. Dependencies, and so waves, stay as they are. */
export const reassignTicket = (
  history: ProposalHistory,
  options: EditWith<ReassignTicketOptions>,
): Result<ProposalHistory, Issue[]> => reassignTicketWith(history, withTopologies<ReassignTicketOptions>(options));
