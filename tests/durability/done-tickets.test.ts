import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { AgentFunction, Json } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { outcomesArbitrary, proposalArbitrary, scriptedAgent, scriptOf } from 'planwright/testing';

import { createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets } from '../running/support/world.js';

const chain = tickets([
  'a',
  ticket('b', { dependsOn: ['a'], input: { from: ['a'] } }),
  ticket('c', { dependsOn: ['b'], input: { from: ['a', 'b'] } }),
]);

it('a half-finished project goes on from its done tickets, whose outputs the others are given', async () => {
  const seen: Json[] = [];
  const agent: AgentFunction = async ({ stepId, input }) => {
    seen.push([stepId, input]);
    return { output: { by: stepId } };
  };
  const store = createMemoryStore();
  const world = createWorld({ store, agents: { worker: agent } });
  const proposed = await world.propose(chain);
  const run = await world.approve(proposed, { done: { a: { was: 'done' }, b: null } });
  expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(seen.slice(0, 1)).toEqual([['c', { a: { was: 'done' }, b: null }]]);
  expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 0, output: { was: 'done' }, activeMs: 0 });
  expect(run.view().usage.costUsd).toBe(0);
  const later = createWorld({ store });
  const stored = await later.orchestrator.run(run.runId);
  expect(stored.view()).toEqual(run.view());
  expect(await eventsOf(stored)).toEqual(await eventsOf(run));
});

it('a done ticket that the plan does not have, or whose output does not fit, is refused before anything is stored', async () => {
  const world = createWorld();
  const proposed = await world.propose(tickets([ticket('a', { outputSchema: { type: 'object' } }), 'b']));
  const approving = world.approve(proposed, { done: { a: 'text', synthesis: {}, 'no/such': {} } });
  expect(await rejectionOf(approving)).toMatchObject({
    code: 'APPROVAL_REFUSED',
    issues: [
      { code: 'output-invalid', pointer: '/done/a' },
      { code: 'unknown-step', pointer: '/done/synthesis' },
      { code: 'unknown-step', pointer: '/done/no~1such' },
    ],
  });
  expect((await world.orchestrator.list())[0]).toMatchObject({ status: 'proposed' });
  expect(await rejectionOf(world.approve(proposed, { done: { b: Number.NaN } }))).toMatchObject({
    issues: [{ code: 'output-invalid', pointer: '/done/b' }],
  });
});

it('what was done before the run is not compensated when the run fails', async () => {
  const undone: string[] = [];
  const agent: AgentFunction = async ({ stepId, kind }) => {
    if (kind === 'compensation') undone.push(stepId);
    if (stepId === 'c') throw new Error('no');
    return { output: {} };
  };
  const compensation = { role: 'worker', instructions: 'Undo it.' };
  const world = createWorld({ agents: { worker: agent } });
  const plan = tickets([
    ticket('a', { compensation }),
    ticket('b', { dependsOn: ['a'], compensation }),
    ticket('c', { dependsOn: ['b'], onFailure: 'fail-run' }),
  ]);
  const run = await world.approve(await world.propose(plan), { done: { a: {} } });
  expect(await world.end(run)).toMatchObject({ status: 'failed' });
  expect(undone).toEqual(['b']);
  expect([stepOf(run, 'a').status, stepOf(run, 'b').status]).toEqual(['succeeded', 'compensated']);
});

it('whatever part of a plan was done, every run of the rest ends, and nothing done is started', async () => {
  await fc.assert(
    fc.asyncProperty(
      proposalArbitrary({ maxTickets: 6 }),
      outcomesArbitrary(),
      fc.infiniteStream(fc.boolean()),
      async (proposal, outcomes, chosen) => {
        let actor: AgentFunction = () => Promise.reject(new Error('too early'));
        const ids = proposal.roles.map((role) => (role.kind === 'existing' ? role.agentId : role.key));
        const agents = Object.fromEntries(ids.map((id) => [id, (...call: Parameters<AgentFunction>) => actor(...call)]));
        const world = createWorld({ agents, whenInDoubt: 'fail' });
        const proposed = await world.propose(proposal);
        if (proposed.diagnostics.some(({ severity }) => severity === 'error')) return;
        const started = new Set<string>();
        const scripted = scriptedAgent(scriptOf(proposed.plan.steps, outcomes), { clock: world.clock });
        actor = (request, context) => {
          started.add(request.stepId);
          return scripted(request, context);
        };
        const free = proposed.plan.steps.filter((step) => step.kind === 'ticket' && step.outputSchema === undefined);
        const done = free.filter(() => chosen.next().value === true).map(({ id }) => id);
        const run = await world.approve(proposed, { done: Object.fromEntries(done.map((id) => [id, { done: id }])) });
        const result = await world.end(run);
        expect(done.filter((id) => started.has(id))).toEqual([]);
        expect(done.filter((id) => stepOf(run, id).status !== 'succeeded')).toEqual([]);
        expect(result.gaps.map(({ key }) => key).filter((key) => done.includes(key))).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});
