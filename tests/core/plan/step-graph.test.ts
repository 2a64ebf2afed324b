import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createStepGraph } from '../../../src/core/plan/step-graph.js';
import { planOrder, topologicalOrder } from '../../../src/core/plan/topological-order.js';
import { dagArbitrary } from '../../../src/core/testing/dag-arbitrary.js';
import { hostileKeys } from '../../../src/core/testing/key-arbitrary.js';
import { InvariantError } from '../../../src/core/shared/error.js';

/** Nodes of a random DAG, listed in any order. */
const anyNodes = fc
  .tuple(dagArbitrary({ maxNodes: 15 }), fc.shuffledSubarray([...hostileKeys], { minLength: 15, maxLength: 15 }))
  .chain(([dag, keys]) =>
    fc.shuffledSubarray(
      dag.map((dependencies, index) => ({ id: keys[index]!, dependsOn: dependencies.map((dependency) => keys[dependency]!) })),
      { minLength: dag.length },
    ),
  );

describe('createStepGraph', () => {
  it('holds exactly the dependencies, both ways', () => {
    fc.assert(
      fc.property(anyNodes, (nodes) => {
        const graph = createStepGraph(nodes);
        nodes.forEach(({ id, dependsOn }, index) => {
          expect(graph.indexOf.get(id)).toBe(index);
          expect(Array.from(graph.dependenciesOf(index), (one) => nodes[one]!.id)).toEqual(dependsOn);
          expect(graph.dependencyCounts[index]).toBe(dependsOn.length);
          const dependents = nodes.filter((node) => node.dependsOn.includes(id)).map((node) => node.id);
          expect(Array.from(graph.dependentsOf(index), (one) => nodes[one]!.id)).toEqual(dependents);
        });
      }),
    );
  });

  it('refuses ids that stand twice and dependencies that are not there', () => {
    expect(() =>
      createStepGraph([
        { id: 'a', dependsOn: [] },
        { id: 'a', dependsOn: [] },
      ]),
    ).toThrow(InvariantError);
    expect(() => createStepGraph([{ id: 'a', dependsOn: ['constructor'] }])).toThrow('"constructor"');
  });
});

describe('topologicalOrder', () => {
  it('always takes the first step, in the order given, that can come next', () => {
    fc.assert(
      fc.property(anyNodes, (nodes) => {
        const placed: string[] = [];
        while (placed.length < nodes.length) {
          placed.push(
            nodes.find(({ id, dependsOn }) => !placed.includes(id) && dependsOn.every((one) => placed.includes(one)))!.id,
          );
        }
        expect(Array.from(planOrder(createStepGraph(nodes)), (index) => nodes[index]!.id)).toEqual(placed);
      }),
    );
  });

  it('names the members of a cycle, in its order, and nothing else', () => {
    fc.assert(
      fc.property(anyNodes, fc.integer({ min: 1, max: 5 }), (nodes, length) => {
        const ring = Array.from({ length }, (_, place) => ({ id: `ring ${place}`, dependsOn: [`ring ${(place + 1) % length}`] }));
        const behind = { id: 'behind', dependsOn: ['ring 0'] };
        const sorted = topologicalOrder(createStepGraph([behind, ...nodes, ...ring]));
        expect('cycle' in sorted && [...sorted.cycle]).toEqual(ring.map(({ id }) => id));
      }),
    );
  });
});
