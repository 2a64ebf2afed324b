import fc from 'fast-check';

import type { OrchestrationProposal, ProposalBudget, ResourceUse, Role, Ticket, TopologyChoice } from '../ports/proposal.js';
import { dependenciesAmong } from './dag-arbitrary.js';
import { type FrameSeed, frameSeedArbitrary } from './proposal-frame-arbitrary.js';
import { isTeam, teamSeedArbitrary, teamTopology, withTeam } from './team-arbitrary.js';
import { mostPerStep, type TicketSeed, ticketSeedArbitrary } from './ticket-arbitrary.js';

export interface ProposalArbitraryOptions {
  /** Default: 12. */
  readonly maxTickets?: number;
  /** Whether keys may be such as `constructor`, `a.b` or `🦊`. Default: true. */
  readonly hostileKeys?: boolean;
  /** Whether there may be research and discussion. Default: true. */
  readonly phases?: boolean;
  /**
   * Kinds that `topology` may name. `single` gets one ticket, `pipeline` an order that fits the dependencies, `supervisor-worker`
   * and `network` roles for every part; any other kind is taken to have no options. Default: `single`, `pipeline`, `graph`, or left out.
   */
  readonly topologies?: readonly string[];
  /** Whether there may be retries, time limits and `onFailure: 'fail-run'`. Default: true. */
  readonly failures?: boolean;
  /** Whether there may be ceilings. They leave room for every estimate. Default: true. */
  readonly budgets?: boolean;
  /** Whether there may be gates, at which a run waits for a person. Default: false. */
  readonly gates?: boolean;
  /** Whether tickets may join the outputs of others by a reducer, which may refuse them. Default: false. */
  readonly reducers?: boolean;
  /** Whether tickets may have limits of all their attempts together, of silence, and of pauses that providers ask for. Default: false. */
  readonly limits?: boolean;
}

/**
 * Sound proposals of every shape, for property tests: `parseProposal` accepts each, the topology named can plan it, and
 * the analysis finds no error in the plan. Shrinks to one ticket without any option.
 *
 * @example
 * fc.assert(fc.property(proposalArbitrary({ maxTickets: 30 }), (proposal) => myTopology.arrange(proposal, {}).ok));
 */
export function proposalArbitrary(options: ProposalArbitraryOptions = {}): fc.Arbitrary<OrchestrationProposal> {
  const { maxTickets = 12, hostileKeys = true, phases = true, failures = true, budgets = true } = options;
  const { gates = false, reducers = false, limits = false } = options;
  const seed = ticketSeedArbitrary({ hostileKeys, failures, budgets, gates, reducers, limits });
  const kinds = options.topologies ?? [undefined, 'graph', 'pipeline', 'single'];
  return fc
    .record({
      seeds: fc.uniqueArray(seed, { selector: ({ key }) => key, minLength: 1, maxLength: maxTickets, size: 'max' }),
      frame: frameSeedArbitrary({ hostileKeys, phases, failures }),
      kind: fc.constantFrom(...kinds),
      namesStages: fc.boolean(),
      // Drawn only where it is wanted: samples by a seed stay what they were.
      team: kinds.some(isTeam) ? teamSeedArbitrary : fc.constant(undefined),
    })
    .map(({ seeds, frame: given, kind, namesStages, team }) => {
      const used = kind === 'single' ? seeds.slice(0, 1) : seeds;
      const frame = isTeam(kind) ? withTeam(given) : given;
      const topology =
        isTeam(kind) && team ? teamTopology(kind, { frame, team }) : topologyOf(kind, namesStages ? used : undefined);
      const isOrderFixed = kind === 'pipeline' && topology?.['stages'] === undefined;
      const tickets = ticketsOf(used, frame);
      return assemble({ frame, topology, budgets, tickets: isOrderFixed ? tickets : reordered(tickets, used) });
    });
}

function topologyOf(kind: string | undefined, stages: readonly TicketSeed[] | undefined): TopologyChoice | undefined {
  if (kind === undefined) return undefined;
  return kind === 'pipeline' && stages !== undefined ? { kind, stages: stages.map(({ key }) => key) } : { kind };
}

const reordered = (tickets: readonly Ticket[], seeds: readonly TicketSeed[]): readonly Ticket[] =>
  tickets
    .map((ticket, index) => ({ ticket, place: seeds[index]!.place }))
    .sort((a, b) => a.place - b.place)
    .map(({ ticket }) => ticket);

function ticketsOf(seeds: readonly TicketSeed[], frame: FrameSeed): readonly Ticket[] {
  const dependencies = seeds.map(({ picks }, index) => dependenciesAmong(picks, index));
  return seeds.map((seed, index) => {
    const dependsOn = dependencies[index]!.map((dependency) => seeds[dependency]!.key);
    if (seed.reducer !== undefined && dependsOn.length > 0) return reduceTicket(seed, { index, dependsOn });
    const beyond = dependencies[index]!.flatMap((dependency) => dependencies[dependency]!).map((step) => seeds[step]!.key);
    const from = seed.inputPicks && chosen([...dependsOn, ...beyond, ...phaseInputs(frame)], seed.inputPicks);
    const resources = resourcesOf(seed, frame);
    return {
      key: seed.key,
      title: `Ticket ${index + 1}`,
      role: roleAt(frame, seed.role),
      instructions: instructionsOf(seed, from ?? dependsOn),
      ...(dependsOn.length > 0 && { dependsOn }),
      ...(from !== undefined && { input: { from } }),
      ...(resources.length > 0 && { resources }),
      ...(seed.compensationRole !== undefined && {
        compensation: { role: roleAt(frame, seed.compensationRole), instructions: 'Undo it.' },
      }),
      ...seed.settings,
    };
  });
}

function reduceTicket(
  { key, reducer = '', settings: { priority, onFailure, gate } }: TicketSeed,
  { index, dependsOn }: { readonly index: number; readonly dependsOn: readonly string[] },
): Ticket {
  return {
    ...{ key, title: `Ticket ${index + 1}`, reducer, dependsOn },
    ...(priority && { priority }),
    ...(onFailure && { onFailure }),
    ...(gate && { gate }),
  };
}

/** The choices that the picks fall on, each once. */
const chosen = <T>(choices: readonly T[], picks: readonly number[]): readonly T[] =>
  choices.length === 0 ? [] : [...new Set(picks.map((pick) => choices[pick % choices.length]!))];

const phaseInputs = ({ research, rounds }: FrameSeed): readonly string[] => [
  ...(research ? ['research'] : []),
  ...(rounds > 0 ? ['discussion'] : []),
];

const roleAt = ({ roles }: FrameSeed, pick: number): string => roles[pick % roles.length]!.key;

/** A brace in a key would end its placeholder early. */
function instructionsOf({ mentions }: TicketSeed, inputs: readonly string[]): string {
  const named = mentions ? inputs.find((key) => !key.includes('}')) : undefined;
  return named === undefined ? 'Do it well.' : `Go on from this:\n{{input.${named}}}`;
}

const resourcesOf = ({ resourcePicks }: TicketSeed, { resources }: FrameSeed): readonly (string | ResourceUse)[] =>
  chosen(resources, resourcePicks).map(({ name }, nth) => (nth % 2 === 0 ? name : { name, amount: 2 }));

interface Parts {
  readonly frame: FrameSeed;
  readonly tickets: readonly Ticket[];
  readonly topology: TopologyChoice | undefined;
  readonly budgets: boolean;
}

function assemble({ frame, tickets, topology, budgets }: Parts): OrchestrationProposal {
  const phase = { ...frame.phaseSettings, role: roleAt(frame, frame.phaseRole), instructions: 'Do this part.' };
  const ceilings = ceilingsFor(frame, tickets.length);
  return {
    schemaVersion: 1,
    goal: 'Reach the goal',
    roles: frame.roles.map((role, index) => (budgets && frame.budgetedRoles[index] === true ? withBudget(role, ceilings) : role)),
    tickets,
    ...(topology !== undefined && { topology }),
    ...(frame.research && { research: phase }),
    ...(frame.rounds > 0 && { discussion: { instructions: 'What do you think?', rounds: frame.rounds } }),
    synthesis: { ...phase, ...frame.synthesis },
    ...(budgets && { budget: budgetOf(frame, ceilings) }),
    ...(frame.resources.length > 0 && { resources: Object.fromEntries(frame.resources.map(({ name, limit }) => [name, limit])) }),
    ...frame.extras,
  };
}

interface Ceilings {
  readonly steps: number;
  readonly costUsd: number;
  readonly tokens: number;
}

/** Enough for every step to spend the most that it may, three times over. */
function ceilingsFor({ roles, rounds }: FrameSeed, tickets: number): Ceilings {
  const steps = 3 * (tickets + rounds * (roles.length + 1) + 2);
  return { steps, costUsd: steps * mostPerStep.costUsd, tokens: steps * mostPerStep.tokens };
}

const withBudget = (role: Role, { costUsd, tokens }: Ceilings): Role => ({
  ...role,
  budget: { maxCostUsd: costUsd, maxTokens: tokens },
});

const budgetOf = ({ budget, roles }: FrameSeed, { steps, costUsd, tokens }: Ceilings): ProposalBudget => ({
  ...(budget.cost && { maxCostUsd: costUsd }),
  ...(budget.tokens && { maxTokens: tokens }),
  ...(budget.steps && { maxSteps: steps }),
  ...(budget.agents && { maxAgents: roles.length }),
  ...(budget.duration && { maxDurationMs: steps * 86_400_000 }),
  // Enough to work with, and few enough that some wait.
  ...(budget.concurrency && { maxConcurrency: roles.length + 1 }),
  ...(budget.pause && { onExceeded: 'pause' as const }),
});
