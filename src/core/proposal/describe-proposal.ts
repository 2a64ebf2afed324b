import type { PolicySpec } from '../ports/policy.js';
import type {
  CompensationSpec,
  DiscussionSpec,
  Effect,
  Estimate,
  ExecutionSpec,
  GateSpec,
  OrchestrationProposal,
  Priority,
  ProposalBudget,
  ResourceLimit,
  Role,
  SpendLimit,
  SynthesisSpec,
  Ticket,
} from '../ports/proposal.js';
import { copyJson } from '../shared/copy-json.js';
import { defaultTopology } from '../shared/default-topology.js';
import { deepFreeze } from '../shared/freeze.js';
import type { JsonObject } from '../shared/json.js';
import { toMicroUsd, toUsd } from '../shared/money.js';
import { ticketWaves } from './ticket-waves.js';

/** A role and who fills it. */
export interface RoleDescription {
  readonly key: string;
  readonly kind: 'existing' | 'hire';
  /** Id of the existing agent, or name of the agent to hire. */
  readonly agent: string;
  /** Agents that take over, in this order; absent for none. */
  readonly fallbacks?: readonly string[];
  readonly description: string | null;
  readonly tools: readonly string[];
  readonly budget: SpendLimit;
  /** Keys of the tickets that it works on. */
  readonly tickets: readonly string[];
}

/** A ticket with every default filled in. */
export interface TicketDescription {
  readonly key: string;
  readonly title: string;
  /** `null` for one that calls no agent, but has a reducer. */
  readonly role: string | null;
  /** How it joins the outputs of its inputs; `null` for one that an agent carries out. */
  readonly reducer: string | null;
  /** Name of the shared value that its output is for. */
  readonly writes: string | null;
  /** Wave that it belongs to by its declared dependencies; 1 is the first. */
  readonly wave: number;
  readonly dependsOn: readonly string[];
  /** What it reads: as it says, or its dependencies, the research and the discussion. */
  readonly input: readonly string[];
  readonly effect: Effect;
  readonly onFailure: 'continue' | 'fail-run';
  readonly priority: Priority;
  readonly hasOutputSchema: boolean;
  readonly gate: GateSpec | null;
  readonly compensation: CompensationSpec | null;
  readonly estimate: Estimate;
}

/** A phase around the work. */
export interface PhaseDescription {
  /** `null` for one that calls no agent, but has a reducer. */
  readonly role: string | null;
  readonly reducer: string | null;
  readonly hasOutputSchema: boolean;
  readonly estimate: Estimate;
}

/** Every section of a proposal, present or explicitly defaulted: `null` says that there is none. Plain, frozen data. */
export interface ProposalDescription {
  readonly goal: string;
  /** `null`: no parent ticket was named, which is the choice on record. */
  readonly parentTicket: string | null;
  readonly channel: string | null;
  readonly repositories: readonly string[];
  readonly scope: JsonObject;
  readonly roles: readonly RoleDescription[];
  readonly tickets: readonly TicketDescription[];
  /** Keys of tickets that can run at once, wave after wave, by the declared dependencies. */
  readonly waves: readonly (readonly string[])[];
  readonly topology: { readonly kind: string; readonly options: JsonObject; readonly isDefault: boolean };
  readonly research: PhaseDescription | null;
  readonly discussion: { readonly rounds: number; readonly positions: number } | null;
  readonly synthesis: PhaseDescription;
  /** A figure that is left out has no ceiling. */
  readonly budget: ProposalBudget & { readonly onExceeded: 'fail' | 'pause' };
  readonly resources: Readonly<Record<string, ResourceLimit>>;
  readonly policies: readonly PolicySpec[];
  readonly counts: {
    readonly roles: number;
    readonly existing: number;
    readonly hires: number;
    readonly tickets: number;
    readonly dependencies: number;
    readonly gates: number;
  };
  /** What is estimated, added up. `isComplete` says whether every ticket, the research and the synthesis have all three figures. */
  readonly estimate: Required<Estimate> & { readonly isComplete: boolean };
  /** Names of the sections that were left out, so that their defaults stand here. */
  readonly defaulted: readonly string[];
}

/**
 * What a person is shown before launch: every section, who is there already and who would be hired, what waits for what, what it is
 * estimated to take. Executes nothing.
 */
export function describeProposal(proposal: OrchestrationProposal): ProposalDescription {
  const { goal, context = {}, roles, tickets, discussion, budget = {}, resources = {} } = proposal;
  const waves = ticketWaves(tickets);
  return deepFreeze(
    copyJson({
      goal,
      parentTicket: context.parentTicket ?? null,
      channel: context.channel ?? null,
      repositories: context.repositories ?? [],
      scope: context.scope ?? {},
      roles: describeRoles(roles, tickets),
      tickets: describeTickets(proposal, waves),
      waves,
      topology: describeTopology(proposal),
      research: proposal.research === undefined ? null : describePhase(proposal.research),
      discussion: discussion === undefined ? null : describeDiscussion(discussion, roles),
      synthesis: describePhase(proposal.synthesis),
      budget: { onExceeded: 'fail' as const, ...budget },
      resources,
      policies: proposal.policies ?? [],
      counts: countParts(roles, tickets),
      estimate: addEstimates(proposal),
      defaulted: optionalSections.filter((section) => proposal[section] === undefined),
    }),
  );
}

const optionalSections = [
  'context',
  'topology',
  'research',
  'discussion',
  'budget',
  'resources',
  'policies',
  'metadata',
] as const;

function describeRoles(roles: readonly Role[], tickets: readonly Ticket[]): readonly RoleDescription[] {
  const work = new Map<string, string[]>(roles.map(({ key }) => [key, []]));
  for (const { key, role = '' } of tickets) work.get(role)?.push(key);
  return roles.map((role) => ({
    key: role.key,
    kind: role.kind,
    agent: role.kind === 'existing' ? role.agentId : role.hire.name,
    ...(role.fallbacks && { fallbacks: role.fallbacks }),
    description: role.description ?? null,
    tools: role.tools ?? [],
    budget: role.budget ?? {},
    tickets: work.get(role.key) ?? [],
  }));
}

function describeTickets(
  { tickets, research, discussion }: OrchestrationProposal,
  waves: ProposalDescription['waves'],
): readonly TicketDescription[] {
  const waveOf = new Map(waves.flatMap((keys, index) => keys.map((key) => [key, index + 1] as const)));
  const phases = [...(research === undefined ? [] : ['research']), ...(discussion === undefined ? [] : ['discussion'])];
  return tickets.map((ticket) => ({
    key: ticket.key,
    title: ticket.title,
    role: ticket.role ?? null,
    reducer: ticket.reducer ?? null,
    writes: ticket.writes ?? null,
    wave: waveOf.get(ticket.key) ?? 0,
    dependsOn: ticket.dependsOn ?? [],
    input: ticket.input?.from ?? [...(ticket.dependsOn ?? []), ...(ticket.reducer === undefined ? phases : [])],
    effect: ticket.effect ?? (ticket.reducer === undefined ? 'idempotent' : 'none'),
    onFailure: ticket.onFailure ?? 'continue',
    priority: ticket.priority ?? 'normal',
    hasOutputSchema: ticket.outputSchema !== undefined,
    gate: ticket.gate ?? null,
    compensation: ticket.compensation ?? null,
    estimate: ticket.estimate ?? {},
  }));
}

function describeTopology(proposal: OrchestrationProposal): ProposalDescription['topology'] {
  if (proposal.topology === undefined) return { kind: defaultTopology(proposal.tickets).kind, options: {}, isDefault: true };
  const { kind, ...options } = proposal.topology;
  return { kind, options, isDefault: false };
}

type Phase = ExecutionSpec & Pick<SynthesisSpec, 'role' | 'reducer'>;

const describePhase = ({ role, reducer, outputSchema, estimate = {} }: Phase): PhaseDescription => ({
  role: role ?? null,
  reducer: reducer ?? null,
  hasOutputSchema: outputSchema !== undefined,
  estimate,
});

const describeDiscussion = ({ rounds = 1 }: DiscussionSpec, roles: readonly Role[]) => ({
  rounds,
  positions: rounds * roles.length,
});

function countParts(roles: readonly Role[], tickets: readonly Ticket[]): ProposalDescription['counts'] {
  const hires = roles.filter(({ kind }) => kind === 'hire').length;
  return {
    roles: roles.length,
    existing: roles.length - hires,
    hires,
    tickets: tickets.length,
    dependencies: tickets.reduce((sum, { dependsOn = [] }) => sum + dependsOn.length, 0),
    gates: tickets.filter(({ gate }) => gate !== undefined).length,
  };
}

/** Joining outputs in the process takes nothing that would count. */
const estimateOf = ({ reducer, estimate = {} }: Phase): Estimate =>
  reducer === undefined ? estimate : { costUsd: 0, tokens: 0, durationMs: 0 };

function addEstimates({ tickets, research, synthesis }: OrchestrationProposal): ProposalDescription['estimate'] {
  const estimates = [...tickets, ...(research === undefined ? [] : [research]), synthesis].map(estimateOf);
  let [costMicroUsd, tokens, durationMs, isComplete] = [0, 0, 0, true];
  for (const estimate of estimates) {
    costMicroUsd += toMicroUsd(estimate.costUsd ?? 0);
    tokens += estimate.tokens ?? 0;
    durationMs += estimate.durationMs ?? 0;
    isComplete &&= estimate.costUsd !== undefined && estimate.tokens !== undefined && estimate.durationMs !== undefined;
  }
  return { costUsd: toUsd(costMicroUsd), tokens, durationMs, isComplete };
}
