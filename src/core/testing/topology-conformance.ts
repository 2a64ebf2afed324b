import { planProposal } from '../plan/plan-proposal.js';
import type { CustomReducers } from '../plan/reduce.js';
import { waves } from '../plan/waves.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { StepDraft, Topology } from '../ports/topology.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Issue } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { type ConformanceCase, ConformanceError, expectSame, type SubjectFactory } from './conformance-case.js';
import { growthRules } from './topology-growth.js';
import { checkReducing } from './topology-reducing.js';
import { arrange, mirrored, topologySamples } from './topology-samples.js';

export interface TopologyConformanceOptions {
  /** What to arrange, each naming the topology and its options. Default: proposals of every shape that name no option. */
  readonly proposals?: readonly OrchestrationProposal[];
  /** Runs with agents of chance that a topology is held to which adds steps. Default: 10,000. */
  readonly worlds?: number;
  /** Reducers besides the built-in ones that its steps may name as `custom:<name>`. */
  readonly reducers?: CustomReducers;
  /** Decisions in words of the topology's own, which agents of chance then come to besides those that they know of. Default: none. */
  readonly routes?: readonly Json[];
}

/** A case that is about the topology it was made for, unless another is given. */
export interface TopologyCase extends ConformanceCase<Topology> {
  run(create?: SubjectFactory<Topology>): Promise<void>;
}

/**
 * What every topology must do, as cases for any test runner. A topology may refuse proposals, but not all of them.
 *
 * @example
 * for (const { name, run } of topologyConformance(myTopology)) it(name, () => run());
 */
export const topologyConformance = (
  topology: Topology,
  { proposals, worlds = 10_000, reducers = {}, routes = [] }: TopologyConformanceOptions = {},
): readonly TopologyCase[] => {
  // Made once, by the first case that runs: listing the cases costs nothing.
  let samples: readonly OrchestrationProposal[] | undefined;
  const all: readonly TopologyRule[] = [...rules, ...growthRules];
  return all.map(({ name, check }) => ({
    name,
    async run(create = () => topology) {
      samples ??= (proposals ?? topologySamples(topology.kind)).map((proposal) => deepFreeze(structuredClone(proposal)));
      check(name, { topology: await create(), samples, worlds, reducers, routes });
    },
  }));
};

interface Subject {
  readonly topology: Topology;
  /** Frozen all the way down. */
  readonly samples: readonly OrchestrationProposal[];
  readonly worlds: number;
  readonly reducers: CustomReducers;
  readonly routes: readonly Json[];
}

interface TopologyRule {
  readonly name: string;
  /** @throws ConformanceError where the rule is broken. */
  readonly check: (rule: string, subject: Subject) => void;
}

const rules: readonly TopologyRule[] = [
  {
    name: 'says what it is called and when to use it',
    check(rule, { topology: { kind, description } }) {
      if (!/\S/.test(kind) || !/\S/.test(description))
        throw new ConformanceError(rule, 'a kind and a sentence', { kind, description });
    },
  },
  {
    name: 'arranges at least one of the proposals',
    check(rule, subject) {
      if (accepted(subject).length === 0)
        throw new ConformanceError(rule, 'steps for at least one proposal', firstRefusal(subject));
    },
  },
  {
    name: 'refuses by issues that can be acted on, and never throws',
    check(rule, { topology, samples }) {
      for (const proposal of samples) {
        const drafts = noThrow(rule, () => arrange(topology, proposal));
        if (drafts?.ok === false) checkIssues(rule, drafts.error);
      }
    },
  },
  {
    name: 'makes every ticket the id of exactly one ticket step',
    check(rule, subject) {
      for (const { proposal, drafts } of accepted(subject)) {
        const made = drafts.filter(({ kind }) => kind === 'ticket').map(({ id }) => id);
        expectSame(rule, { actual: made.sort(), expected: proposal.tickets.map(({ key }) => key).sort() });
      }
    },
  },
  {
    name: 'gives nothing but JSON',
    check(rule, subject) {
      for (const { drafts } of accepted(subject)) noThrow(rule, () => canonicalJson(drafts));
    },
  },
  {
    name: 'gives equal steps for equal proposals, whatever the order of their members',
    check(rule, { topology, samples }) {
      for (const proposal of samples) {
        const expected = arrange(topology, proposal) ?? null;
        expectSame(rule, { actual: arrange(topology, proposal) ?? null, expected });
        expectSame(rule, { actual: arrange(topology, mirrored(proposal)) ?? null, expected });
      }
    },
  },
  {
    name: 'changes nothing in the proposal or the options',
    check(rule, { topology, samples }) {
      // One that is not frozen: code in sloppy mode fails silently on a frozen one.
      for (const proposal of samples) {
        const loose = structuredClone(proposal);
        arrange(topology, loose);
        expectSame(rule, { actual: loose, expected: proposal });
      }
    },
  },
  {
    name: 'gives steps that make a sound plan, with the same digest and waves each time',
    check(rule, { topology, samples }) {
      const plan = (proposal: OrchestrationProposal) => planProposal(proposal, { topologies: [topology] });
      for (const { proposal } of accepted({ topology, samples })) {
        const [first, second] = [plan(proposal), plan(mirrored(proposal))];
        if (!first.ok || !second.ok) throw new ConformanceError(rule, 'a plan', first.ok ? second : first);
        expectSame(rule, { actual: second.value.digest, expected: first.value.digest });
        expectSame(rule, { actual: waves(second.value), expected: waves(first.value) });
      }
    },
  },
  {
    name: 'joins outputs to the same result, in whatever order they come',
    check(rule, { topology, samples, reducers }) {
      for (const { proposal } of accepted({ topology, samples })) {
        const plan = planProposal(proposal, { topologies: [topology] });
        if (plan.ok) checkReducing(rule, plan.value, reducers);
      }
    },
  },
  {
    name: 'refuses options that it does not know, and throws for no value at all',
    check(rule, { topology }) {
      for (const options of [null, undefined, 42, 'options', ['options']])
        noThrow(rule, () => topology.options.safeParse(options));
      const strange = { 'an option that nobody has': true };
      const { success } = noThrow(rule, () => topology.options.safeParse(strange));
      if (success) throw new ConformanceError(rule, 'a refusal', strange);
    },
  },
];

interface Arranged {
  readonly proposal: OrchestrationProposal;
  readonly drafts: readonly StepDraft[];
}

const accepted = ({ topology, samples }: Pick<Subject, 'topology' | 'samples'>): readonly Arranged[] =>
  samples.flatMap((proposal) => {
    const drafts = arrange(topology, proposal);
    if (drafts?.ok !== true) return [];
    return [{ proposal, drafts: 'steps' in drafts.value ? drafts.value.steps : drafts.value }];
  });

function firstRefusal({ topology, samples }: Pick<Subject, 'topology' | 'samples'>): unknown {
  const [first] = samples;
  return first === undefined ? 'no proposals' : (arrange(topology, first) ?? 'the options were refused');
}

function checkIssues(rule: string, issues: readonly Issue[]): void {
  if (issues.length === 0) throw new ConformanceError(rule, 'at least one issue', issues);
  for (const issue of issues) {
    const isSound = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(issue.code) && /^(\/|$)/.test(issue.pointer) && /\S/.test(issue.message);
    if (!isSound) throw new ConformanceError(rule, 'a kebab-case code, a JSON Pointer and a sentence', issue);
  }
}

function noThrow<T>(rule: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new ConformanceError(rule, 'no exception', String(error));
  }
}
