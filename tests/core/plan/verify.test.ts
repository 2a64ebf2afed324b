import fc from 'fast-check';
import { type OrchestrationProposal, parseProposal, type Plan, planProposal, type VerificationSpec } from 'planwright';
import { describe, expect, it } from 'vitest';

import { verifySteps } from '../../../src/core/plan/verify.js';
import { dagArbitrary } from '../../../src/core/testing/dag-arbitrary.js';
import { proposal, ticket } from './support.js';

const verify: VerificationSpec = { role: 'writer', instructions: 'Is it right?' };
function planOf(given: OrchestrationProposal): Plan {
  const planned = planProposal(given);
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  return planned.value;
}
const stepOf = ({ steps }: Plan, id: string) => steps.find((step) => step.id === id)!;

describe('what is verified', () => {
  it('HB-17 becomes a goal: how it is carried out goes to the work, what it may cost and who must agree stays', () => {
    const parts = {
      ...({ effect: 'once', timeoutMs: 7, totalTimeoutMs: 70, heartbeatTimeoutMs: 3, priority: 'high' } as const),
      retry: { attempts: 4 },
      resources: ['search'],
      outputSchema: { type: 'string' },
      gate: { kind: 'before', prompt: '?' } as const,
      budget: { maxCostUsd: 1 },
      compensation: { role: 'worker', instructions: 'Undo it.' },
    };
    const plan = planOf(proposal([ticket('a', { ...parts, verify: { ...verify, timeoutMs: 9, retry: { attempts: 2 } } })]));
    const goal = stepOf(plan, 'a');
    expect(goal).toMatchObject({
      ...{ expands: 'verification', effect: 'none', resources: [], gate: parts.gate, compensation: parts.compensation },
      retry: { attempts: 1 },
      verify: { instructions: 'Is it right?', maxReworks: 2 },
      budget: { maxCostMicroUsd: 1_000_000 },
    });
    for (const limit of ['timeoutMs', 'totalTimeoutMs', 'heartbeatTimeoutMs']) expect(goal).not.toHaveProperty(limit);
    const { 'work ["a"]': work, 'verification ["a"]': check } = plan.templates!;
    expect(work).toMatchObject({
      kind: 'ticket',
      effect: 'once',
      ...{ timeoutMs: 7, totalTimeoutMs: 70, heartbeatTimeoutMs: 3 },
      priority: 'high',
      retry: { attempts: 4 },
      outputSchema: { type: 'string' },
    });
    expect(work).not.toHaveProperty('gate');
    expect(check).toMatchObject({ kind: 'verification', role: 'writer', effect: 'none', timeoutMs: 9, retry: { attempts: 2 } });
    expect(check!.outputSchema).toMatchObject({ required: ['verified'] });
  });

  it('law: only what says so is changed, and the shape of the plan is the same', () => {
    const marked = fc.tuple(dagArbitrary({ maxNodes: 8 }), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), fc.boolean());
    fc.assert(
      fc.property(marked, ([dag, flags, isSynthesisVerified]) => {
        const given = (isVerified: boolean) => {
          const tickets = dag.map((dependencies, nth) =>
            ticket(`t${nth}`, { dependsOn: dependencies.map((one) => `t${one}`), ...(isVerified && flags[nth] && { verify }) }),
          );
          const base = proposal(tickets);
          return planOf(isVerified && isSynthesisVerified ? { ...base, synthesis: { ...base.synthesis, verify } } : base);
        };
        const [plain, verified] = [given(false), given(true)];
        expect(verified.steps.map(({ id, dependsOn }) => [id, dependsOn])).toEqual(
          plain.steps.map(({ id, dependsOn }) => [id, dependsOn]),
        );
        for (const step of verified.steps) {
          const isMarked = step.id === 'synthesis' ? isSynthesisVerified : flags[Number(step.id.slice(1))];
          if (isMarked) expect(step.expands).toBe('verification');
          else expect(step).toEqual(stepOf(plain, step.id));
        }
        const count = verified.steps.filter(({ expands }) => expands !== undefined).length;
        expect(Object.keys(verified.templates ?? {})).toHaveLength(2 * count);
        if (count > 0) expect(verified.digest).not.toBe(plain.digest);
      }),
      { numRuns: 60 },
    );
  });

  it('where nothing is, steps are handed back as they are', () => {
    const { steps } = planOf(proposal([ticket('a')]));
    expect(verifySteps(steps, new Map())).toEqual({ steps, templates: {} });
    expect(verifySteps(steps, new Map()).steps).toBe(steps);
  });

  it('by a role that nobody declared, is no proposal', () => {
    const parsed = parseProposal(proposal([ticket('a', { verify: { ...verify, role: 'nobody' } })]));
    expect(parsed.ok ? [] : parsed.error).toMatchObject([{ code: 'unknown-role', pointer: '/tickets/0/verify/role' }]);
  });

  it('is asked about by what a verifier is given, and nothing else', () => {
    const of = (instructions: string) => {
      const tickets = [ticket('a'), ticket('b', { dependsOn: ['a'], verify: { ...verify, instructions } })];
      const base = proposal(tickets);
      const planned = planProposal({ ...base, synthesis: { ...base.synthesis, verify: { ...verify, instructions } } });
      return planned.ok ? [] : planned.error.map(({ code, pointer }) => [code, pointer]);
    };
    expect(of('{{input.result}} after {{input.a}}')).toEqual([]);
    expect(of('{{input.nothing}}')).toEqual([
      ['unknown-placeholder', '/tickets/1/verify/instructions'],
      ['unknown-placeholder', '/synthesis/verify/instructions'],
    ]);
  });
});
