import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import type { OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import { deepFreeze } from '../../../src/core/shared/freeze.js';
import { layeredProposal } from '../../../src/core/testing/sample-proposals.js';
import { builtInTopologies } from '../../../src/topologies/index.js';
import { allPhases, anyProposal, issuesOf, planOf, proposal, stepsById, ticket } from './support.js';

describe('laws', () => {
  it('CR-12 gives each ticket exactly one step, whose id is its key', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const tickets = planOf(sound).steps.filter(({ kind }) => kind === 'ticket');
        expect(tickets.map(({ id }) => id).sort()).toEqual(sound.tickets.map(({ key }) => key).sort());
      }),
    );
  });

  it('CX-03 gives ids that follow from the keys alone, none twice', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const ids = planOf(sound).steps.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const reworded = {
          ...sound,
          goal: 'Another',
          tickets: sound.tickets.map((one) => ({ ...one, title: 'T', instructions: 'I' })),
        };
        expect(planOf(reworded).steps.map(({ id }) => id)).toEqual(ids);
      }),
    );
  });

  it('puts every step behind its dependencies, and reads only what lies upstream', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const upstream = new Map<string, Set<string>>();
        for (const { id, dependsOn, input } of planOf(sound).steps) {
          const before = new Set(dependsOn.flatMap((dependency) => [dependency, ...upstream.get(dependency)!]));
          upstream.set(id, before);
          expect(input.filter((source) => !before.has(source))).toEqual([]);
        }
      }),
    );
  });

  it('keeps the order of the tickets where the dependencies leave it open', () => {
    const keys = ['z', 'a', 'm', 'b'];
    const work = planOf(proposal(keys.map((key) => ticket(key)))).steps.filter(({ kind }) => kind === 'ticket');
    expect(work.map(({ id }) => id)).toEqual(keys);
  });

  it('freezes the plan all the way down, and neither changes nor freezes what it was given', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const schema = { type: 'object', properties: { a: { type: 'string' } } };
        const given = {
          ...sound,
          context: { scope: { a: { b: 1 } } },
          metadata: { by: ['x'] },
          tickets: sound.tickets.map((one) => ({ ...one, outputSchema: schema })),
        };
        const text = JSON.stringify(given);
        const plan = planOf(given);
        expect(JSON.stringify(given)).toBe(text);
        expect(Object.isFrozen(schema)).toBe(false);
        expect(Object.isFrozen(schema.properties.a)).toBe(false);
        expect(Object.isFrozen(given.metadata.by)).toBe(false);
        expect(isDeepFrozen(plan)).toBe(true);
        expect(planOf(deepFreeze(structuredClone(given)))).toEqual(plan);
      }),
    );
  });

  it('gives plain JSON', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      }),
    );
  });
});

const isDeepFrozen = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen));

describe('phases', () => {
  const tickets = [ticket('a'), ticket('b'), ticket('c', { dependsOn: ['a'] })];
  const roots = ['a', 'b'];

  it('CC-09 makes research the only root, readable by every later step that calls an agent; without it there is no such step', () => {
    const { steps } = planOf(proposal(tickets, { research: allPhases.research, discussion: { instructions: 'Discuss.' } }));
    expect(steps.filter(({ dependsOn }) => dependsOn.length === 0).map(({ id }) => id)).toEqual(['research']);
    const later = steps.filter(({ id, role }) => id !== 'research' && role !== undefined);
    expect(later.filter(({ input }) => !input.includes('research'))).toEqual([]);
    expect(planOf(proposal(tickets)).steps.filter(({ kind }) => kind === 'research')).toEqual([]);
  });

  it('CC-10 asks each role for one structured position in parallel, and starts no ticket before the discussion is over', () => {
    const plan = planOf(proposal(tickets, { discussion: { instructions: 'Discuss.' } }));
    const positions = plan.steps.filter(({ kind }) => kind === 'position');
    expect(positions.map(({ id, role }) => [id, role])).toEqual([
      ['discuss:1:worker', 'worker'],
      ['discuss:1:writer', 'writer'],
    ]);
    expect(positions.map(({ dependsOn }) => dependsOn)).toEqual([[], []]);
    expect(positions[0]?.outputSchema).toMatchObject({ required: ['position'], additionalProperties: false });
    const steps = stepsById(plan);
    expect(steps.get('discussion')).toMatchObject({
      kind: 'reduce',
      reducer: 'positions',
      join: 'all-settled',
      dependsOn: positions.map(({ id }) => id),
    });
    for (const id of roots) expect(steps.get(id)?.dependsOn).toEqual(['discussion']);
  });

  it('lets each round of a discussion see the one before', () => {
    const steps = stepsById(planOf(proposal(tickets, allPhases)));
    expect(steps.get('discuss:1:worker')).toMatchObject({ dependsOn: ['research'], input: ['research'] });
    expect(steps.get('discuss:2:worker')).toMatchObject({ dependsOn: ['discussion:1'], input: ['discussion:1', 'research'] });
    expect(steps.get('discussion')?.dependsOn).toEqual(['discuss:2:worker', 'discuss:2:writer']);
  });

  it('CX-04 lets root work wait on the discussion, else on the research, else on nothing', () => {
    const waitsOn = (parts: Partial<OrchestrationProposal>) =>
      roots.map((id) => stepsById(planOf(proposal(tickets, parts))).get(id)?.dependsOn);
    expect(waitsOn(allPhases)).toEqual([['discussion'], ['discussion']]);
    expect(waitsOn({ research: allPhases.research })).toEqual([['research'], ['research']]);
    expect(waitsOn({})).toEqual([[], []]);
  });

  it('CC-11 ends in exactly one synthesis step, behind all the work', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const { steps } = planOf(sound);
        const last = steps.filter(({ id }) => !steps.some(({ dependsOn }) => dependsOn.includes(id)));
        expect(last.map(({ kind }) => kind)).toEqual(['synthesis']);
        expect(last[0]?.outputSchema).toEqual({ type: 'object' });
      }),
    );
  });

  it('CX-05 lets a failed ticket not fail the run, and the synthesis wait for all to settle and read every ticket', () => {
    const steps = stepsById(planOf(proposal(tickets)));
    for (const key of ['a', 'b', 'c']) expect(steps.get(key)).toMatchObject({ onFailure: 'continue', join: 'all-succeeded' });
    expect(steps.get('synthesis')).toMatchObject({ join: 'all-settled', dependsOn: ['a', 'b', 'c'], input: ['a', 'b', 'c'] });
  });
});

describe('defaults', () => {
  it('HB-01 says in every step who acts, when, and what a failure does', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const roles = new Set(plan.roles.map(({ key }) => key));
        for (const step of plan.steps) {
          expect(step.kind === 'reduce' ? step.role === undefined : roles.has(step.role ?? '')).toBe(true);
          expect(['all-succeeded', 'all-settled']).toContain(step.join);
          expect(['continue', 'fail-run']).toContain(step.onFailure);
          expect(step.retry).toEqual({ attempts: 1, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000, jitter: 0 });
        }
      }),
    );
  });

  it('fills in effects and what a failure does, by kind of step', () => {
    const steps = stepsById(planOf(proposal([ticket('a')], allPhases)));
    const policies = ['research', 'discuss:1:worker', 'discussion', 'a', 'synthesis'].map((id) => [
      steps.get(id)?.effect,
      steps.get(id)?.onFailure,
    ]);
    expect(policies).toEqual([
      ['none', 'fail-run'],
      ['none', 'continue'],
      ['none', 'continue'],
      ['idempotent', 'continue'],
      ['idempotent', 'fail-run'],
    ]);
  });

  it('keeps all that a ticket says, with money in whole micro-dollars', () => {
    const said = ticket('a', {
      outputSchema: { type: 'string' },
      effect: 'once',
      compensation: { role: 'writer', instructions: 'Undo.' },
      retry: { attempts: 3 },
      timeoutMs: 5,
      resources: ['search', { name: 'gpu', amount: 2 }, 'search'],
      onFailure: 'fail-run',
      gate: { kind: 'before', prompt: 'Really?' },
      priority: 'high',
      estimate: { costUsd: 0.1, tokens: 5, durationMs: 9 },
      budget: { maxCostUsd: 1.000001, maxTokens: 7 },
    });
    expect(stepsById(planOf(proposal([said]))).get('a')).toEqual({
      id: 'a',
      kind: 'ticket',
      phase: 'work',
      title: 'Title of a',
      role: 'worker',
      instructions: 'Do it.',
      dependsOn: [],
      join: 'all-succeeded',
      input: [],
      outputSchema: { type: 'string' },
      effect: 'once',
      compensation: { role: 'writer', instructions: 'Undo.' },
      retry: { attempts: 3, backoffMs: 1000, factor: 2, maxBackoffMs: 30_000, jitter: 0 },
      timeoutMs: 5,
      resources: [
        { name: 'gpu', amount: 2 },
        { name: 'search', amount: 2 },
      ],
      onFailure: 'fail-run',
      gate: { kind: 'before', prompt: 'Really?' },
      priority: 'high',
      estimate: { costMicroUsd: 100_000, tokens: 5, durationMs: 9 },
      budget: { maxCostMicroUsd: 1_000_001, maxTokens: 7 },
    });
  });

  it('keeps context, budget and metadata, and records that there is no parent ticket', () => {
    const bare = planOf(proposal([ticket('a')]));
    expect(bare.context).toEqual({ parentTicket: null, channel: null, repositories: [], scope: {} });
    expect(bare.budget).toEqual({ onExceeded: 'fail' });
    const full = planOf(
      proposal([ticket('a')], {
        context: { parentTicket: 'T-1', channel: 'c', repositories: ['r'], scope: { sprint: 3 } },
        budget: {
          maxCostUsd: 2,
          maxTokens: 3,
          maxSteps: 4,
          maxAgents: 5,
          maxDelegationDepth: 6,
          maxConcurrency: 8,
          maxDurationMs: 7,
          onExceeded: 'pause',
        },
        metadata: { ticket: 'meta' },
      }),
    );
    expect(full.context).toEqual({ parentTicket: 'T-1', channel: 'c', repositories: ['r'], scope: { sprint: 3 } });
    expect(full.budget).toEqual({
      maxCostMicroUsd: 2e6,
      maxTokens: 3,
      maxSteps: 4,
      maxAgents: 5,
      maxDelegationDepth: 6,
      maxConcurrency: 8,
      maxDurationMs: 7,
      onExceeded: 'pause',
    });
    expect(full.metadata).toEqual({ ticket: 'meta' });
  });

  it('gives a ticket its dependencies, the research and the discussion to read, or exactly what it asks for', () => {
    const tickets = [
      ticket('a'),
      ticket('b', { dependsOn: ['a'] }),
      ticket('c', { dependsOn: ['b'], input: { from: ['a'] } }),
      ticket('d'),
    ];
    const steps = stepsById(planOf(proposal(tickets, allPhases)));
    expect(steps.get('b')?.input).toEqual(['a', 'discussion', 'research']);
    expect(steps.get('c')?.input).toEqual(['a']);
  });

  it('HB-26 has no step that a model routes', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        expect(planOf(sound).steps.filter(({ kind }) => kind === 'route')).toEqual([]);
      }),
    );
  });
});

describe('issues', () => {
  it('refuses ticket keys that a phase has, naming both', () => {
    for (const key of ['synthesis', 'gaps', 'reports', 'board', 'research', 'discussion', 'discussion:1', 'discuss:2:worker']) {
      const [issue] = issuesOf(proposal([ticket('a'), ticket(key)], { ...allPhases, topology: { kind: 'graph' } }));
      expect(issue).toMatchObject({ code: 'reserved-key', pointer: '/tickets/1/key' });
      expect(issue?.message).toContain(JSON.stringify(key));
    }
    expect(planOf(proposal([ticket('research')])).steps.map(({ id }) => id)).toEqual(['research', 'synthesis']);
  });

  it('refuses inputs that do not lie upstream', () => {
    const tickets = [
      ticket('a'),
      ticket('b', { input: { from: ['a', 'c', 'research', 'nobody'] } }),
      ticket('c', { dependsOn: ['a'] }),
    ];
    const issues = issuesOf(proposal(tickets));
    expect(issues.map(({ code, pointer }) => [code, pointer])).toEqual(Array(4).fill(['input-not-upstream', '/tickets/1/input']));
    for (const name of ['a', 'c', 'research', 'nobody'])
      expect(issues.some(({ message }) => message.includes(`reads "${name}"`))).toBe(true);
  });

  it('judges inputs as a walk over the dependencies does', () => {
    fc.assert(
      fc.property(anyProposal, fc.nat(), fc.nat(), (sound, one, other) => {
        const reader = sound.tickets[one % sound.tickets.length]!;
        const read = sound.tickets[other % sound.tickets.length]!;
        const tickets = sound.tickets.map((each) => (each === reader ? { ...each, input: { from: [read.key] } } : each));
        const byKey = new Map(sound.tickets.map((each) => [each.key, each]));
        const walk = (key: string): boolean => byKey.get(key)!.dependsOn!.some((before) => before === read.key || walk(before));
        const issues = issuesOf({ ...sound, tickets, topology: { kind: 'graph' } });
        expect(issues.map(({ code }) => code)).toEqual(walk(reader.key) ? [] : ['input-not-upstream']);
      }),
    );
  });

  it('refuses placeholders that no input fills, and takes any other braces for text', () => {
    const tickets = [
      ticket('a.b'),
      ticket('c', { dependsOn: ['a.b'], instructions: '{{input.a.b}} {{ input.a.b }} {{a}} {{input' }),
      ticket('d', { instructions: 'x {{input.a.b}}' }),
    ];
    const issues = issuesOf(
      proposal(tickets, {
        synthesis: { role: 'writer', instructions: '{{input.gaps}} {{input.c}} {{input.z}}', outputSchema: true },
      }),
    );
    expect(issues.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['unknown-placeholder', '/tickets/2/instructions'],
      ['unknown-placeholder', '/synthesis/instructions'],
    ]);
    expect(issues[1]?.message).toContain('{{input.z}}');
  });

  it('refuses a topology that is not there or there twice, and options that its schema does not know', () => {
    const chosen = (topology: NonNullable<OrchestrationProposal['topology']>) => issuesOf(proposal([ticket('a')], { topology }));
    expect(chosen({ kind: 'ring' })).toMatchObject([{ code: 'unknown-topology', pointer: '/topology/kind' }]);
    expect(chosen({ kind: 'ring' })[0]?.message).toContain('"single", "pipeline", "graph"');
    expect(chosen({ kind: 'pipeline', stages: ['a', 1] })).toMatchObject([
      { code: 'invalid-topology-option', pointer: '/topology/stages/1' },
    ]);
    expect(chosen({ kind: 'graph', stages: [] })).toMatchObject([{ code: 'invalid-topology-option', pointer: '/topology' }]);
    const doubled = planProposal(proposal([ticket('a')]), { topologies: [...builtInTopologies, ...builtInTopologies] });
    expect(doubled).toMatchObject({ ok: false, error: [{ code: 'ambiguous-topology' }] });
  });
});

describe('size', () => {
  it('plans 10,000 tickets with three dependencies each, in the order given', () => {
    const { steps } = planOf(layeredProposal({ tickets: 10_000 }));
    expect(steps).toHaveLength(10_001);
    expect(steps[4_321]?.id).toBe('t4321');
  });

  it('plans 100,000 tickets', () => {
    expect(planOf(layeredProposal({ tickets: 100_000, dependenciesPerTicket: 1 })).steps).toHaveLength(100_001);
  });

  it('plans a chain 10,000 deep that is listed backwards', () => {
    const tickets = Array.from({ length: 10_000 }, (_, index) =>
      ticket(`t${index}`, { dependsOn: index === 9_999 ? [] : [`t${index + 1}`] }),
    );
    const plan = planOf(proposal(tickets));
    expect(plan.topology.kind).toBe('pipeline');
    expect(plan.steps[0]?.id).toBe('t9999');
  });
});
