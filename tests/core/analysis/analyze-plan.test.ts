import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { analyzePlan } from '../../../src/core/analysis/analyze-plan.js';
import { rules } from '../../../src/core/analysis/rules.js';
import { definePlan } from '../../../src/core/plan/define-plan.js';
import type { Role, Ticket } from '../../../src/core/ports/proposal.js';
import { allPhases, anyProposal, planOf, proposal, ticket } from '../plan/support.js';
import { layeredProposal } from '../../../src/core/testing/sample-proposals.js';
import { bounded, codesOf, found, withSteps } from './support.js';

const severities = (sound: Parameters<typeof planOf>[0]) => analyzePlan(planOf(sound)).map(({ severity }) => severity);

describe('analyzePlan', () => {
  it('has nothing against a clean plan, whatever its shape and keys', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        expect(severities(sound).filter((severity) => severity !== 'info')).toEqual([]);
      }),
    );
  });

  it('has nothing at all to say of one that is bounded and needs its agents', () => {
    expect(codesOf(proposal([ticket('a'), ticket('b')], bounded))).toEqual([]);
  });

  it('says the same about the same plan, errors first, and leaves the plan alone', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf({ ...sound, budget: { maxSteps: 1 } });
        const diagnostics = analyzePlan(plan);
        expect(analyzePlan(structuredClone(plan))).toEqual(diagnostics);
        expect(diagnostics[0]).toMatchObject({ code: 'max-steps-below-plan', severity: 'error' });
      }),
    );
  });

  it('gives every diagnostic the page that explains it', () => {
    const weights = { error: 0, warning: 1, info: 2 };
    expect(rules.map(({ severity }) => weights[severity])).toEqual(rules.map(({ severity }) => weights[severity]).sort());
    for (const { code, page } of analyzePlan(planOf(proposal([ticket('a')])))) expect(page).toBe(`docs/diagnostics.md#${code}`);
  });

  it('analyses 10,000 tickets', () => {
    expect(analyzePlan(planOf(layeredProposal({ tickets: 10_000 }))).map(({ severity }) => severity)).toEqual(['info', 'info']);
  });
});

describe('structure', () => {
  it('CX-19 finds a second end of the plan, which the synthesis does not wait for', () => {
    const plan = planOf(proposal([ticket('a'), ticket('b')]));
    const cut = withSteps(plan, (step) => (step.kind === 'synthesis' ? { ...step, dependsOn: ['a'], input: ['a'] } : step));
    expect(found(cut, 'step-not-awaited')).toMatchObject([{ severity: 'warning', stepIds: ['b'] }]);
    expect(found(plan, 'step-not-awaited')).toEqual([]);
    const alone = { ...plan, steps: plan.steps.filter(({ kind }) => kind !== 'synthesis') };
    expect(found(alone, 'step-not-awaited')).toEqual([]);
  });

  it.each([[false], [{ not: {} }], [{ not: true }], [{ enum: [] }]])(
    'finds a step whose output schema %j nothing satisfies, and what is stuck behind it',
    (outputSchema) => {
      const plan = planOf(proposal([ticket('a', { outputSchema }), ticket('b', { dependsOn: ['a'] }), ticket('c')]));
      const [diagnostic, ...others] = found(plan, 'output-never-valid');
      expect(diagnostic).toMatchObject({ severity: 'error', stepIds: ['a', 'b'] });
      expect(diagnostic?.message).toContain('can never start: "b"');
      expect(others).toEqual([]);
    },
  );

  it.each([[true], [{}], [{ not: { type: 'string' } }], [{ enum: [null] }]])(
    'has nothing against the output schema %j',
    (outputSchema) => {
      expect(found(planOf(proposal([ticket('a', { outputSchema })])), 'output-never-valid')).toEqual([]);
    },
  );

  it('finds schemas that are none in plans that no parser has seen', () => {
    const hand = definePlan({
      goal: 'Route',
      roles: [{ key: 'r', kind: 'existing', agentId: 'a' }],
      steps: [
        { id: 'score', kind: 'ticket', role: 'r', outputSchema: { type: 'objekt' } },
        { id: 'way', kind: 'route', dependsOn: ['score'], routes: [{ when: { pattern: '(' }, to: ['ship'], reason: 'good' }] },
        { id: 'ship', kind: 'ticket', role: 'r', dependsOn: ['way'] },
      ],
    });
    if (!hand.ok) throw new Error(JSON.stringify(hand.error));
    expect(found(hand.value, 'malformed-schema').map(({ severity, stepIds }) => [severity, stepIds])).toEqual([
      ['error', ['score']],
      ['error', ['way']],
    ]);
    expect(found(hand.value, 'route-without-default').map(({ stepIds }) => stepIds)).toEqual([['way']]);
  });

  it('finds a step that takes more of a resource than there is', () => {
    const asking = (amount: number) =>
      planOf(
        proposal([ticket('a', { resources: [{ name: 'gpu', amount }, 'constructor'] })], {
          resources: { gpu: { concurrency: 2 } },
        }),
      );
    expect(found(asking(3), 'resource-never-free')).toMatchObject([{ severity: 'error', stepIds: ['a'] }]);
    expect(found(asking(2), 'resource-never-free')).toEqual([]);
  });

  it('HB-38 refuses two writers to one value without a reducer, and CX-19 a reducer that does not exist', () => {
    const plan = planOf(proposal([ticket('a')], allPhases));
    const unnamed = withSteps(plan, ({ reducer: _, ...step }) => step);
    expect(found(unnamed, 'reduce-without-reducer').map(({ severity, stepIds }) => [severity, stepIds])).toEqual([
      ['error', ['discussion:1']],
      ['error', ['discussion']],
    ]);
    const misnamed = withSteps(plan, (step) => (step.id === 'discussion' ? { ...step, reducer: 'constructor' } : step));
    expect(found(misnamed, 'unknown-reducer')).toMatchObject([{ severity: 'error', stepIds: ['discussion'] }]);
    expect(analyzePlan(plan).filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  it('finds instructions that quote an output which can only be null', () => {
    const quoting = (outputSchema: NonNullable<Ticket['outputSchema']>) =>
      planOf(
        proposal([
          ticket('a', { outputSchema }),
          ticket('b', { dependsOn: ['a'], instructions: 'Use {{input.a}}.' }),
          ticket('c', { dependsOn: ['a'] }),
        ]),
      );
    expect(found(quoting({ type: 'null' }), 'placeholder-of-null')).toMatchObject([{ severity: 'warning', stepIds: ['b'] }]);
    expect(found(quoting({ const: null }), 'placeholder-of-null')).toHaveLength(1);
    expect(found(quoting({ type: ['null', 'string'] }), 'placeholder-of-null')).toEqual([]);
  });
});

describe('ceilings', () => {
  const estimated = [
    ticket('a', { estimate: { costUsd: 0.6, tokens: 60, durationMs: 40 } }),
    ticket('b', { estimate: { costUsd: 0.5, tokens: 50, durationMs: 60 } }),
  ];

  it('finds a budget below what the estimates come to', () => {
    const under = (budget: object) => found(planOf(proposal(estimated, { budget })), 'budget-below-minimum');
    expect(under({ maxCostUsd: 1 })).toMatchObject([{ severity: 'error' }]);
    expect(under({ maxCostUsd: 1 })[0]?.message).toContain('come to $1.1, over the ceiling of the run, $1.');
    expect(under({ maxTokens: 109 })[0]?.message).toContain('come to 110 tokens');
    expect(under({ maxCostUsd: 1.1, maxTokens: 110 })).toEqual([]);
  });

  it('finds a role’s and a step’s budget below its estimates', () => {
    const [worker, writer] = proposal([]).roles;
    const plan = planOf(proposal(estimated, { roles: [{ ...worker!, budget: { maxTokens: 100 } }, writer!] }));
    expect(found(plan, 'budget-below-minimum')[0]?.message).toContain('ceiling of role "worker", 100 tokens');
    const tight = planOf(proposal([ticket('a', { estimate: { costUsd: 2 }, budget: { maxCostUsd: 1 } })]));
    expect(found(tight, 'budget-below-minimum')).toMatchObject([{ stepIds: ['a'] }]);
  });

  it('finds steps that can never be given what they need to start', () => {
    const needing = (maxCostUsd: number, budget: object) =>
      found(planOf(proposal([ticket('a', { budget: { maxCostUsd } }), ticket('b')], { budget })), 'budget-below-minimum');
    expect(needing(3, { maxCostUsd: 2 })).toMatchObject([{ stepIds: ['a'] }]);
    expect(needing(2, { maxCostUsd: 2 })).toEqual([]);
    expect(needing(0, { maxCostUsd: 0 })).toMatchObject([{ stepIds: ['b', 'synthesis'] }]);
    expect(
      found(planOf(proposal([ticket('a'), ticket('b')], { budget: { maxTokens: 2 } })), 'budget-below-minimum'),
    ).toMatchObject([{ stepIds: ['a', 'b', 'synthesis'] }]);
    expect(found(planOf(proposal([ticket('a'), ticket('b')], { budget: { maxTokens: 3 } })), 'budget-below-minimum')).toEqual([]);
  });

  it('HB-28 finds fewer steps or agents allowed than the plan has', () => {
    const under = (budget: object) =>
      codesOf(proposal([ticket('a'), ticket('b')], { ...bounded, budget: { ...bounded.budget, ...budget } }));
    expect(under({ maxSteps: 2 })).toEqual(['max-steps-below-plan']);
    expect(under({ maxSteps: 3 })).toEqual([]);
    expect(under({ maxAgents: 1 })).toEqual(['max-agents-below-plan']);
    expect(under({ maxAgents: 2 })).toEqual([]);
  });

  it('finds a deadline that the longest chain of estimates does not meet', () => {
    const chain = [estimated[0]!, { ...estimated[1]!, dependsOn: ['a'] }];
    const under = (maxDurationMs: number) =>
      found(planOf(proposal(chain, { budget: { maxDurationMs } })), 'deadline-below-critical-path');
    expect(under(99)).toMatchObject([{ severity: 'error', stepIds: ['a', 'b', 'synthesis'] }]);
    expect(under(100)).toEqual([]);
  });

  it('finds a deadline that so few at once cannot meet, in whatever order they go', () => {
    const three = ['a', 'b', 'c'].map((key) => ticket(key, { estimate: { durationMs: 100 } }));
    const under = (maxConcurrency: number, maxDurationMs: number) =>
      found(planOf(proposal(three, { budget: { maxConcurrency, maxDurationMs } })), 'deadline-below-critical-path');
    expect(under(2, 149)[0]?.message).toContain('at 300 ms together. With budget.maxConcurrency of 2 that takes 150 ms at least');
    expect(under(2, 150)).toEqual([]);
    expect(under(3, 100)).toEqual([]);
  });

  it('finds a step that is expected to time out', () => {
    const plan = planOf(
      proposal([
        ticket('a', { timeoutMs: 9, estimate: { durationMs: 10 } }),
        ticket('b', { timeoutMs: 10, estimate: { durationMs: 10 } }),
      ]),
    );
    expect(found(plan, 'estimate-over-timeout')).toMatchObject([{ severity: 'warning', stepIds: ['a'] }]);
  });

  it('says once what nothing bounds', () => {
    expect(codesOf(proposal([ticket('a'), ticket('b')]))).toEqual(['no-timeout', 'no-spend-ceiling']);
    const timed = { role: 'writer', instructions: 'x', outputSchema: true, timeoutMs: 1 };
    expect(codesOf(proposal([ticket('a', { timeoutMs: 1 })], { synthesis: timed, budget: { maxTokens: 9_999 } }))).toEqual([]);
  });
});

describe('what undoes nothing', () => {
  it('finds compensations that undo nothing', () => {
    const compensation = { role: 'worker', instructions: 'Undo.' };
    expect(codesOf(proposal([ticket('a', { compensation, effect: 'none' }), ticket('b', { compensation })], bounded))).toEqual([
      'compensation-without-effect',
    ]);
  });

  it('finds steps that must happen once, but have several attempts', () => {
    const plan = planOf(
      proposal([
        ticket('a', { effect: 'once', retry: { attempts: 2 } }),
        ticket('b', { effect: 'once' }),
        ticket('c', { retry: { attempts: 2 } }),
      ]),
    );
    expect(found(plan, 'once-with-retry')).toMatchObject([{ severity: 'warning', stepIds: ['a'] }]);
  });
});

describe('advice', () => {
  const chain = [ticket('a'), ticket('b', { dependsOn: ['a'] })];
  const [worker, writer] = proposal([]).roles;
  const advises = (parts: Parameters<typeof proposal>[1], tickets = chain) =>
    found(planOf(proposal(tickets, parts)), 'single-agent-would-do').length === 1;

  it('HB-18 advises one agent where several differ in neither tools nor context and nothing runs in parallel', () => {
    const second: Role = { key: 'writer', kind: 'existing', agentId: 'agent-2', description: 'Writes.' };
    const alike = [worker!, second];
    expect(advises({ roles: alike })).toBe(true);
    expect(advises({ roles: alike, discussion: { instructions: 'Discuss.' } })).toBe(false);
    expect(advises({ roles: alike }, [ticket('a'), ticket('b')])).toBe(false);
    expect(advises({ roles: [worker!, writer!] })).toBe(false);
    expect(advises({ roles: [worker!, { ...second, promptTemplate: 'Write well.' }] })).toBe(false);
    expect(advises({ roles: [worker!, { ...second, clear: false }] })).toBe(false);
    expect(advises({ roles: [worker!, { ...second, agentId: 'agent-1' }] })).toBe(false);
    expect(advises({ roles: [worker!, { key: 'writer', kind: 'hire', hire: { name: 'W' } }] })).toBe(false);
  });

  it('FO-05 flags two steps of one single-slot role in one wave', () => {
    const roles = [{ ...worker!, concurrency: 1 }, writer!];
    const tickets = [ticket('a'), ticket('b'), ticket('c', { dependsOn: ['a'] }), ticket('d', { role: 'writer' })];
    expect(found(planOf(proposal(tickets, { roles })), 'single-slot-in-wave')).toMatchObject([
      { severity: 'info', stepIds: ['a', 'b'] },
    ]);
    expect(found(planOf(proposal(chain, { roles })), 'single-slot-in-wave')).toEqual([]);
  });
});
