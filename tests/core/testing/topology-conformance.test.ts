import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import type { Ticket } from '../../../src/core/ports/proposal.js';
import type { Contribution } from '../../../src/core/ports/reducer.js';
import type { StepDraft, Topology } from '../../../src/core/ports/topology.js';
import { proposalArbitrary } from '../../../src/core/testing/proposal-arbitrary.js';
import { proposalOf } from '../../../src/core/testing/sample-proposals.js';
import { topologyConformance, type TopologyConformanceOptions } from '../../../src/core/testing/topology-conformance.js';
import { builtInTopologies, graph, pipeline } from '../../../src/topologies/index.js';

/** The long form takes a minute and a half. */
const worlds = process.env['PLANWRIGHT_LONG'] === undefined ? 2_000 : 10_000;

describe.each(builtInTopologies.map((topology) => [topology.kind, topology] as const))('%s', (_, topology) => {
  it.each(topologyConformance(topology, { worlds }))('HB-06 HB-28 $name', ({ run }) => run());
});

describe('pipeline with stages', () => {
  const ticket = (key: string): Ticket => ({ key, title: key, role: 'worker', instructions: 'Do it.' });
  const proposal = proposalOf([ticket('a'), ticket('b')], { topology: { kind: 'pipeline', stages: ['b', 'a'] } });
  it.each(topologyConformance(pipeline, { proposals: [proposal] }))('$name', ({ run }) => run());
});

/** Names of the cases that a topology fails. */
async function failures(
  topology: Topology,
  options: Pick<TopologyConformanceOptions, 'reducers'> = {},
): Promise<readonly string[]> {
  const failed: string[] = [];
  const proposals = fc.sample(proposalArbitrary({ topologies: ['graph'], maxTickets: 4 }), { numRuns: 8, seed: 5 });
  for (const { name, run } of topologyConformance(topology, { proposals, ...options }))
    await run().catch(() => failed.push(name));
  return failed;
}

const like = (arrange: Topology['arrange']): Topology => ({ ...graph, arrange });
const steps =
  (make: (ticket: Ticket, index: number) => StepDraft | readonly StepDraft[]): Topology['arrange'] =>
  ({ tickets }) => ({ ok: true, value: tickets.flatMap(make) });
const step = ({ key }: Ticket): StepDraft => ({ id: key, kind: 'ticket' });
const joiningBy =
  (reducer: string): Topology['arrange'] =>
  ({ tickets }) => ({
    ok: true,
    value: [...tickets.map(step), { id: 'all of them', kind: 'reduce', reducer, dependsOn: tickets.map(({ key }) => key) }],
  });
let calls = 0;

interface Broken {
  readonly fault: string;
  /** The beginning of the case that finds it. */
  readonly rule: string;
  readonly topology: Topology;
}

const broken: readonly Broken[] = [
  {
    fault: 'leaves out a ticket',
    rule: 'makes every ticket the id',
    topology: like(steps((ticket, index) => (index === 0 ? [] : step(ticket)))),
  },
  {
    fault: 'makes a ticket twice',
    rule: 'makes every ticket the id',
    topology: like(steps((ticket) => [step(ticket), step(ticket)])),
  },
  {
    fault: 'counts its calls',
    rule: 'gives equal steps',
    topology: like(steps((ticket) => ({ ...step(ticket), timeoutMs: ++calls }))),
  },
  {
    fault: 'reads the order of members',
    rule: 'gives equal steps',
    topology: like((proposal) => steps((ticket) => ({ ...step(ticket), title: Object.keys(proposal).join() }))(proposal, {})),
  },
  {
    fault: 'writes into the proposal',
    rule: 'changes nothing',
    topology: like((proposal) => {
      Reflect.set(proposal, 'goal', 'mine');
      return steps(step)(proposal, {});
    }),
  },
  {
    fault: 'gives a function',
    rule: 'gives nothing but JSON',
    topology: like(steps((ticket) => ({ ...step(ticket), title: (() => 'title') as unknown as string }))),
  },
  {
    fault: 'makes a cycle',
    rule: 'gives steps that make a sound plan',
    topology: like(steps((ticket) => ({ ...step(ticket), dependsOn: [ticket.key] }))),
  },
  {
    fault: 'throws',
    rule: 'refuses by issues',
    topology: like(() => {
      throw new TypeError('no');
    }),
  },
  { fault: 'refuses without a reason', rule: 'refuses by issues', topology: like(() => ({ ok: false, error: [] })) },
  {
    fault: 'refuses everything',
    rule: 'arranges at least one',
    topology: like(() => ({ ok: false, error: [{ code: 'no', pointer: '', message: 'No.' }] })),
  },
  {
    fault: 'joins outputs by a reducer that there is not',
    rule: 'joins outputs',
    topology: like(joiningBy('custom:nobody')),
  },
  { fault: 'takes any option', rule: 'refuses options', topology: { ...graph, options: z.object({}) } },
  { fault: 'has no description', rule: 'says what it is called', topology: { ...graph, description: ' ' } },
];

describe('the cases find a topology that', () => {
  it.each(broken)('$fault', async ({ rule, topology }) => {
    expect((await failures(topology)).some((name) => name.startsWith(rule))).toBe(true);
  });

  it('joins outputs by a reducer of its own that looks at something else than what it is given', async () => {
    let count = 0;
    const reducers = { counting: () => (count += 1), choosing: (given: readonly Contribution[]) => given[0]!.output };
    const failing = await failures(like(joiningBy('custom:counting')), { reducers });
    expect(failing).toEqual(['joins outputs to the same result, in whatever order they come']);
    expect(await failures(like(joiningBy('custom:choosing')), { reducers })).toEqual([]);
  });

  it('and no fault in one that has none', async () => {
    expect(await failures(graph)).toEqual([]);
  });
});
