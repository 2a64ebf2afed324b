import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { stepLevels, waves } from '../../../src/core/plan/waves.js';
import { createStepGraph } from '../../../src/core/plan/step-graph.js';
import type { PlanStep } from '../../../src/core/ports/plan.js';
import { chainProposal, layeredProposal } from '../../../src/core/testing/sample-proposals.js';
import { anyProposal, planOf, proposal, ticket } from './support.js';

/** Length of the longest chain that ends in each step, by plain recursion. */
function naiveDepths(steps: readonly PlanStep[]): ReadonlyMap<string, number> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const depth = (id: string): number => 1 + Math.max(0, ...byId.get(id)!.dependsOn.map(depth));
  return new Map(steps.map(({ id }) => [id, depth(id)]));
}

describe('waves', () => {
  it('FO-04 have every dependency in an earlier wave, and are as many as the plan is deep', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const levels = waves(plan);
        const waveOf = new Map(levels.flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
        for (const { id, dependsOn } of plan.steps) {
          for (const dependency of dependsOn) expect(waveOf.get(dependency)).toBeLessThan(waveOf.get(id)!);
        }
        expect(levels).toHaveLength(Math.max(...naiveDepths(plan.steps).values()));
        expect(levels.flat().sort()).toEqual(plan.steps.map(({ id }) => id).sort());
      }),
    );
  });

  it('FO-06 are the same parallel sets as an independent computation gives', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const depths = naiveDepths(plan.steps);
        waves(plan).forEach((ids, wave) => {
          expect(ids).toEqual(plan.steps.map(({ id }) => id).filter((id) => depths.get(id) === wave + 1));
        });
      }),
    );
  });

  it('put a step as early as it can be', () => {
    const plan = planOf(proposal([ticket('a'), ticket('b', { dependsOn: ['a'] }), ticket('c')]));
    expect(waves(plan)).toEqual([['a', 'c'], ['b'], ['synthesis']]);
  });

  it('stand up to a chain 10,000 deep and to 10,000 steps at once', () => {
    expect(waves(planOf({ ...chainProposal({ tickets: 10_000 }) }))).toHaveLength(10_001);
    expect(waves(planOf(layeredProposal({ tickets: 10_000, width: 10_000 })))[0]).toHaveLength(10_000);
  });

  it('do not need steps in order', () => {
    const graph = createStepGraph([
      { id: 'c', dependsOn: ['b'] },
      { id: 'b', dependsOn: ['a'] },
      { id: 'a', dependsOn: [] },
    ]);
    expect([...stepLevels(graph)]).toEqual([2, 1, 0]);
  });
});
