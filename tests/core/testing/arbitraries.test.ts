import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { analyzePlan } from '../../../src/core/analysis/analyze-plan.js';
import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import { parseProposal } from '../../../src/core/proposal/parse-proposal.js';
import { dagArbitrary } from '../../../src/core/testing/dag-arbitrary.js';
import { hostileKeys } from '../../../src/core/testing/key-arbitrary.js';
import { outcomesArbitrary, type OutcomesOptions, scriptOf } from '../../../src/core/testing/outcomes-arbitrary.js';
import { planArbitrary } from '../../../src/core/testing/plan-arbitrary.js';
import { proposalArbitrary } from '../../../src/core/testing/proposal-arbitrary.js';
import { builtInTopologies } from '../../../src/topologies/index.js';

describe('dagArbitrary', () => {
  it('gives dependencies that lie before their node, ascending, none twice', () => {
    fc.assert(
      fc.property(dagArbitrary({ minNodes: 2, maxNodes: 40, maxDependencies: 6 }), (dag) => {
        expect(dag.length).toBeGreaterThanOrEqual(2);
        dag.forEach((dependencies, node) => {
          expect(dependencies).toEqual([...new Set(dependencies)].sort((a, b) => a - b));
          expect(dependencies.every((dependency) => dependency >= 0 && dependency < node)).toBe(true);
        });
      }),
    );
  });

  it('shrinks to the smallest graph', () => {
    const found = fc.check(
      fc.property(dagArbitrary({ maxNodes: 30 }), (dag) => dag.flat().length < 2),
      { seed: 1 },
    );
    expect(found.counterexample?.[0]).toHaveLength(3);
    expect(found.counterexample?.[0].flat()).toEqual([0, 0]);
  });
});

describe('proposalArbitrary', () => {
  it('gives proposals that parse to themselves, as values and as JSON text', () => {
    fc.assert(
      fc.property(proposalArbitrary({ gates: true, reducers: true }), (proposal) => {
        for (const input of [proposal, JSON.stringify(proposal)]) {
          expect(parseProposal(input, { topologies: builtInTopologies })).toEqual({ ok: true, value: proposal });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives proposals that can be planned, and plans without an error in their analysis', () => {
    fc.assert(
      fc.property(proposalArbitrary({ gates: true }), (proposal) => {
        const planned = planProposal(proposal, { topologies: builtInTopologies });
        expect(planned.ok ? [] : planned.error).toEqual([]);
        if (planned.ok) expect(analyzePlan(planned.value).filter(({ severity }) => severity === 'error')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('reaches every feature, and leaves out what its options say', () => {
    const all = fc.sample(proposalArbitrary({ gates: true }), { numRuns: 400, seed: 7 });
    const tickets = all.flatMap((proposal) => proposal.tickets);
    const seen = new Set([...all, ...tickets, ...all.flatMap(({ roles }) => roles)].flatMap((part) => Object.keys(part)));
    const expected = ['research', 'discussion', 'budget', 'resources', 'metadata', 'context', 'topology', 'hire', 'agentId'];
    const ofTickets = [
      'dependsOn',
      'input',
      'compensation',
      'retry',
      'timeoutMs',
      'onFailure',
      'gate',
      'estimate',
      'outputSchema',
    ];
    expect([...expected, ...ofTickets].filter((feature) => !seen.has(feature))).toEqual([]);
    expect(new Set(all.map(({ topology }) => topology?.kind))).toEqual(new Set([undefined, 'single', 'pipeline', 'graph']));
    expect(tickets.some(({ instructions }) => instructions?.includes('{{input.'))).toBe(true);
    const keys = new Set(tickets.map(({ key }) => key));
    expect(hostileKeys.filter((key) => keys.has(key)).length).toBeGreaterThan(hostileKeys.length / 2);

    const options = { hostileKeys: false, phases: false, failures: false, budgets: false, topologies: ['graph'], maxTickets: 3 };
    for (const proposal of fc.sample(proposalArbitrary(options), { numRuns: 200, seed: 7 })) {
      expect(proposal).not.toHaveProperty('research');
      expect(proposal).not.toHaveProperty('discussion');
      expect(proposal).not.toHaveProperty('budget');
      expect(proposal.topology).toEqual({ kind: 'graph' });
      expect(proposal.tickets.length).toBeLessThanOrEqual(3);
      for (const ticket of proposal.tickets) {
        expect(ticket.key).toMatch(/^k\d+$/);
        for (const absent of ['retry', 'timeoutMs', 'onFailure', 'gate', 'budget']) expect(ticket).not.toHaveProperty(absent);
      }
    }
  });

  it('shrinks to one plain ticket', () => {
    const found = fc.check(
      fc.property(proposalArbitrary(), () => false),
      { seed: 3 },
    );
    expect(found.counterexample?.[0]).toEqual({
      schemaVersion: 1,
      goal: 'Reach the goal',
      roles: [{ key: 'k0', kind: 'existing', agentId: 'agent k0' }],
      tickets: [{ key: 'k0', title: 'Ticket 1', role: 'k0', instructions: 'Do it well.' }],
      synthesis: { role: 'k0', instructions: 'Do this part.', outputSchema: { type: 'object' } },
      budget: {},
    });
  });
});

it('planArbitrary gives plans of the topologies at hand', () => {
  fc.assert(
    fc.property(planArbitrary({ topologies: builtInTopologies, maxTickets: 5 }), (plan) => {
      expect(builtInTopologies.map(({ kind }) => kind)).toContain(plan.topology.kind);
      expect(plan.steps.at(-1)?.kind).toBe('synthesis');
    }),
  );
});

it('outcomesArbitrary deals out what every step does', () => {
  fc.assert(
    fc.property(outcomesArbitrary({ maxDelayMs: 9 }), fc.nat({ max: 40 }), (outcomes, count) => {
      const { steps } = scriptOf(
        Array.from({ length: count }, (_, index) => ({ id: `s${index}` })),
        outcomes,
      );
      expect([...(steps as ReadonlyMap<string, unknown>).keys()]).toHaveLength(count);
      for (const answers of (steps as ReadonlyMap<string, readonly { delayMs?: number }[]>).values()) {
        expect(answers.length).toBeGreaterThan(0);
        expect(answers.every(({ delayMs = 0 }) => delayMs <= 9)).toBe(true);
      }
    }),
  );
});

it('outcomesArbitrary knows failures in about half of what it gives, and in none where there shall be none', () => {
  const failing = (options: OutcomesOptions) =>
    fc
      .sample(outcomesArbitrary(options), { numRuns: 400, seed: 7 })
      .filter((steps) => steps.flat().some(({ fail }) => fail !== undefined));
  expect(failing({ failures: false })).toEqual([]);
  expect(failing({}).length).toBeGreaterThan(100);
  expect(failing({}).length).toBeLessThan(250);
});
