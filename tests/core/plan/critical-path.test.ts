import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { criticalPath, remainingPathMs } from '../../../src/core/plan/critical-path.js';
import { createStepGraph } from '../../../src/core/plan/step-graph.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import { chainProposal } from '../../../src/core/testing/sample-proposals.js';
import { anyProposal, planOf, proposal, stepsById, ticket } from './support.js';

const durationsMs = fc.array(fc.option(fc.nat({ max: 4 }), { nil: undefined }), { minLength: 12, maxLength: 12 });

const timedPlan = fc.tuple(anyProposal, durationsMs).map(([sound, durations]) => {
  const tickets = sound.tickets.map((one, index) => {
    const durationMs = durations[index];
    return durationMs === undefined ? one : { ...one, estimate: { durationMs } };
  });
  return planOf({ ...sound, tickets });
});

/** All chains from a step without dependencies to one without dependents. */
function allChains({ steps }: Plan): readonly (readonly string[])[] {
  const dependents = new Map(
    steps.map(({ id }) => [id, steps.filter(({ dependsOn }) => dependsOn.includes(id)).map((step) => step.id)]),
  );
  const from = (id: string): string[][] => {
    const next = dependents.get(id)!;
    return next.length === 0 ? [[id]] : next.flatMap((one) => from(one).map((chain) => [id, ...chain]));
  };
  return steps.filter(({ dependsOn }) => dependsOn.length === 0).flatMap(({ id }) => from(id));
}

const durationOf = (plan: Plan, chain: readonly string[]): number => {
  const steps = stepsById(plan);
  return chain.reduce((sum, id) => sum + (steps.get(id)?.estimate?.durationMs ?? 0), 0);
};

describe('the critical path', () => {
  it('is the longest of all chains, of equal ones the one with the most steps', () => {
    fc.assert(
      fc.property(timedPlan, (plan) => {
        const { steps, durationMs } = criticalPath(plan);
        const chains = allChains(plan);
        const longestMs = Math.max(...chains.map((chain) => durationOf(plan, chain)));
        const longest = chains.filter((chain) => durationOf(plan, chain) === longestMs);
        expect(durationMs).toBe(longestMs);
        expect(longest).toContainEqual(steps);
        expect(steps).toHaveLength(Math.max(...longest.map((chain) => chain.length)));
      }),
      { numRuns: 60 },
    );
  });

  it('goes by the number of steps where nothing has an estimate', () => {
    const plan = planOf(proposal([ticket('a'), ticket('b'), ticket('c', { dependsOn: ['b'] }), ticket('d')]));
    expect(criticalPath(plan)).toEqual({ steps: ['b', 'c', 'synthesis'], durationMs: 0 });
  });

  it('takes the first of equal chains', () => {
    const plan = planOf(proposal([ticket('a', { estimate: { durationMs: 5 } }), ticket('b', { estimate: { durationMs: 5 } })]));
    expect(criticalPath(plan)).toEqual({ steps: ['a', 'synthesis'], durationMs: 5 });
  });

  it('stands up to a chain 10,000 deep', () => {
    const { steps, durationMs } = criticalPath(planOf(chainProposal({ tickets: 10_000 })));
    expect(steps).toHaveLength(10_001);
    expect(durationMs).toBe(10_000_000);
  });
});

describe('what remains', () => {
  it('of a step is its own duration and the longest that remains of its dependents', () => {
    fc.assert(
      fc.property(timedPlan, (plan) => {
        const graph = createStepGraph(plan.steps);
        const own = plan.steps.map(({ estimate }) => estimate?.durationMs ?? 0);
        const remaining = remainingPathMs(graph, Float64Array.from(own));
        own.forEach((durationMs, index) => {
          expect(remaining[index]).toBe(
            durationMs + Math.max(0, ...Array.from(graph.dependentsOf(index), (next) => remaining[next]!)),
          );
        });
      }),
    );
  });
});
