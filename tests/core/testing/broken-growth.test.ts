import { describe, expect, it } from 'vitest';

import type { OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import type { Expand, Expansion, Topology } from '../../../src/core/ports/topology.js';
import { topologyConformance } from '../../../src/core/testing/topology-conformance.js';
import { supervisorWorker } from '../../../src/topologies/index.js';
import { supervised } from '../../running/support/team.js';

/** Names of the cases that a topology fails which expands like this, beside a supervisor. */
async function failures(expand: Expand): Promise<readonly string[]> {
  const topology = { ...(supervisorWorker as Topology), expand };
  const proposals: OrchestrationProposal[] = [
    supervised(['a', 'b'], { topology: { maxRounds: 4, maxParallel: 2 } }),
    supervised(['a', 'b'], { topology: { maxRounds: 2, maxParallel: 1, reportTimeoutMs: 1_000 } }),
  ];
  const failed: string[] = [];
  for (const { name, run } of topologyConformance(topology, { proposals, worlds: 300 }))
    await run().catch(() => failed.push(name));
  return failed;
}

const sound = supervisorWorker.expand!;
const nothing: Expansion = {};
let calls = 0;

/** Adds a delegation for each that was asked for, whatever the bounds are. */
const greedy: Expand = (state, event) => {
  const expansion = sound(state, event);
  if (event.type !== 'decided' || !expansion.add?.length || expansion.end) return expansion;
  const [first] = expansion.add;
  const more = Array.from({ length: 20 }, (_, nth) => ({ ...first!, name: `${first!.name}.more ${nth}` }));
  return { ...expansion, add: [...expansion.add, ...more] };
};

const broken: readonly { readonly fault: string; readonly rule: string; readonly expand: Expand }[] = [
  { fault: 'adds more than its bounds', rule: 'adds no more than was approved', expand: greedy },
  {
    fault: 'goes deeper than its bounds',
    rule: 'adds no more than was approved',
    // What one worker has reported is handed to another below it.
    expand: (state, event) => {
      if (event.type !== 'reported' || event.step.kind !== 'delegation') return sound(state, event);
      const { template, id } = event.step;
      return { add: [{ name: `${id.split('/')[1]}.below`, template, parent: id, title: 'Below', instructions: 'Go on.' }] };
    },
  },
  {
    fault: 'answers by how often it was asked',
    rule: 'adds the same for the same',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return expansion.memo === undefined ? expansion : { ...expansion, reason: String((calls += 1)) };
    },
  },
  {
    fault: 'answers by chance',
    rule: 'adds the same for the same',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return { ...expansion, add: expansion.add?.map((step) => ({ ...step, title: `Step ${(calls += 1)}` })) ?? [] };
    },
  },
  {
    fault: 'writes into what it is shown',
    rule: 'adds the same for the same',
    expand: (state, event) => {
      Reflect.set(state.settings, 'maxRounds', 1);
      if (state.memo !== null && !Reflect.set(state.memo as object, 'turns', 0)) throw new TypeError('It is frozen.');
      return sound(state, event);
    },
  },
  {
    fault: 'waits for ever',
    rule: 'comes to an end from wherever it is',
    expand: (state, event) => (event.type === 'reported' ? nothing : sound(state, event)),
  },
  {
    fault: 'takes no finish for one',
    rule: 'comes to an end from wherever it is',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return expansion.end && 'succeeded' in expansion.end ? sound(state, { type: 'begun' }) : expansion;
    },
  },
  { fault: 'throws', rule: 'adds no more than was approved', expand: () => JSON.parse('{') as Expansion },
  {
    fault: 'adds a step twice',
    rule: 'adds no more than was approved',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return { ...expansion, add: [...(expansion.add ?? []), ...(expansion.add ?? [])] };
    },
  },
  {
    fault: 'makes a step of a template that there is not',
    rule: 'adds no more than was approved',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return { ...expansion, add: expansion.add?.map((step) => ({ ...step, template: 'mine' })) ?? [] };
    },
  },
  {
    fault: 'has a memo that is no JSON',
    rule: 'adds no more than was approved',
    expand: (state, event) => ({ ...sound(state, event), memo: { at: new Date(0) } as never }),
  },
  {
    fault: 'reads what does not belong to the goal',
    rule: 'adds no more than was approved',
    expand: (state, event) => {
      const expansion = sound(state, event);
      return { ...expansion, add: expansion.add?.map((step) => ({ ...step, input: ['synthesis'] })) ?? [] };
    },
  },
];

describe('HB-06 HB-28 the cases find a topology that', () => {
  it.each(broken)('$fault', async ({ rule, expand }) => {
    const failed = await failures(expand);
    expect(failed.filter((name) => name.startsWith(rule))).toHaveLength(1);
  });

  it('and no fault in one that has none', async () => {
    expect(await failures(sound)).toEqual([]);
  });
});
