import fc from 'fast-check';
import { type AgentFunction, type Json, planProposal, type OrchestrationProposal, type StoredError, worstCase } from 'planwright';
import { describe, expect, it } from 'vitest';

import { handoff, networked, playTeam } from './support/play-team.js';
import { delegate, finish, recorder, supervised, wait } from './support/team.js';

/** Runs a team that gets nowhere, and gives the error of its goal. It must have kept to what was promised of it. */
async function failureOf(agents: Readonly<Record<string, AgentFunction>>, input: OrchestrationProposal) {
  const { run, result, events } = await playTeam(agents, input);
  const started = new Set(events.flatMap((event) => (event.type === 'step.started' ? [event.stepId] : [])));
  const planned = planProposal(input);
  const bounds = worstCase(planned.ok ? planned.value : (undefined as never));
  expect(started.size).toBeLessThanOrEqual(bounds.steps);
  const handed = run.view().steps.filter(({ kind }) => kind === 'delegation' || kind === 'handoff');
  expect(handed.length).toBeLessThanOrEqual(bounds.delegations);
  const goal = run.view().steps.find(({ id }) => id === 'goal')!;
  return { run, result, goal, handed, error: goal.error as StoredError & { readonly decision?: string } };
}

const always =
  (route: Json): AgentFunction =>
  async () => ({ output: 'again', route: route as never });
const made = recorder('made').agent;

describe('a supervisor that', () => {
  it.each([
    ['delegates for ever', always(delegate(['w']) as unknown as Json), 4],
    [
      'hands out one task after another that is new',
      (() => {
        let calls = 0;
        return async () => ({ output: null, route: delegate(['w', `Task ${calls++}`]) });
      })() satisfies AgentFunction,
      4,
    ],
    ['delegates to itself', always(delegate(['lead']) as unknown as Json), 0],
    ['delegates to nobody that there is', always(delegate(['x'], ['W'], ['']) as unknown as Json), 0],
    ['waits for nothing', always(wait as unknown as Json), 0],
    ['hands over', always(handoff('w') as unknown as Json), 0],
  ])('DX-04 HB-50 %s ends by its rounds, with the decision that was one too many', async (_, lead, most) => {
    const { result, error, handed } = await failureOf({ lead, w: made }, supervised(['w'], { topology: { maxRounds: 5 } }));
    expect(result).toMatchObject({ status: 'failed', reason: 'all_tickets_failed' });
    expect(error).toMatchObject({ code: 'ROUNDS_EXHAUSTED', bound: 'maxRounds', limit: 5 });
    expect(error.message).toContain('maxRounds');
    expect(error.decision).toMatch(/^goal\/\d+$/);
    expect(error.message).toContain(`"${error.decision}"`);
    expect(handed).toHaveLength(most);
  });

  it('HB-50 delegates to 1,000 workers has as many at once as it may, and hears of the bound for all others', async () => {
    const crowd = delegate(...Array.from({ length: 1_000 }, (_, nth) => ['w', `Task ${nth}`] as const));
    let open = 0;
    let most = 0;
    const { run, result } = await playTeam(
      (time) => ({
        lead: async ({ stepId }) =>
          stepId === 'goal/1' ? { output: null, route: crowd } : stepId === 'goal/9' ? finish() : { output: null, route: wait },
        w: async () => {
          most = Math.max(most, (open += 1));
          await time.sleep(10);
          open -= 1;
          return { output: 'done' };
        },
      }),
      supervised(['w'], { topology: { maxParallel: 8 } }),
    );
    expect(result.status).toBe('completed');
    expect(most).toBe(8);
    const first = run.view().steps.find(({ id }) => id === 'goal/1')!;
    expect(first.refusals).toHaveLength(992);
    expect(first.refusals![0]).toMatchObject({ code: 'TOO_MANY_PARALLEL', bound: 'maxParallel', limit: 8 });
  });

  it('HB-50 has made all its delegations is told so by name, and can still finish', async () => {
    const told: Json[] = [];
    const lead: AgentFunction = async ({ stepId, input }) => {
      told.push(...(input['reports'] as Json[]));
      return stepId === 'goal/4' ? finish('enough') : { output: null, route: delegate(['w', stepId]) };
    };
    const { result } = await playTeam({ lead, w: made }, supervised(['w'], { topology: { maxDelegations: 2 } }));
    expect(result).toMatchObject({ status: 'completed', deliverable: { goal: 'enough' } });
    expect(told.at(-1)).toMatchObject({
      outcome: 'refused',
      output: { code: 'TOO_MANY_DELEGATIONS', bound: 'maxDelegations', limit: 2 },
    });
  });

  it('HB-50 brings in one agent too many is told so, and none is hired in its place', async () => {
    const told: Json[] = [];
    const lead: AgentFunction = async ({ stepId, input }) => {
      told.push(...(input['reports'] as Json[]));
      return stepId === 'goal/2' ? finish() : { output: null, route: delegate(['a'], ['b']) };
    };
    const b = recorder();
    await playTeam({ lead, a: made, b: b.agent }, supervised(['a', 'b'], { budget: { maxAgents: 3 } }));
    expect(told).toMatchObject([
      { outcome: 'refused', role: 'b', output: { code: 'TOO_MANY_AGENTS', bound: 'maxAgents' } },
      { outcome: 'completed' },
    ]);
    expect(b.asked).toEqual([]);
  });

  it('HB-50 spends without end is stopped by the budget of the run', async () => {
    const lead: AgentFunction = async () => ({ output: null, route: delegate(['w']), usage: { costUsd: 0.4 } });
    const { result } = await playTeam({ lead, w: made }, supervised(['w'], { budget: { maxCostUsd: 1 } }));
    expect(result).toMatchObject({ status: 'failed', reason: 'budget_exceeded' });
    expect(result.usage.costUsd).toBeLessThanOrEqual(1.2);
  });
});

describe('peers that', () => {
  const circle = { a: always(handoff('b', 'Yours.')), b: always(handoff('a', 'Yours.')) };

  it('HB-21 HB-49 hand over in a circle are found out, and end with the decision that went round once more', async () => {
    const { result, error, handed } = await failureOf(circle, networked(['a', 'b'], { topology: { maxRefusals: 2 } }));
    expect(result.status).toBe('failed');
    // To `a` at first, to `b`, back to `a`; the next would be the same again.
    expect(handed).toHaveLength(3);
    expect(error).toMatchObject({ code: 'REFUSALS_EXHAUSTED', bound: 'maxRefusals', limit: 2, cause: { code: 'HANDOFF_CYCLE' } });
    expect(error.message).toContain(`"${error.decision}"`);
  });

  it('HB-21 hand over for ever with something new each time end by the cap of handoffs', async () => {
    let calls = 0;
    const restless =
      (to: string): AgentFunction =>
      async () => ({ output: null, route: handoff(to, `Task ${calls++}`) });
    const topology = { maxHandoffs: 6, maxRefusals: 1 };
    const { error, handed } = await failureOf({ a: restless('b'), b: restless('a') }, networked(['a', 'b'], { topology }));
    expect(handed).toHaveLength(7);
    expect(error).toMatchObject({ code: 'REFUSALS_EXHAUSTED', bound: 'maxHandoffs', limit: 6 });
    expect(error.message).toContain('maxHandoffs');
  });

  it('HB-50 delegate deeper and deeper are refused at the depth that was approved', async () => {
    const ring: Readonly<Record<string, string>> = { a: 'b', b: 'c', c: 'd', d: 'e', e: 'a' };
    const told: Json[] = [];
    const deeper: AgentFunction = async ({ role, input }) => {
      const reports = input['reports'] as { output: Json }[];
      if (reports.length > 0) {
        told.push(...reports.map(({ output }) => output));
        return finish(`from ${role}`);
      }
      return { output: null, route: delegate([ring[role]!]) };
    };
    const agents = Object.fromEntries(Object.keys(ring).map((key) => [key, deeper]));
    const input = networked(Object.keys(ring), { budget: { maxDelegationDepth: 3 } });
    const { run, result } = await playTeam({ ...agents }, input);
    expect(result.status).toBe('completed');
    expect(Math.max(...run.view().steps.map(({ depth = 0 }) => depth))).toBe(3);
    expect(told[0]).toMatchObject({ code: 'TOO_DEEP', bound: 'maxDelegationDepth', limit: 3 });
  });
});

describe('agents that answer nonsense', () => {
  const nonsense = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const almost = fc.oneof(
    fc.record({
      delegate: fc.oneof(
        nonsense,
        fc.array(
          fc.oneof(
            nonsense,
            fc.record(
              { role: fc.oneof(nonsense, fc.constant('w')), task: fc.oneof(nonsense, fc.string()) },
              { requiredKeys: [] },
            ),
          ),
          { maxLength: 3 },
        ),
      ),
    }),
    fc.record({ handoff: nonsense }),
    fc.record({ finish: fc.oneof(fc.constant(true), nonsense) }),
    nonsense,
  ) as fc.Arbitrary<Json>;

  it.each([
    ['supervisor-worker', supervised(['w'], { topology: { maxRounds: 6 } }), ['lead', 'w']],
    ['network', networked(['a', 'w'], { topology: { maxRefusals: 4, maxHandoffs: 4, maxDelegations: 4 } }), ['a', 'w']],
  ] as const)('HB-23 HB-50 bring a run of %s to its end within its bounds, with a reason', async (_, input, roles) => {
    const answers = fc.array(fc.oneof(almost, fc.constant(undefined)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        let calls = 0;
        const talk: AgentFunction = async () => {
          const route = given[calls++ % given.length];
          return { output: calls, ...(route !== undefined && { route: route as never }) };
        };
        const agents = Object.fromEntries(roles.map((key) => [key, talk]));
        const { result, goal } = await failureOf({ ...agents }, input);
        expect(result.status).toBe(goal.status === 'succeeded' ? 'completed' : 'failed');
        if (goal.status === 'succeeded') return;
        expect(['ROUNDS_EXHAUSTED', 'REFUSALS_EXHAUSTED']).toContain(goal.error!.code);
        expect(goal.error).toMatchObject({
          bound: expect.stringMatching(/^max/) as string,
          decision: expect.stringMatching(/^goal\//) as string,
        });
        expect(goal.error!['limit']).toBeGreaterThan(0);
      }),
      { numRuns: 150 },
    );
  });

  it('HB-23 and what is no object at all is an attempt that failed', async () => {
    const results = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(undefined, () => 1, Symbol('x'), NaN, new Date(0)),
    );
    await fc.assert(
      fc.asyncProperty(results, async (given) => {
        const { result, goal } = await failureOf(
          { lead: (async () => given) as AgentFunction, w: made },
          supervised(['w'], { topology: { maxRounds: 3 } }),
        );
        expect(result.status).toBe('failed');
        expect(['DECISION_FAILED', 'ROUNDS_EXHAUSTED']).toContain(goal.error!.code);
      }),
      { numRuns: 60 },
    );
  });
});
