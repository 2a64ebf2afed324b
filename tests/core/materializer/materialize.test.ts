import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { replay } from '../../../src/core/kernel/create-kernel.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import { toStateMachine } from '../../../src/core/materializer/to-state-machine.js';
import { UnresolvedRoleError } from '../../../src/core/materializer/unresolved-role-error.js';
import { materialize } from '../../../src/front-door.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import { canonicalJson } from '../../../src/core/shared/canonical-json.js';
import { sha256Hex } from '../../../src/core/shared/digest.js';
import { deepFreeze } from '../../../src/core/shared/freeze.js';
import { planArbitrary } from '../../../src/core/testing/plan-arbitrary.js';
import { proposalArbitrary } from '../../../src/core/testing/proposal-arbitrary.js';
import { builtInTopologies } from '../../../src/topologies/index.js';
import { agentsOf, approved, handWritten, materialized, planned } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { shuffled } from '../../support/shuffled.js';

const anyProposal = proposalArbitrary({ maxTickets: 8, gates: true });
const anyPlan = planArbitrary({ topologies: builtInTopologies, maxTickets: 8, gates: true });
const bytesOf = ({ definition }: MaterializedRun): string => JSON.stringify(definition);

describe('materialize', () => {
  it('CC-19 gives the same bytes and digest for equal proposals, whatever the order of their keys, however often', () => {
    fc.assert(
      fc.property(anyProposal, fc.nat(), (proposal, turn) => {
        const first = materialized(planned(proposal));
        const second = materialized(planned(shuffled(structuredClone(proposal), turn)));
        expect(bytesOf(second)).toBe(bytesOf(first));
        expect(second.digest).toBe(first.digest);
        expect(materialized(first.plan).digest).toBe(first.digest);
      }),
      { numRuns: 30 },
    );
  });

  it('CC-19 does not care for the order of roles in the map, labels, metadata or the revision', () => {
    fc.assert(
      fc.property(anyPlan, fc.nat(), (plan, turn) => {
        const agents = agentsOf(plan);
        const relabelled = {
          ...plan,
          revision: plan.revision + 1,
          metadata: { any: turn },
          steps: plan.steps.map((step) => ({ ...step, title: 'New' })),
        };
        const first = materialize(approved(plan), agents);
        expect(bytesOf(materialize(approved(plan), shuffled(agents, turn)))).toBe(bytesOf(first));
        expect(bytesOf(materialize(approved(relabelled), agents))).toBe(bytesOf(first));
      }),
      { numRuns: 30 },
    );
  });

  it('CC-19 writes the definition canonically, and its digest is the SHA-256 of those bytes', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const run = materialized(plan);
        const text = canonicalJson(run.definition);
        expect(run.digest).toBe(sha256Hex(text));
        // As it is written out, too, unless a resource goes by a whole number: JavaScript puts such members first.
        if (!Object.keys(run.definition.resources).some((name) => /^\d+$/.test(name))) expect(bytesOf(run)).toBe(text);
        expect(run.definition.planDigest).toBe(plan.digest);
      }),
      { numRuns: 30 },
    );
  });

  it('CC-18 takes frozen input and leaves it as it was', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const agents = deepFreeze(agentsOf(plan));
        const ready = approved(plan);
        const before = JSON.stringify([ready, agents]);
        const run = materialize(ready, agents);
        expect(JSON.stringify([ready, agents])).toBe(before);
        expect(run.plan).toBe(plan);
        expect(() => Object.assign(run.definition.steps[0]!, { agentId: 'another' })).toThrow(TypeError);
        expect(() => Object.assign(run.machines, { run: null })).toThrow(TypeError);
      }),
      { numRuns: 25 },
    );
  });
});

describe('without a clock, chance or a network', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('CC-18 materializes and runs all the same, to the same digests', () => {
    const fixed = anyPlan.filter(({ steps }) => steps.every(({ expands }) => expands === undefined));
    const cases = fc.sample(fc.tuple(fixed, fateArbitrary()), { numRuns: 40, seed: 4 }).map(([plan, fate]) => {
      const ready = approved(plan);
      const run = materialize(ready, agentsOf(plan));
      const { kernel, journal } = runToEnd(run, fate);
      return { ready, plan, journal, digest: run.digest, end: kernel.digest() };
    });
    const forbidden = (name: string) => () => {
      throw new Error(`${name} was called.`);
    };
    const NoDate = Object.assign(forbidden('new Date'), { now: forbidden('Date.now') });
    vi.stubGlobal('Date', NoDate);
    vi.stubGlobal('Math', Object.assign(Object.create(Math) as Math, { random: forbidden('Math.random') }));
    for (const name of ['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance', 'crypto'])
      vi.stubGlobal(name, forbidden(name));
    const outcomes = cases.map(({ ready, plan, journal }) => {
      const run = materialize(ready, agentsOf(plan));
      toStateMachine(run);
      return { digest: run.digest, end: replay(run, journal).digest() };
    });
    vi.unstubAllGlobals();
    expect(outcomes).toEqual(cases.map(({ digest, end }) => ({ digest, end })));
  });
});

describe('the agents of a run', () => {
  it('CC-20 change with the map only the steps of their role', () => {
    fc.assert(
      fc.property(anyPlan, fc.nat(), (plan, pick) => {
        const role = plan.roles[pick % plan.roles.length]!.key;
        const agents = agentsOf(plan);
        const before = materialize(approved(plan), agents);
        const after = materialize(approved(plan), { ...agents, [role]: { agentId: 'somebody else' } });
        const { steps: stepsBefore, templates: templatesBefore = {}, ...restBefore } = before.definition;
        const { steps: stepsAfter, templates: templatesAfter = {}, ...restAfter } = after.definition;
        expect(restAfter).toEqual(restBefore);
        for (const [name, { agentId, ...rest }] of Object.entries(templatesAfter)) {
          const { agentId: agentBefore, ...same } = templatesBefore[name]!;
          expect(rest).toEqual(same);
          expect(agentId).toBe(rest.role === role ? 'somebody else' : agentBefore);
        }
        stepsAfter.forEach((step, index) => {
          const { agentId, compensationAgentId, ...rest } = step;
          const { agentId: agentBefore, compensationAgentId: compensationBefore, ...same } = stepsBefore[index]!;
          expect(rest).toEqual(same);
          expect(agentId).toBe(step.role === role && !step.expands ? 'somebody else' : agentBefore);
          expect(compensationAgentId).toBe(step.compensation?.role === role ? 'somebody else' : compensationBefore);
        });
        const isUsed =
          stepsAfter.some((step) => (step.role === role && !step.expands) || step.compensation?.role === role) ||
          Object.values(templatesAfter).some((template) => template.role === role);
        expect(after.digest !== before.digest).toBe(isUsed);
      }),
      { numRuns: 30 },
    );
  });

  it.each<[string, object]>([
    ['is missing', {}],
    ['has no agent', { worker: {} }],
    ['has an agent without a name', { worker: { agentId: '' } }],
    ['is only inherited', Object.create({ worker: { agentId: 'a' } }) as object],
  ])('are refused by name when a role %s', (_, agents) => {
    const attempt = () => materialize(approved(handWritten([{ id: 'a' }])), agents as Record<string, { agentId: string }>);
    expect(attempt).toThrow(UnresolvedRoleError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'UNRESOLVED_ROLE', role: 'worker' }));
  });

  it('are found for roles with keys such as constructor', () => {
    const roles = ['constructor', 'toString'].map((key) => ({ key, kind: 'existing', agentId: 'x' }) as const);
    const worker = { key: 'worker', kind: 'existing', agentId: 'w' } as const;
    const plan = handWritten(
      [
        { id: 'a', role: 'constructor' },
        { id: 'b', role: 'toString' },
      ],
      { roles: [...roles, worker] },
    );
    expect(() => materialize(approved(plan), { worker: { agentId: 'w' } })).toThrow(UnresolvedRoleError);
    const { definition } = materialized(plan);
    expect(definition.steps.map(({ agentId }) => agentId)).toEqual([
      'agent of constructor',
      'agent of toString',
      'agent of worker',
    ]);
  });
});

describe('the definition', () => {
  const plan: Plan = handWritten([
    { id: 'draft', effect: 'none', retry: { attempts: 3, backoffMs: 10, factor: 2, maxBackoffMs: 100, jitter: 0 } },
    { id: 'send', dependsOn: ['draft'], effect: 'once', onFailure: 'fail-run', gate: { kind: 'before', prompt: 'Send it?' } },
  ]);

  it('HB-01 tells who acts, in what order, and what happens when a step fails', () => {
    const { definition } = JSON.parse(JSON.stringify(materialized(plan))) as { definition: MaterializedRun['definition'] };
    const told = definition.steps.map(({ id, agentId, dependsOn, join, onFailure, retry, chart }) => {
      const running = definition.charts[chart]!.states['running']!;
      return {
        id,
        agentId,
        dependsOn,
        join,
        onFailure,
        attempts: retry.attempts,
        onFail: running.on!['FAIL'],
        onTimeOut: running.on!['TIME_OUT'],
      };
    });
    const again = [{ guard: { type: 'retry' }, target: 'backing-off' }, { target: 'failed' }];
    const agentId = 'agent of worker';
    expect(told).toEqual([
      {
        id: 'draft',
        agentId,
        dependsOn: [],
        join: 'all-succeeded',
        onFailure: 'continue',
        attempts: 3,
        onFail: again,
        onTimeOut: again,
      },
      {
        id: 'send',
        agentId,
        dependsOn: ['draft'],
        join: 'all-succeeded',
        onFailure: 'fail-run',
        attempts: 1,
        onFail: [{ target: 'failed' }],
        onTimeOut: { target: 'in-doubt' },
      },
      {
        id: 'synthesis',
        agentId,
        dependsOn: ['draft', 'send'],
        join: 'all-settled',
        onFailure: 'fail-run',
        attempts: 1,
        onFail: [{ target: 'failed' }],
        onTimeOut: [{ target: 'failed' }],
      },
    ]);
  });

  it('HB-01 names for every step a chart that it has, and an order in which no step comes before what it waits for', () => {
    fc.assert(
      fc.property(anyPlan, (any) => {
        const { definition, machines } = materialized(any);
        const placed = new Set<string>();
        for (const { id, dependsOn, chart, retry } of definition.steps) {
          expect(dependsOn.every((dependency) => placed.has(dependency))).toBe(true);
          placed.add(id);
          expect(Object.keys(definition.charts)).toContain(chart);
          expect(machines[chart]?.config).toMatchObject({ id: chart });
          expect(JSON.stringify(definition.charts[chart]!.states['running']!.on!['FAIL']).includes('backing-off')).toBe(
            retry.attempts > 1,
          );
        }
        expect(Object.keys(machines).sort()).toEqual([...Object.keys(definition.charts), 'pause', 'run'].sort());
      }),
      { numRuns: 25 },
    );
  });
});
