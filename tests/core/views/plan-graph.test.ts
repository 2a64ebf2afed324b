import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { waves } from '../../../src/core/plan/waves.js';
import { toDot } from '../../../src/core/views/dot.js';
import { planGraph } from '../../../src/core/views/plan-graph.js';
import { anyProposal, planOf, proposal, ticket } from '../plan/support.js';

describe('planGraph', () => {
  it('FO-21 exports the nodes, edges and waves of a plan as JSON', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const graph = planGraph(plan);
        expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
        expect(graph.nodes.map(({ id }) => id)).toEqual(plan.steps.map(({ id }) => id));
        expect(graph.edges.map(({ from, to }) => [from, to])).toEqual(
          plan.steps.flatMap(({ id, dependsOn }) => dependsOn.map((one) => [one, id])),
        );
        expect(graph.waves).toEqual(waves(plan));
        for (const { id, wave } of graph.nodes) expect(graph.waves[wave]).toContain(id);
      }),
    );
  });

  it('says what a step waits for, and which step waits for a person', () => {
    const { nodes, edges } = planGraph(
      planOf(proposal([ticket('a'), ticket('b', { dependsOn: ['a'], gate: { kind: 'before', prompt: 'Go?' } })])),
    );
    expect(nodes[1]).toEqual({
      id: 'b',
      kind: 'ticket',
      phase: 'work',
      title: 'Title of b',
      role: 'worker',
      wave: 1,
      isGated: true,
    });
    expect(edges).toEqual([
      { from: 'a', to: 'b', on: 'succeeded' },
      { from: 'a', to: 'synthesis', on: 'settled' },
      { from: 'b', to: 'synthesis', on: 'settled' },
    ]);
  });
});

describe('toDot', () => {
  it('FO-21 exports a plan as DOT, with every text inside its quotes', () => {
    const quoted = String.raw`"(?:[^"\\\n]|\\.)*"`;
    const line = new RegExp(
      String.raw`^(?:digraph plan \{|  rankdir=TB;|  node \[.*\];|  n\d+ \[label=${quoted}(?:, peripheries=2)?\];|  \{ rank=same;(?: n\d+;)+ \}|  n\d+ -> n\d+(?: \[style=dashed\])?;|\})$`,
      'u',
    );
    fc.assert(
      fc.property(anyProposal, fc.array(fc.string({ unit: 'binary' }), { minLength: 12, maxLength: 12 }), (sound, titles) => {
        const tickets = sound.tickets.map((one, index) => ({ ...one, title: titles[index]! }));
        for (const one of toDot(planOf({ ...sound, tickets }))
          .trimEnd()
          .split('\n'))
          expect(one).toMatch(line);
      }),
    );
  });
});
