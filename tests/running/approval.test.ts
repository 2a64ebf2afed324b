import { type AgentFunction, type OrchestrationProposal, type Topology } from 'planwright';
import { graph } from 'planwright/topologies';
import { expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

const codes = (error: Record<string, unknown>) => (error['issues'] as { code: string }[]).map(({ code }) => code);

it('CC-16 CR-09 one approval, and no other human decision, leads to the end', async () => {
  const { propose, approve, end, worker } = createWorld();
  const proposal = tickets(['a', ticket('b', { dependsOn: ['a'] })], {
    research: { role: 'worker', instructions: 'Look around.' },
    discussion: { instructions: 'Say what you think.' },
  });
  const run = await approve(await propose(proposal));
  expect(await end(run)).toMatchObject({ status: 'completed' });
  expect(typesOf(await eventsOf(run)).filter((type) => type === 'step.gated' || type === 'step.decided')).toEqual([]);
  expect(worker.calls.map(({ request }) => request.kind)).toEqual(['research', 'position', 'ticket', 'ticket', 'synthesis']);
});

it('CC-17 after the approval neither the planner nor what makes a plan of a proposal is called again', async () => {
  const calls: string[] = [];
  const topology: Topology = {
    kind: 'mine',
    description: 'Counts its calls.',
    options: { safeParse: () => ({ success: true, data: {} }) },
    arrange(proposal) {
      calls.push('arrange');
      return graph.arrange(proposal, {});
    },
  };
  const planner = (): OrchestrationProposal => {
    calls.push('planner');
    return tickets(['a', ticket('b', { dependsOn: ['a'] })], { topology: { kind: 'mine' } });
  };
  const { propose, approve, end } = createWorld({ topologies: [topology] });
  const proposed = await propose(planner());
  const before = calls.splice(0);
  expect(before).toContain('planner');
  expect(before).toContain('arrange');
  expect(await end(await approve(proposed))).toMatchObject({ status: 'completed' });
  expect(calls).toEqual([]);
});

it.each([
  ['an agent', { kind: 'agent', id: 'planner' }],
  ['nobody', undefined],
  ['somebody without a name', { kind: 'user', id: ' ' }],
  ['a kind that there is not', { kind: 'admin', id: 'root' }],
])('CX-16 an approval by %s is refused, and the run stays proposed', async (_, approvedBy) => {
  const { propose, approve, orchestrator, worker } = createWorld();
  const proposed = await propose(tickets(['a']));
  const error = await rejectionOf(approve(proposed, { approvedBy: approvedBy as typeof ada }));
  expect(error.code).toBe('APPROVAL_REFUSED');
  expect((await orchestrator.run(proposed.runId)).view().status).toBe('proposed');
  expect(worker.calls).toEqual([]);
});

it('CX-16 a policy can approve, and an agent can propose and revise', async () => {
  const { orchestrator, clock, approve, end } = createWorld();
  const author = { kind: 'agent', id: 'planner' } as const;
  const first = await clock.runUntil(orchestrator.propose(tickets(['a']), { author }));
  await clock.advanceAsync(120_000);
  const second = await clock.runUntil(orchestrator.revise(first.runId, tickets(['b']), { baseRevision: 1, author }));
  const run = await approve(second, { approvedBy: { kind: 'policy', id: 'below-one-dollar' } });
  expect(await end(run)).toMatchObject({ status: 'completed' });
});

it('CC-41 every revision is one more than the last, and none is used twice', async () => {
  const { propose, orchestrator, clock } = createWorld();
  const { runId } = await propose(tickets(['a']));
  const revisions: number[] = [];
  for (let base = 1; base <= 5; base += 1) {
    const refused = await rejectionOf(orchestrator.revise(runId, { nonsense: true }, { baseRevision: base }));
    expect(refused.code).toBe('PROPOSAL_REJECTED');
    const { revision } = await clock.runUntil(orchestrator.revise(runId, tickets([`a${base}`]), { baseRevision: base }));
    revisions.push(revision);
  }
  expect(revisions).toEqual([2, 3, 4, 5, 6]);
});

it('CC-41 of two revisions of one base at once, one is taken', async () => {
  const { propose, orchestrator, clock } = createWorld();
  const { runId } = await propose(tickets(['a']));
  const revise = (key: string) => orchestrator.revise(runId, tickets([key]), { baseRevision: 1 });
  const outcomes = await clock.runUntil(Promise.allSettled([revise('b'), revise('c')]));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  const error = await rejectionOf(revise('d'));
  expect(codes(error)).toEqual(['stale-revision']);
  expect(error['message']).toContain('your edit was based on revision 1 but the plan is at revision 2');
});

it('CC-42 the approved revision is on record', async () => {
  const { propose, orchestrator, clock, approve } = createWorld();
  const { runId } = await propose(tickets(['a']));
  const revised = await clock.runUntil(orchestrator.revise(runId, tickets(['a', 'b']), { baseRevision: 1 }));
  const run = await approve(revised);
  await clock.runUntil(run.result());
  const approved = (await eventsOf(run)).find(({ type }) => type === 'run.approved');
  expect(approved).toMatchObject({ revision: 2, digest: revised.digest });
  expect(run.view()).toMatchObject({ revision: 2, digest: revised.digest });
});

it('CC-43 a plan that its author changes after the approval runs as it was approved', async () => {
  const { orchestrator, clock, approve, end, worker, propose } = createWorld();
  const proposed = await propose(tickets(['a']));
  const plan = structuredClone(proposed.plan) as { steps: { instructions: string }[] } & typeof proposed.plan;
  const mine = await clock.runUntil(orchestrator.proposePlan(plan));
  plan.steps[0]!.instructions = 'Do something else.';
  await end(await approve(mine));
  expect(worker.calls[0]?.request.instructions).toBe('Do a.');
  expect(codes(await rejectionOf(orchestrator.proposePlan(plan)))).toEqual(['digest-mismatch']);
});

it('CX-12 an agent that revises within two minutes of its last revision is refused, a person is not', async () => {
  const { orchestrator, clock } = createWorld();
  const author = { kind: 'agent', id: 'planner' } as const;
  const { runId } = await clock.runUntil(orchestrator.propose(tickets(['a']), { author }));
  await clock.advanceAsync(119_999);
  const early = orchestrator.revise(runId, tickets(['b']), { baseRevision: 1, author });
  const error = await rejectionOf(early);
  expect(codes(error)).toEqual(['replan-storm']);
  const byAda = await clock.runUntil(orchestrator.revise(runId, tickets(['b']), { baseRevision: 1, author: ada }));
  expect(byAda.revision).toBe(2);
  await clock.advanceAsync(1);
  const later = await clock.runUntil(orchestrator.revise(runId, tickets(['c']), { baseRevision: 2, author }));
  expect(later.revision).toBe(3);
});

it.each([
  ['an older revision', { revision: 1 }, ['stale-revision']],
  ['another digest', { digest: 'f'.repeat(64) }, ['stale-digest']],
  ['both', { revision: 7, digest: '' }, ['stale-revision', 'stale-digest']],
])('refuses an approval of %s, with every reason', async (_, approval, expected) => {
  const { propose, orchestrator, clock, approve, worker } = createWorld();
  const { runId } = await propose(tickets(['a']));
  const revised = await clock.runUntil(orchestrator.revise(runId, tickets(['a', 'b']), { baseRevision: 1 }));
  const error = await rejectionOf(approve(revised, approval));
  expect([error.code, codes(error)]).toEqual(['APPROVAL_REFUSED', expected]);
  expect(worker.calls).toEqual([]);
});

it('starts a run once, however often and however concurrently it is approved', async () => {
  const { propose, orchestrator, clock, end, worker } = createWorld();
  const { runId, revision, digest } = await propose(tickets(['a']));
  const approve = () => orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  const runs = await clock.runUntil(Promise.all([approve(), approve(), approve()]));
  expect(new Set(runs.map((run) => run.runId))).toEqual(new Set([runId]));
  await end(runs[0]);
  const again = await clock.runUntil(approve());
  const types = typesOf(await eventsOf(again));
  expect(types.filter((type) => type === 'run.approved' || type === 'run.started')).toEqual(['run.approved', 'run.started']);
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a', 'synthesis']);
});

it('refuses to approve what was withdrawn', async () => {
  const { propose, orchestrator, clock, approve } = createWorld();
  const proposed = await propose(tickets(['a']));
  await clock.runUntil((await orchestrator.run(proposed.runId)).cancel());
  expect((await rejectionOf(approve(proposed))).code).toBe('RUN_STATE');
});

it('refuses to approve a plan with an agent that is missing, names it and those that there are, and stays proposed', async () => {
  const { propose, approve, orchestrator } = createWorld({ agents: { other: async () => ({ output: null }) } });
  const proposed = await propose(tickets(['a'], { roles: [{ key: 'worker', kind: 'existing', agentId: 'nobody' }] }));
  const error = await rejectionOf(approve(proposed));
  expect(error).toMatchObject({ code: 'AGENT_NOT_FOUND', agentId: 'nobody', role: 'worker', known: ['worker', 'other'] });
  expect(error['message']).toContain('"nobody"');
  expect((await orchestrator.run(proposed.runId)).view().status).toBe('proposed');
});

it('FO-25 there is no start without a plan: an unknown run is refused', async () => {
  const { orchestrator, approve, propose } = createWorld();
  const proposed = await propose(tickets(['a']));
  const error = await rejectionOf(approve({ ...proposed, runId: 'run-9999' }));
  expect(error).toMatchObject({ code: 'RUN_NOT_FOUND', runId: 'run-9999' });
  expect((await rejectionOf(orchestrator.run('run-9999'))).code).toBe('RUN_NOT_FOUND');
  const broken = await rejectionOf(orchestrator.propose({ schemaVersion: 1, goal: 'a draft' }));
  expect(broken.code).toBe('PROPOSAL_REJECTED');
  expect(await orchestrator.list()).toHaveLength(1);
});

const chain = () => tickets([ticket('a'), ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] }), ticket('x')]);

it('CX-10 what is not approved waits behind a gate, and approving more lets just that go on', async () => {
  const { propose, approve, clock, end, worker } = createWorld();
  const run = await approve(await propose(chain()), { steps: ['a'] });
  await clock.advanceAsync(60_000);
  const called = () => worker.calls.map(({ request }) => request.stepId);
  expect(called()).toEqual(['a']);
  expect(stepOf(run, 'b').status).toBe('gated');
  expect(stepOf(run, 'x').status).toBe('gated');

  await clock.runUntil(run.approveSteps(['b'], { approvedBy: ada }));
  await clock.advanceAsync(60_000);
  expect(called()).toEqual(['a', 'b']);
  expect(stepOf(run, 'c').status).toBe('gated');
  expect(stepOf(run, 'x').status).toBe('gated');

  await clock.runUntil(run.approveSteps(['c', 'x'], { approvedBy: ada }));
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  expect(called()).toEqual(['a', 'b', 'c', 'x', 'synthesis']);
});

it('CX-10 a part must have its dependencies in it, and name steps that there are', async () => {
  const { propose, approve, clock } = createWorld();
  const proposed = await propose(chain());
  const open = await rejectionOf(approve(proposed, { steps: ['b', 'nothing'] }));
  expect(open['issues']).toMatchObject([
    {
      code: 'part-not-closed',
      pointer: '/steps/0',
      message: 'Node "b" depends on "a", which is not in the approved set. Approve it too.',
    },
    { code: 'unknown-step', pointer: '/steps/1', message: expect.stringContaining('Unknown plan node: "nothing"') as string },
  ]);
  const run = await approve(proposed, { steps: ['a'] });
  const ahead = await rejectionOf(clock.runUntil(run.approveSteps(['c'], { approvedBy: ada })));
  expect([ahead.code, codes(ahead)]).toEqual(['APPROVAL_REFUSED', ['part-not-closed']]);
  const byAgent = run.approveSteps(['b'], { approvedBy: { kind: 'agent', id: 'eager' } });
  expect(codes(await rejectionOf(byAgent))).toEqual(['approver-not-allowed']);
});

it('CX-10 two widenings at once both count', async () => {
  const { propose, approve, clock, end } = createWorld();
  const run = await approve(await propose(chain()), { steps: ['a'] });
  await clock.runUntil(Promise.all([run.approveSteps(['b'], { approvedBy: ada }), run.approveSteps(['x'], { approvedBy: ada })]));
  await clock.runUntil(run.approveSteps(['c'], { approvedBy: ada }));
  expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
});

it('CX-10 the same part again is the same approval, a larger one is refused', async () => {
  const { propose, approve, worker } = createWorld();
  const proposed = await propose(chain());
  await approve(proposed, { steps: ['a'] });
  const same = await approve(proposed, { steps: ['a'] });
  expect(same.runId).toBe(proposed.runId);
  expect(codes(await rejectionOf(approve(proposed)))).toEqual(['approved-in-part']);
  expect(codes(await rejectionOf(approve(proposed, { steps: ['a', 'x'] })))).toEqual(['approved-in-part']);
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a']);
});

it('CX-14 what the plan is expected to take is the sum and the critical path of its estimates', async () => {
  const { propose } = createWorld();
  const estimate = (costUsd: number, durationMs: number) => ({ estimate: { costUsd, tokens: 100, durationMs } });
  const { bounds } = await propose(
    tickets(
      [
        ticket('a', estimate(0.1, 1_000)),
        ticket('b', { ...estimate(0.2, 2_000), dependsOn: ['a'] }),
        ticket('c', estimate(0.4, 500)),
      ],
      {
        synthesis: { role: 'worker', instructions: 'Sum up.', outputSchema: {}, ...estimate(0.3, 100) },
        budget: { maxCostUsd: 0.9 },
      },
    ),
  );
  expect(bounds.expected).toEqual({ costUsd: 1, tokens: 400, durationMs: 3_100, isPartial: false, exceedsBudget: true });
});

it('CX-14 a figure that nobody estimated is null, and one that only some did is partial', async () => {
  const { propose } = createWorld();
  const none = await propose(tickets(['a', 'b']));
  expect(none.bounds.expected).toEqual({ costUsd: null, tokens: null, durationMs: null, isPartial: false, exceedsBudget: false });
  const some = await propose(tickets([ticket('a', { estimate: { costUsd: 0.5 } }), 'b']));
  expect(some.bounds.expected).toMatchObject({ costUsd: 0.5, tokens: null, durationMs: null, isPartial: true });
});

it('takes a proposal as JSON text, and stores what was understood', async () => {
  const { orchestrator, clock } = createWorld();
  const proposal = tickets(['a']);
  const fromText = await clock.runUntil(orchestrator.propose(JSON.stringify(proposal, null, 2)));
  const fromValue = await clock.runUntil(orchestrator.propose(proposal));
  expect(fromText.digest).toBe(fromValue.digest);
  const error = await rejectionOf(orchestrator.propose('{"goal": '));
  expect(error.code).toBe('PROPOSAL_REJECTED');
});

it('an agent that is a record with a run method is one', async () => {
  const run: AgentFunction = async ({ stepId }) => ({ output: { did: stepId } });
  const { run: runIt } = createWorld({ agents: { worker: { run } } });
  expect((await runIt(tickets(['a']))).result).toMatchObject({ status: 'completed', deliverable: { did: 'synthesis' } });
});
