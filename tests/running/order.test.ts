import {
  chooseRoute,
  definePlan,
  type AgentFunction,
  type Json,
  type PlanDraft,
  type Run,
  runBadge,
  type RunStatus,
  waves,
} from 'planwright';
import { dagArbitrary, layeredProposal, outcomesArbitrary, proposalArbitrary, scriptedAgent, scriptOf } from 'planwright/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

const agent = { key: 'worker', kind: 'existing', agentId: 'worker' } as const;
const defined = (draft: Partial<PlanDraft> & Pick<PlanDraft, 'steps'>) => {
  const plan = definePlan({ goal: 'A known process', roles: [agent], ...draft });
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return plan.value;
};

it('CC-01 HB-02 one task for one agent runs without a proposal, with the same record and events', async () => {
  const { orchestrator, clock, worker } = createWorld({ script: { default: { output: 'done', usage: { costUsd: 0.5 } } } });
  const once = await clock.runUntil(orchestrator.runOnce('worker', 'Say that it is done.'));
  expect(once).toMatchObject({ status: 'completed', deliverable: 'done', gaps: [], usage: { costUsd: 0.5 } });
  expect(worker.calls[0]?.request).toMatchObject({ kind: 'ticket', instructions: 'Say that it is done.', attempt: 1 });
  expect(typesOf(await eventsOf(once))).toEqual([
    'run.proposed',
    'run.approved',
    'run.provisioned',
    'run.started',
    'step.ready',
    'step.started',
    'step.succeeded',
    'run.synthesizing',
    'run.completed',
  ]);
  expect(once.view()).toMatchObject({ status: 'completed', steps: [{ id: 'task', status: 'succeeded', attempts: 1 }] });
  expect(await orchestrator.list()).toMatchObject([{ runId: once.runId, status: 'completed' }]);
});

it('CC-01 a task has inputs, a schema, retries and a limit like any step', async () => {
  const { orchestrator, clock, worker } = createWorld({
    script: { default: [{ output: 1 }, { hang: true }, { output: 'yes' }] },
  });
  const task = {
    instructions: 'Answer about {{input.topic}}.',
    input: { topic: 'bread' },
    outputSchema: { type: 'string' },
    retry: { attempts: 3, backoffMs: 10 },
    timeoutMs: 500,
  };
  const once = await clock.runUntil(orchestrator.runOnce('worker', task));
  expect(once).toMatchObject({ status: 'completed', deliverable: 'yes' });
  expect(worker.calls.map(({ request }) => request.instructions)).toEqual(Array(3).fill('Answer about bread.'));
});

const cycle: Record<string, unknown> = {};
cycle['itself'] = cycle;
it.each([
  ['nothing', undefined, 'not-json'],
  ['a blank text', '  ', 'blank-text'],
  ['no instructions', {}, 'blank-text'],
  ['a misspelt member', { instructions: 'Go.', timeout: 5 }, 'unknown-key'],
  ['a schema that is none', { instructions: 'Go.', outputSchema: { type: 'strin' } }, 'malformed-schema'],
  ['an input that refers to itself', { instructions: 'Go.', input: cycle }, 'not-json'],
])('CC-01 a task with %s is refused', async (_, task, code) => {
  const { orchestrator } = createWorld();
  const error = await rejectionOf(orchestrator.runOnce('worker', task as string));
  expect(error).toMatchObject({ code: 'PROPOSAL_REJECTED', issues: [{ code }] });
  expect((await rejectionOf(orchestrator.runOnce('nobody', 'Go.'))).code).toBe('AGENT_NOT_FOUND');
  expect(await orchestrator.list()).toEqual([]);
});

it('CC-02 a plan written by hand runs on the engine that runs proposals', async () => {
  const { orchestrator, clock, approve, end, worker } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const step = { kind: 'ticket', role: 'worker', instructions: 'Do it.' } as const;
  const plan = defined({
    steps: [
      { ...step, id: 'left' },
      { ...step, id: 'right' },
      { ...step, id: 'join', dependsOn: ['left', 'right'] },
    ],
  });
  const run = await approve(await clock.runUntil(orchestrator.proposePlan(plan)));
  expect(await end(run)).toMatchObject({ status: 'completed', deliverable: { did: 'join' } });
  expect(clock.now()).toBe(2_000);
  expect(worker.calls.at(-1)?.request.input).toEqual({ left: { did: 'left' }, right: { did: 'right' } });
});

it('CC-08 a ticket starts only after all that it depends on have completed, in any plan', async () => {
  await fc.assert(
    fc.asyncProperty(
      dagArbitrary({ maxNodes: 12 }),
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 12, maxLength: 12 }),
      async (dag, delays) => {
        const steps = new Map(dag.map((_, node) => [`t${node}`, { delayMs: delays[node]! }]));
        const { run, worker } = createWorld({ script: { steps } });
        const list = dag.map((parents, node) => ticket(`t${node}`, { dependsOn: parents.map((parent) => `t${parent}`) }));
        const { result } = await run(tickets(list));
        expect(result).toMatchObject({ status: 'completed', gaps: [] });
        const calls = new Map(worker.calls.map((call) => [call.request.stepId, call]));
        for (const { key, dependsOn = [] } of list) {
          for (const parent of dependsOn) expect(calls.get(parent)!.endedAt).toBeLessThanOrEqual(calls.get(key)!.startedAt);
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('CC-09 research runs first and alone, and everything later can read it; without it there is no such step', async () => {
  const { run, worker } = createWorld({ script: { steps: { research: { output: 'bread is old' } } } });
  const research = { role: 'worker', instructions: 'Look around.' };
  const proposal = tickets(['a', ticket('b', { dependsOn: ['a'] })], { research });
  const { run: handle } = await run(proposal);
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['research', 'a', 'b', 'synthesis']);
  expect(worker.calls[0]!.endedAt).toBeLessThanOrEqual(worker.calls[1]!.startedAt);
  for (const { request } of worker.calls.slice(1)) expect(request.input).toMatchObject({ research: 'bread is old' });
  expect(stepOf(handle, 'research').wave).toBe(0);
  const without = await run(tickets(['a']));
  expect(without.run.view().steps.map(({ id }) => id)).toEqual(['a', 'synthesis']);
});

it('CC-09 a research that fails ends the run before any work', async () => {
  const { run, worker } = createWorld({ script: { steps: { research: { fail: 'no library' } } } });
  const { result } = await run(tickets(['a'], { research: { role: 'worker', instructions: 'Look around.' } }));
  expect(result).toMatchObject({ status: 'failed', reason: 'step_failed', error: { stepId: 'research' } });
  expect(worker.calls).toHaveLength(1);
});

const roles = ['ada', 'bob', 'cy'].map((key) => ({ key, kind: 'existing', agentId: 'worker' }) as const);
const talk = (rounds = 1) =>
  tickets([ticket('a', { role: 'ada' })], {
    roles,
    discussion: { instructions: 'Say what you think.', rounds },
    synthesis: { role: 'cy', instructions: 'Sum up.', outputSchema: {} },
  });

it('CC-10 CR-13 with N roles exactly N positions are given, at once, before any ticket starts', async () => {
  const { run, worker } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const { result } = await run(talk());
  expect(result.status).toBe('completed');
  const positions = worker.calls.filter(({ request }) => request.kind === 'position');
  expect(positions.map(({ request }) => [request.stepId, request.role])).toEqual([
    ['discuss:1:ada', 'ada'],
    ['discuss:1:bob', 'bob'],
    ['discuss:1:cy', 'cy'],
  ]);
  expect(positions.map(({ startedAt }) => startedAt)).toEqual([0, 0, 0]);
  const work = worker.calls.find(({ request }) => request.stepId === 'a')!;
  expect(positions.every(({ endedAt }) => endedAt! <= work.startedAt)).toBe(true);
});

it('CX-07 a position that is not of its schema is asked for again or left out', async () => {
  const { run, worker } = createWorld({
    script: {
      steps: { 'discuss:1:bob': { output: { risks: [] } }, 'discuss:1:ada': { output: { position: 'Yes.', risks: ['cost'] } } },
    },
  });
  const { run: handle } = await run(talk());
  expect(stepOf(handle, 'discuss:1:bob')).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_INVALID' } });
  expect(stepOf(handle, 'discussion').output).toMatchObject({ ada: { position: 'Yes.', risks: ['cost'] } });
  expect(Object.keys(stepOf(handle, 'discussion').output as object)).toEqual(['ada', 'cy']);
  expect(worker.calls[0]?.request.outputSchema).toMatchObject({
    required: ['position'],
    properties: { position: { type: 'string' }, risks: { type: 'array', items: { type: 'string' } } },
  });
});

it('HB-38 what the discussion comes to does not depend on the order in which positions arrive', async () => {
  const outputs = new Set<string>();
  for (const delays of [
    [1, 2, 3],
    [3, 2, 1],
    [2, 3, 1],
    [0, 0, 0],
  ]) {
    const steps = Object.fromEntries(
      roles.map(({ key }, place) => [`discuss:1:${key}`, { delayMs: delays[place]!, output: { position: `${key} says` } }]),
    );
    const { run } = createWorld({ script: { steps } });
    const { run: handle } = await run(talk());
    outputs.add(JSON.stringify(stepOf(handle, 'discussion').output));
  }
  expect([...outputs]).toEqual(['{"ada":{"position":"ada says"},"bob":{"position":"bob says"},"cy":{"position":"cy says"}}']);
});

it('CC-11 one synthesis runs last, and its validated output is the deliverable', async () => {
  const schema = { type: 'object', required: ['text'], properties: { text: { type: 'string' } } };
  const { run, worker } = createWorld({ script: { steps: { synthesis: [{ output: 5 }, { output: { text: 'all of it' } }] } } });
  const { result } = await run(
    tickets(['a', 'b'], {
      synthesis: { role: 'worker', instructions: 'Sum up.', outputSchema: schema, retry: { attempts: 2 } },
    }),
  );
  expect(result).toMatchObject({ status: 'completed', deliverable: { text: 'all of it' } });
  const order = worker.calls.map(({ request }) => request.stepId);
  expect(order).toEqual(['a', 'b', 'synthesis', 'synthesis']);
  expect(worker.calls.at(-1)?.request.input).toEqual({ a: { did: 'a' }, b: { did: 'b' }, gaps: [] });
});

it('CX-05 when one of three fails, the synthesis sees two outputs and one typed gap', async () => {
  const { run, worker } = createWorld({ script: { steps: { b: { fail: 'the page is gone' } } } });
  const { result } = await run(tickets(['a', 'b', 'c']));
  expect(result.status).toBe('completed');
  const gap = { key: 'b', status: 'failed', reason: { code: 'scripted', message: 'the page is gone' } };
  const { request } = worker.calls.at(-1)!;
  expect(request.input).toEqual({ a: { did: 'a' }, c: { did: 'c' }, gaps: [gap] });
  expect(request.gaps).toEqual([gap]);
  expect(result.gaps).toEqual([gap]);
});

it('CX-20 what depends on a failed ticket is skipped, transitively, and says why', async () => {
  const { run, worker } = createWorld({ script: { steps: { a: { fail: 'no' } } } });
  const { result, run: handle } = await run(
    tickets([ticket('a'), ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b', 'x'] }), ticket('x')]),
  );
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a', 'x', 'synthesis']);
  expect(result.gaps.map(({ key, status, reason }) => [key, status, reason['dependency']])).toEqual([
    ['a', 'failed', undefined],
    ['b', 'skipped', 'a'],
    ['c', 'skipped', 'b'],
  ]);
  expect(stepOf(handle, 'c').error?.message).toBe('"c" was not run, because "b", which it depends on, is skipped.');
});

it('CR-12 every ticket has a step whose id is its key', async () => {
  const keys = ['a', 'constructor', '#x', 'a.b', '1', '🥐', 'two words'];
  const { run } = createWorld();
  const { run: handle, result } = await run(tickets(keys));
  expect(result).toMatchObject({ status: 'completed', gaps: [] });
  for (const key of keys)
    expect(stepOf(handle, key)).toMatchObject({ kind: 'ticket', status: 'succeeded', output: { did: key } });
});

it('FO-01 independent tickets run at once, up to the concurrency', async () => {
  for (const concurrency of [1, 3, 7]) {
    let now = 0;
    let most = 0;
    const world = createWorld({ concurrency, agents: { worker: async (request) => busy(request) } });
    const busy: (request: Parameters<AgentFunction>[0]) => ReturnType<AgentFunction> = async ({ stepId }) => {
      now += 1;
      most = Math.max(most, now);
      await world.clock.sleep(100);
      now -= 1;
      return { output: { did: stepId } };
    };
    const { result } = await world.run(tickets(Array.from({ length: 20 }, (_, n) => `t${n}`)));
    expect(result).toMatchObject({ status: 'completed', gaps: [] });
    expect(most).toBe(concurrency);
    expect(world.clock.now()).toBe((Math.ceil(20 / concurrency) + 1) * 100);
  }
});

it('FO-06 HB-39 what runs at once are the waves of the plan', async () => {
  const proposal = layeredProposal({ tickets: 30, width: 6 });
  const { propose, approve, end, worker } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const proposed = await propose(proposal);
  await end(await approve(proposed));
  const together = new Map<number, string[]>();
  for (const { startedAt, request } of worker.calls)
    together.set(startedAt, [...(together.get(startedAt) ?? []), request.stepId]);
  expect([...together.values()].map((ids) => ids.sort())).toEqual(waves(proposed.plan).map((ids) => [...ids].sort()));
});

it('HB-03 what runs is the plan that was approved, step for step', async () => {
  const { propose, approve, end } = createWorld();
  const proposed = await propose(talk(2));
  const run = await approve(proposed);
  await end(run);
  expect(run.view().digest).toBe(proposed.plan.digest);
  expect(run.view().steps.map(({ id }) => id)).toEqual(proposed.plan.steps.map(({ id }) => id));
  expect(run.view().steps.every(({ status }) => status === 'succeeded')).toBe(true);
});

const badge = (status: RunStatus) => runBadge(status);
it('FO-15 every status has a badge, and a pause is a flag beside it', async () => {
  expect((['proposed', 'approved', 'executing', 'synthesizing', 'completed', 'failed', 'cancelled'] as const).map(badge)).toEqual(
    ['pending', 'pending', 'running', 'running', 'completed', 'failed', 'cancelled'],
  );
  const { start, clock } = createWorld({ script: { default: { delayMs: 1_000 } } });
  const run = await start(tickets(['a']));
  await clock.runUntil(run.pause());
  const { status, paused } = run.view();
  expect([badge(status), paused]).toEqual(['running', true]);
});

it('HB-09 HB-24 a route takes the first rule that holds for its input, and its reason is on record', async () => {
  const step = { kind: 'ticket', role: 'worker', instructions: 'Do it.', dependsOn: ['triage'] } as const;
  const routes = [
    { when: { properties: { score: { properties: { points: { minimum: 8 } } } } }, to: ['ship'], reason: 'good enough' },
    { to: ['rework', 'tell'], reason: 'not good enough' },
  ];
  const plan = defined({
    steps: [
      { id: 'score', kind: 'ticket', role: 'worker', instructions: 'Score it.' },
      { id: 'triage', kind: 'route', dependsOn: ['score'], routes },
      { ...step, id: 'ship' },
      { ...step, id: 'rework' },
      { ...step, id: 'tell' },
      {
        id: 'end',
        kind: 'ticket',
        role: 'worker',
        instructions: 'End.',
        dependsOn: ['ship', 'rework', 'tell'],
        join: 'all-settled',
      },
    ],
  });
  const play = async (points: number) => {
    const { orchestrator, clock, approve, end } = createWorld({ script: { steps: { score: { output: { points } } } } });
    const run = await approve(await clock.runUntil(orchestrator.proposePlan(plan)));
    expect(await end(run)).toMatchObject({ status: 'completed' });
    const routed = (await eventsOf(run)).find(({ type }) => type === 'step.routed');
    return {
      routed,
      output: stepOf(run, 'triage').output,
      statuses: Object.fromEntries(run.view().steps.map(({ id, status }) => [id, status])),
    };
  };
  const good = await play(9);
  expect(good.routed).toMatchObject({ stepId: 'triage', to: ['ship'], reason: 'good enough' });
  expect(good.output).toEqual({ rule: 0, to: ['ship'], reason: 'good enough' });
  expect(good.statuses).toMatchObject({ ship: 'succeeded', rework: 'skipped', tell: 'skipped', end: 'succeeded' });
  const poor = await play(3);
  expect(poor.output).toEqual({ rule: 1, to: ['rework', 'tell'], reason: 'not good enough' });
  expect(poor.statuses).toMatchObject({ ship: 'skipped', rework: 'succeeded', tell: 'succeeded' });

  fc.assert(
    fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (state) => {
      const route = chooseRoute(routes, state);
      expect(route).toEqual(chooseRoute(structuredClone(routes), structuredClone(state)));
    }),
  );
});

it('HB-24 a route for whose input no rule holds fails, and says so', async () => {
  const plan = defined({
    steps: [
      { id: 'triage', kind: 'route', routes: [{ when: false, to: ['a'], reason: 'never' }] },
      { id: 'a', kind: 'ticket', role: 'worker', instructions: 'Do it.', dependsOn: ['triage'] },
    ],
  });
  const { orchestrator, clock, approve, end } = createWorld();
  const run = await approve(await clock.runUntil(orchestrator.proposePlan(plan)));
  await end(run);
  expect(stepOf(run, 'triage')).toMatchObject({ status: 'failed', error: { code: 'NO_ROUTE' } });
  expect(stepOf(run, 'a')).toMatchObject({ status: 'skipped' });
});

it('every run of any proposal ends, whatever its agents do, with each step settled and each gap told', async () => {
  await fc.assert(
    fc.asyncProperty(
      proposalArbitrary({ maxTickets: 6, gates: true, reducers: true }),
      outcomesArbitrary(),
      async (proposal, outcomes) => {
        let actor: AgentFunction = () => Promise.reject(new Error('too early'));
        const ids = proposal.roles.map((role) => (role.kind === 'existing' ? role.agentId : role.key));
        const agents = new Map(ids.map((id) => [id, (...call: Parameters<AgentFunction>) => actor(...call)]));
        const world = createWorld({ agents: Object.fromEntries(agents) });
        const proposed = await world.propose(proposal);
        if (proposed.diagnostics.some(({ severity }) => severity === 'error')) return;
        actor = scriptedAgent(scriptOf(proposed.plan.steps, outcomes), { clock: world.clock });
        const run = await world.approve(proposed);
        const answering = answerAll(run);
        const result = await world.end(run);
        await answering;
        const { steps } = run.view();
        const settled = ['succeeded', 'failed', 'skipped', 'cancelled', 'in-doubt', 'compensated'];
        expect(steps.filter(({ status }) => !settled.includes(status))).toEqual([]);
        const without = steps.filter(
          ({ kind, status }) => kind === 'ticket' && status !== 'succeeded' && status !== 'compensated',
        );
        expect(result.gaps.map(({ key }) => key)).toEqual(without.map(({ id }) => id));
        expect(result.status === 'completed' ? result.deliverable : result.reason).toBeDefined();
        expect(world.clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

/** Lets every gate open, says of what is in doubt that it failed, and gives up where the money is gone. */
async function answerAll(run: Run): Promise<void> {
  for await (const { type, ...event } of run.events()) {
    if (!('stepId' in event) && type === 'run.paused') void run.cancel();
    if ('stepId' in event && type === 'step.gated') void run.decide(event.stepId, { approve: true, by: 'ada' });
    if ('stepId' in event && type === 'step.in-doubt') void run.decide(event.stepId, { approve: false, by: 'ada' });
  }
}
