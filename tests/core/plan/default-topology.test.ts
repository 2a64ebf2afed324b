import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { defaultTopology } from '../../../src/core/shared/default-topology.js';
import { anyProposal, planOf, proposal, ticket } from './support.js';

describe('the default topology', () => {
  it('HB-05 is single for one ticket, pipeline for a chain, and graph otherwise', () => {
    const a = ticket('a');
    const b = ticket('b', { dependsOn: ['a'] });
    expect(planOf(proposal([a])).topology.kind).toBe('single');
    expect(planOf(proposal([a, b, ticket('c', { dependsOn: ['b'] })])).topology.kind).toBe('pipeline');
    expect(planOf(proposal([a, ticket('c')])).topology.kind).toBe('graph');
    expect(planOf(proposal([a, b, ticket('c', { dependsOn: ['a'] })])).topology.kind).toBe('graph');
    expect(planOf(proposal([a, b, ticket('c', { dependsOn: ['a', 'b'] })])).topology.kind).toBe('graph');
    expect(planOf(proposal([a, b, ticket('c'), ticket('d', { dependsOn: ['c'] })])).topology.kind).toBe('graph');
  });

  it('finds a chain however its tickets are listed', () => {
    const plan = planOf(proposal([ticket('c', { dependsOn: ['b', 'b'] }), ticket('a'), ticket('b', { dependsOn: ['a'] })]));
    expect(plan.topology).toEqual({ kind: 'pipeline', options: { stages: ['a', 'b', 'c'] } });
    expect(plan.steps.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'synthesis']);
  });

  it('ends for tickets that are no DAG at all', () => {
    const ring = [ticket('a', { dependsOn: ['b'] }), ticket('b', { dependsOn: ['a'] })];
    expect(defaultTopology(ring)).toEqual({ kind: 'graph' });
    expect(defaultTopology([ticket('h'), ...ring])).toEqual({ kind: 'graph' });
  });

  it('always gives a plan whose tickets depend on at least what they said', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const steps = new Map(planOf(sound).steps.map(({ id, dependsOn }) => [id, dependsOn]));
        for (const { key, dependsOn = [] } of sound.tickets)
          expect(steps.get(key)).toEqual(expect.arrayContaining([...dependsOn]));
      }),
    );
  });
});
