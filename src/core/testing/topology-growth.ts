import { approvePlan } from '../approval/approve-plan.js';
import { worstCase } from '../analysis/bounds.js';
import { replay } from '../kernel/create-kernel.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import { planProposal } from '../plan/plan-proposal.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Expand, Topology } from '../ports/topology.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { deepFreeze } from '../shared/freeze.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { ConformanceError, expectSame } from './conformance-case.js';
import { createChances } from './random.js';
import { runTopologyWorld, type TopologyStory, type TopologyWorldOptions } from './topology-world.js';

/** A rule about the steps that a topology adds. It holds of one that adds none. */
export interface GrowthRule {
  readonly name: string;
  /** @throws ConformanceError where the rule is broken. */
  check(rule: string, subject: GrowthSubject): void;
}

export interface GrowthSubject {
  readonly topology: Topology;
  readonly samples: readonly OrchestrationProposal[];
  /** Runs with agents of chance. */
  readonly worlds: number;
  /** Decisions in words of the topology's own. */
  readonly routes: readonly Json[];
}

export const growthRules: readonly GrowthRule[] = [
  {
    name: 'adds no more than was approved, whatever its agents decide',
    check(rule, subject) {
      for (const { run, story } of worldsOf(subject, subject.worlds, () => ({}))) checkBounds(rule, run, story);
    },
  },
  {
    name: 'comes to an end from wherever it is, once its agents do what they should',
    check(rule, subject) {
      const soundFrom = (seed: number) => createChances(seed).below(120);
      for (const { run, story } of worldsOf(subject, some(subject), (seed) => ({ soundFrom: soundFrom(seed) })))
        checkBounds(rule, run, story);
    },
  },
  {
    name: 'adds the same for the same, and keeps its hands off what it is shown',
    check(rule, subject) {
      const { topology, checkSeen } = watched(rule, subject.topology);
      for (const { run, story } of worldsOf({ ...subject, topology }, some(subject), () => ({}))) {
        checkSeen();
        expectSame(rule, { actual: replay(run, story.journal).digest(), expected: story.kernel.digest() });
      }
    },
  },
  {
    name: 'can be paused and cancelled at any point',
    check(rule, subject) {
      const disturb = (seed: number) => {
        const chances = createChances(seed);
        const cancelAt = chances.below(150);
        return (turn: number) => (turn === cancelAt ? 'cancel' : chances.oneIn(5) ? 'pause' : undefined);
      };
      for (const { run, story } of worldsOf(subject, some(subject), (seed) => ({ disturb: disturb(seed) })))
        checkBounds(rule, run, story);
    },
  },
  {
    name: 'goes on after the loss of its process at any entry of its journal',
    check(rule, subject) {
      for (const { run, story } of worldsOf(subject, 2 * subject.samples.length, () => ({}))) {
        for (let turn = 0; turn < Math.min(60, story.journal.length); turn += 1) {
          const crashed = runTopologyWorld(run, {
            seed: turn,
            routes: subject.routes,
            crashAt: (at) => at === turn || at === 2 * turn,
          });
          checkBounds(rule, run, crashed);
          expectSame(rule, { actual: replay(run, crashed.journal).digest(), expected: crashed.kernel.digest() });
        }
      }
    },
  },
];

/** Rules that take more inputs a world, or look at each twice, are held to a tenth of them. */
const some = ({ worlds }: GrowthSubject): number => Math.ceil(worlds / 10);

interface World {
  readonly run: MaterializedRun;
  readonly story: TopologyStory;
}

/** Runs of the samples in turn, each with a seed of its own. None for a topology that adds nothing. */
function* worldsOf(
  { topology, samples, routes }: Pick<GrowthSubject, 'topology' | 'samples' | 'routes'>,
  count: number,
  optionsOf: (seed: number) => Omit<TopologyWorldOptions, 'seed' | 'routes'>,
): Generator<World> {
  if (!topology.expand) return;
  const runs = samples.flatMap((proposal) => machinesOf(topology, proposal) ?? []);
  if (runs.length === 0) return;
  for (let seed = 0; seed < count; seed += 1) {
    const run = runs[seed % runs.length]!;
    yield { run, story: runTopologyWorld(run, { seed, routes, ...optionsOf(seed) }) };
  }
}

/** A plan of ordinary size that nothing stands against. Worlds are many; thousands of tickets in each would take hours. */
function machinesOf(topology: Topology, proposal: OrchestrationProposal): MaterializedRun | undefined {
  if (proposal.tickets.length > mostTickets) return undefined;
  const planned = planProposal(proposal, { topologies: [topology] });
  if (!planned.ok) return undefined;
  const { digest, revision, roles } = planned.value;
  const approved = approvePlan(planned.value, { digest, revision, approvedBy: { kind: 'policy', id: 'conformance' } });
  if (!approved.ok) return undefined;
  const agents = Object.fromEntries(roles.map(({ key }) => [key, { agentId: `agent of ${key}` }]));
  return materialize(approved.value, agents, { topologies: [topology] });
}

const mostTickets = 12;

/** Errors with which the kernel ends a goal whose topology does what it must not. */
const misdeeds: ReadonlySet<string> = new Set(['BOUND_EXCEEDED', 'EXPANSION_INVALID', 'TOPOLOGY_FAULT', 'GOAL_STALLED']);

function checkBounds(rule: string, run: MaterializedRun, { kernel, facts }: TopologyStory): void {
  const failed = facts.flatMap((fact) => (fact.type === 'step.failed' ? [fact.error] : []));
  const misdeed = failed.find(({ code }) => misdeeds.has(code));
  if (misdeed) throw new ConformanceError(rule, 'steps that keep to the bounds of the plan', misdeed);
  const { steps, agents, delegations } = worstCase(run.plan);
  const added = facts.flatMap((fact) => (fact.type === 'step.added' ? [fact] : []));
  const started = new Set(facts.flatMap((fact) => (fact.type === 'step.started' ? [fact.stepId] : [])));
  const used = new Set([...started].flatMap((id) => kernel.step(id).agentId ?? []));
  const handed = added.filter(({ kind }) => kind === 'delegation' || kind === 'handoff').length;
  const depth = added.reduce((deepest, one) => Math.max(deepest, one.depth), 0);
  const within: readonly (readonly [string, number, number])[] = [
    ['steps', started.size, steps],
    ['agents', used.size, agents],
    ['delegations', handed, delegations],
    ['depth', depth, run.plan.expansion?.bounds.depth ?? 0],
  ];
  for (const [what, found, most] of within) {
    if (found > most) throw new ConformanceError(rule, `at most ${most} ${what}`, found);
  }
  const open = kernel.statuses().find(({ status }) => status === 'running' || status === 'ready' || status === 'blocked');
  if (open) throw new ConformanceError(rule, 'every step at its end, as the run is', open);
}

interface Watched {
  readonly topology: Topology;
  /** @throws whatever was found wrong. Thrown within the kernel, it would only end a goal. */
  checkSeen(): void;
}

/** A topology that is asked everything twice, and must answer the same, from what is frozen. */
function watched(rule: string, topology: Topology): Watched {
  const { expand } = topology;
  const found: unknown[] = [];
  if (!expand) return { topology, checkSeen: () => undefined };
  const twice: Expand = (state, event) => {
    const shown = { ...state, settings: deepFreeze(state.settings), memo: deepFreeze(state.memo) };
    const first = expand(deepFreeze(shown), deepFreeze(structuredClone(event)));
    const second = expand(shown, structuredClone(event));
    canonicalJson(first);
    expectSame(rule, { actual: second, expected: first });
    return first;
  };
  const noting: Expand = (state, event) => {
    try {
      return twice(state, event);
    } catch (error) {
      found.push(error);
      throw error;
    }
  };
  const checkSeen = (): void => {
    const [error] = found;
    if (error instanceof ConformanceError) throw error;
    if (error !== undefined)
      throw new ConformanceError(rule, 'no exception', error instanceof Error ? error.message : quote(error));
  };
  return {
    topology: { ...topology, expand: noting, arrange: (proposal, options) => topology.arrange(proposal, options) },
    checkSeen,
  };
}
