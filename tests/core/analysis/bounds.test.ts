import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { worstCase } from '../../../src/core/analysis/bounds.js';
import { backoffMs } from '../../../src/core/plan/backoff.js';
import { criticalPath } from '../../../src/core/plan/critical-path.js';
import type { ExecutionSpec, OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import { layeredProposal } from '../../../src/core/testing/sample-proposals.js';
import { allPhases, anyProposal, planOf, proposal, ticket } from '../plan/support.js';

const boundsOf = (sound: OrchestrationProposal) => worstCase(planOf(sound));
const everywhere = (spec: ExecutionSpec, parts: Partial<OrchestrationProposal> = {}) =>
  proposal([ticket('a', spec), ticket('b', spec), ticket('c', { ...spec, dependsOn: ['a'] })], {
    ...parts,
    synthesis: { role: 'writer', instructions: 'x', outputSchema: true, ...spec },
  });

describe('worstCase', () => {
  it('HB-28 gives finite steps, attempts, agents and delegations for every plan', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const { steps, attempts, agents, delegations } = worstCase(plan);
        expect(steps).toBe(plan.steps.length);
        expect(attempts).toBe(plan.steps.filter(({ role }) => role !== undefined).length);
        expect([agents, delegations]).toEqual([2, 0]);
      }),
    );
  });

  it('leaves open what nothing bounds', () => {
    expect(boundsOf(proposal([ticket('a')]))).toMatchObject({ tokens: null, costUsd: null });
    expect(boundsOf(proposal([ticket('a', { budget: { maxCostUsd: 1 }, timeoutMs: 5 })]))).toMatchObject({
      costUsd: null,
    });
  });

  it('is capped by the run’s ceilings', () => {
    const budget = { maxCostUsd: 3, maxTokens: 100, maxDurationMs: 60, maxSteps: 2, maxAgents: 1 };
    expect(boundsOf(proposal([ticket('a'), ticket('b')], { budget }))).toMatchObject({
      costUsd: 3,
      tokens: 100,
      durationMs: 60,
      steps: 2,
      agents: 1,
    });
  });

  it('counts a budget once for all attempts, failing that an estimate for each', () => {
    const retry = { attempts: 3 };
    const bounds = boundsOf(everywhere({ budget: { maxCostUsd: 0.1 }, estimate: { costUsd: 0.05, tokens: 10 }, retry }));
    expect(bounds).toMatchObject({ attempts: 12, costUsd: 0.4, tokens: 120 });
  });

  it('is capped by the ceilings of roles', () => {
    const [worker, writer] = proposal([]).roles;
    const roles = [{ ...worker!, budget: { maxTokens: 7 } }, writer!];
    expect(boundsOf(everywhere({ budget: { maxTokens: 10 } }, { roles })).tokens).toBe(17);
    expect(
      boundsOf(proposal([ticket('a')], { roles, synthesis: { role: 'worker', instructions: 'x', outputSchema: true } })).tokens,
    ).toBe(7);
  });

  it('takes timeouts and pauses along the longest chain', () => {
    // Three steps in a row, each with three attempts of 100 ms and pauses of 10 and 20 ms.
    const retry = { attempts: 3, backoffMs: 10, factor: 2, jitter: 0.5 };
    expect(boundsOf(everywhere({ timeoutMs: 100, retry })).durationMs).toBe(3 * (300 + 10 + 20));
    expect(boundsOf(everywhere({ timeoutMs: 100, totalTimeoutMs: 250, retry })).durationMs).toBe(3 * 250);
  });

  it('adds up pauses as retries take them', () => {
    const retries = fc.record({
      attempts: fc.integer({ min: 1, max: 20 }),
      backoffMs: fc.nat({ max: 100 }),
      factor: fc.integer({ min: 1, max: 4 }),
      maxBackoffMs: fc.nat({ max: 500 }),
      jitter: fc.constant(0),
    });
    fc.assert(
      fc.property(retries, (retry) => {
        const pauses = Array.from({ length: retry.attempts - 1 }, (_, index) =>
          backoffMs(retry, { attempt: index + 1, seed: '' }),
        );
        const oneStep = retry.attempts * 5 + pauses.reduce((sum, pauseMs) => sum + pauseMs, 0);
        expect(boundsOf(everywhere({ timeoutMs: 5, retry })).durationMs).toBe(3 * oneStep);
      }),
    );
    expect(boundsOf(everywhere({ timeoutMs: 1, retry: { attempts: 1e9, backoffMs: 0, factor: 1 } })).durationMs).toBe(3e9);
  });

  it('does not bound a wait for a person, unless its gate runs out', () => {
    const spec = { timeoutMs: 5 };
    const gated = everywhere(spec);
    const tickets = gated.tickets.map((one) => ({ ...one, gate: { kind: 'before', prompt: 'Go?' } as const }));
    expect(boundsOf({ ...gated, tickets }).durationMs).toBe(null);
    const expiring = tickets.map((one) => ({ ...one, gate: { ...one.gate, expiresAfterMs: 7 } }));
    expect(boundsOf({ ...gated, tickets: expiring }).durationMs).toBe(boundsOf(gated).durationMs! + 2 * 7);
  });

  it('covers a plan of 10,000 tickets', () => {
    expect(boundsOf(layeredProposal({ tickets: 10_000 })).steps).toBe(10_001);
  });
});

describe('expected figures', () => {
  it('CX-14 are the sum of the estimates, and the critical path for the duration', () => {
    const sound = everywhere({ estimate: { costUsd: 0.1, tokens: 5, durationMs: 7 } });
    expect(boundsOf(sound).expected).toEqual({
      costUsd: 0.4,
      tokens: 20,
      durationMs: criticalPath(planOf(sound)).durationMs,
      isPartial: false,
      exceedsBudget: false,
    });
    expect(boundsOf(sound).expected.durationMs).toBe(21);
  });

  it('CX-14 are null where there is no estimate, and partial where some are missing', () => {
    expect(boundsOf(proposal([ticket('a')], allPhases)).expected).toEqual({
      costUsd: null,
      tokens: null,
      durationMs: null,
      isPartial: false,
      exceedsBudget: false,
    });
    const some = boundsOf(proposal([ticket('a', { estimate: { costUsd: 1 } }), ticket('b')])).expected;
    expect(some).toMatchObject({ costUsd: 1, tokens: null, isPartial: true });
  });

  it('CX-14 say when they exceed the budget', () => {
    const exceeds = (budget: object) =>
      boundsOf(everywhere({ estimate: { costUsd: 0.1, tokens: 5, durationMs: 7 } }, { budget })).expected.exceedsBudget;
    expect([{ maxCostUsd: 0.39 }, { maxTokens: 19 }, { maxDurationMs: 20 }].map(exceeds)).toEqual([true, true, true]);
    expect(exceeds({ maxCostUsd: 0.4, maxTokens: 20, maxDurationMs: 21 })).toBe(false);
  });
});
