import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyProposal, planOf, stepsById } from '../core/plan/support.js';

describe('graph', () => {
  it('lets tickets wait for exactly what they depend on', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const bare = { ...sound, topology: { kind: 'graph' } };
        delete (bare as { research?: unknown }).research;
        delete (bare as { discussion?: unknown }).discussion;
        const steps = stepsById(planOf(bare));
        for (const { key, dependsOn = [] } of sound.tickets) expect(steps.get(key)?.dependsOn).toEqual([...dependsOn].sort());
      }),
    );
  });
});
