import type { AgentFunction, Approval, OrchestrationProposal, Proposed, Run, Ticket, Workspace } from 'planwright';
import { type AgentScript, createVirtualClock, expectNoCrashDamage, scriptedAgent, simulateCrashes } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { type Decider, decider, delegate, finish, recorder, supervised } from './support/team.js';
import {
  ada,
  createWorld,
  eventsOf,
  rejectionOf,
  stepOf,
  ticket,
  tickets,
  type World,
  type WorldOptions,
} from './support/world.js';

const statuses = (run: Run) => Object.fromEntries(run.view().steps.map(({ id, status }) => [id, status]));

interface UnderWay {
  readonly world: World;
  readonly run: Run;
  readonly first: Proposed;
  revise(proposal: unknown): Promise<Proposed>;
  approve(proposed: Proposed, running?: Approval['running']): Promise<Run>;
}

/** A run of `proposal`, `at` milliseconds after its start. */
async function underWay(proposal: OrchestrationProposal, at: number, options: WorldOptions = {}): Promise<UnderWay> {
  const world = createWorld(options);
  const first = await world.propose(proposal);
  const run = await world.approve(first);
  await world.clock.advanceAsync(at);
  return {
    world,
    run,
    first,
    async revise(next) {
      const { revisions } = await world.clock.runUntil(world.orchestrator.history(run.runId));
      const baseRevision = revisions.at(-1)!.revision;
      return world.clock.runUntil(world.orchestrator.revise(run.runId, next, { baseRevision, author: ada }));
    },
    approve: ({ runId, revision, digest }, running) =>
      world.clock.runUntil(world.orchestrator.approve(runId, { revision, digest, approvedBy: ada, ...(running && { running }) })),
  };
}

/** `a` takes 10 ms, everything else too; `c` comes after `b`, and `b` after `a`. */
const chain = (parts: { readonly b?: string; readonly c?: string } = {}) =>
  tickets([
    ticket('a'),
    ticket('b', { dependsOn: ['a'], instructions: parts.b ?? 'Do b.' }),
    ticket('c', { dependsOn: ['b'], instructions: parts.c ?? 'Do c.' }),
  ]);
const slow: AgentScript = { default: { delayMs: 10 } };
const asked = ({ worker }: World, stepId: string) =>
  worker.calls.filter((call) => call.request.stepId === stepId).map((call) => call.request);

describe('a plan proposed for a run under way', () => {
  it('CC-43 changes nothing until it is approved, shows what it would change, and leaves both digests in the journal', async () => {
    const { world, run, first, revise, approve } = await underWay(chain(), 5, { script: slow });
    const before = run.view();
    const next = tickets([
      ticket('a', { instructions: 'Another a.' }),
      ticket('b', { dependsOn: ['a'], instructions: 'Do b well.' }),
      ticket('d', { dependsOn: ['a'] }),
    ]);
    const second = await revise(next);
    expect(second.revision).toBe(2);
    expect(second.replan).toMatchObject({
      from: { revision: 1, digest: first.digest },
      added: ['d'],
      dropped: ['c'],
      changed: ['b', 'synthesis'],
      kept: [],
      underWay: ['a'],
    });
    expect(second.replan?.diff).toBeDefined();

    const { pending, seq: _, ...rest } = run.view();
    const { seq: __, ...restBefore } = before;
    expect(pending).toEqual({ revision: 2, digest: second.digest });
    expect(rest).toEqual(restBefore);

    await approve(second);
    expect(run.view()).toMatchObject({ revision: 2, digest: second.digest });
    expect(run.view().pending).toBeUndefined();
    const result = await world.end(run);
    expect(result.status).toBe('completed');
    expect(statuses(run)).toEqual({ a: 'succeeded', b: 'succeeded', d: 'succeeded', synthesis: 'succeeded' });
    expect(asked(world, 'a').map(({ instructions }) => instructions)).toEqual(['Do a.']);
    expect(asked(world, 'b').map(({ instructions }) => instructions)).toEqual(['Do b well.']);
    expect(asked(world, 'c')).toEqual([]);

    const events = await eventsOf(run);
    expect(events.find(({ type }) => type === 'run.replanned')).toMatchObject({
      revision: 2,
      from: first.digest,
      digest: second.digest,
      approvedBy: ada,
      running: 'finish',
      retained: ['a'],
      dropped: ['c'],
    });
  });

  it('CC-43 is as if it had never been while nobody approves it', async () => {
    const plain = await underWay(chain(), 5, { script: slow });
    const proposed = await underWay(chain(), 5, { script: slow });
    await proposed.revise(chain({ b: 'Another b.', c: 'Another c.' }));
    const [expected, result] = [await plain.world.end(plain.run), await proposed.world.end(proposed.run)];
    expect(result.deliverable).toEqual(expected.deliverable);
    // All but the keys of attempts, which count the entries of the journal, and the proposal is one.
    const calls = ({ world }: UnderWay) =>
      world.worker.calls.map(({ request: { idempotencyKey: _, ...request }, ...times }) => ({ request, ...times }));
    expect(calls(proposed)).toEqual(calls(plain));
    expect(proposed.run.view()).toMatchObject({ revision: 1, status: 'completed', pending: { revision: 2 } });
  });

  it('DD-43 DD-49 takes effect on the next step, and each step says by which revision it was done', async () => {
    const { world, run, revise, approve } = await underWay(chain(), 5, { script: slow });
    const roles = [{ ...chain().roles[0]!, promptTemplate: 'You are careful.' }];
    await approve(await revise({ ...chain(), roles }));
    await world.end(run);
    expect(run.view().steps.map(({ id, revision }) => [id, revision])).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['synthesis', 2],
    ]);
    expect(asked(world, 'a')[0]!.instructions).not.toContain('You are careful.');
    expect(asked(world, 'b')[0]!.instructions).toContain('You are careful.');
  });

  it('lets what is under way finish, and does it no second time', async () => {
    const { world, run, revise, approve } = await underWay(chain(), 15, { script: slow });
    const second = await revise(chain({ b: 'Another b.' }));
    expect(second.replan).toMatchObject({ kept: [], underWay: ['b'] });
    await approve(second, 'finish');
    await world.end(run);
    expect(asked(world, 'b').map(({ instructions }) => instructions)).toEqual(['Do b.']);
  });

  it('cancels what is under way and changed, and does it as the new plan says; what is the same goes on', async () => {
    const plan = (b: string) => tickets([ticket('a'), ticket('b', { instructions: b })]);
    const { world, run, revise, approve } = await underWay(plan('Do b.'), 5, { script: slow });
    await approve(await revise(plan('Another b.')), 'cancel');
    const result = await world.end(run);
    expect(result.status).toBe('completed');
    expect(asked(world, 'a')).toHaveLength(1);
    expect(asked(world, 'b').map(({ instructions, attempt }) => [instructions, attempt])).toEqual([
      ['Do b.', 1],
      ['Another b.', 2],
    ]);
    expect(world.worker.calls.find(({ request }) => request.stepId === 'b')?.outcome).toBe('aborted');
  });

  it('cancels what is under way and dropped', async () => {
    const { world, run, revise, approve } = await underWay(tickets(['a', 'b']), 5, { script: slow });
    await approve(await revise(tickets(['a'])), 'cancel');
    const result = await world.end(run);
    expect(result).toMatchObject({ status: 'completed' });
    expect(stepOf(run, 'b')).toMatchObject({ status: 'cancelled', error: { code: 'REPLANNED', revision: 2 } });
  });

  it('never does anew what may have happened: a step with effect once is in doubt', async () => {
    const once = (b: string) => tickets([ticket('a', { effect: 'once', instructions: b })]);
    const { world, run, revise, approve } = await underWay(once('Pay.'), 5, { script: slow });
    await approve(await revise(once('Pay less.')), 'cancel');
    await world.clock.advanceAsync(60_000);
    expect(asked(world, 'a')).toHaveLength(1);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'in-doubt', error: { code: 'REPLANNED' } });
    await world.clock.runUntil(run.decide('a', { approve: true, by: 'ada', output: 'paid' }));
    expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
  });

  it('does what has failed anew where the new plan has changed it', async () => {
    const script: AgentScript = {
      steps: { a: [{ fail: { code: 'NO', message: 'I cannot.', retryable: false } }, { output: 'done' }], b: { delayMs: 50 } },
    };
    const plan = (a: string) => tickets([ticket('a', { instructions: a }), 'b']);
    const { world, run, revise, approve } = await underWay(plan('Do a.'), 5, { script });
    expect(stepOf(run, 'a').status).toBe('failed');
    const second = await revise(plan('Try a.'));
    expect(second.replan?.changed).toContain('a');
    await approve(second);
    expect(await world.end(run)).toMatchObject({ status: 'completed', gaps: [] });
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 2 });
  });

  it('fills the roles that are new', async () => {
    const hired: string[] = [];
    const workspace: Workspace = {
      hire: async ({ role: key }) => {
        hired.push(key);
        return { agentId: 'worker' };
      },
    };
    const roles = [...chain().roles, { key: 'writer', kind: 'hire', hire: { name: 'Writer' } } as const];
    const { world, run, revise, approve } = await underWay(chain(), 5, { script: slow, workspace });
    const second = await revise({ ...tickets(['a', ticket('d', { role: 'writer', dependsOn: ['a'] })]), roles });
    expect(hired).toEqual([]);
    await approve(second);
    expect(hired).toEqual(['writer']);
    await world.end(run);
    expect(stepOf(run, 'd')).toMatchObject({ status: 'succeeded', role: 'writer', agentId: 'worker' });
  });
});

describe('an approval of a plan for a run under way', () => {
  const refusalOf = async ({ world, run }: UnderWay, { revision, digest }: Proposed, approval: Partial<Approval> = {}) =>
    rejectionOf(world.clock.runUntil(world.orchestrator.approve(run.runId, { revision, digest, approvedBy: ada, ...approval })));

  it.each<[string, Partial<Approval>, string]>([
    ['of another digest', { digest: 'x' }, 'stale-digest'],
    ['in part', { steps: ['a'] }, 'replan-in-part'],
    ['with tickets that are done', { done: { a: 1 } }, 'replan-in-part'],
    ['with a policy that there is not', { running: 'stop' as never }, 'invalid-value'],
    ['by an agent', { approvedBy: { kind: 'agent', id: 'x' } }, 'approver-not-allowed'],
  ])('is refused %s, and changes nothing', async (_, approval, code) => {
    const scene = await underWay(chain(), 5, { script: slow });
    const second = await scene.revise(chain({ c: 'Another c.' }));
    const before = scene.run.view();
    const { code: error, issues } = await refusalOf(scene, second, approval);
    expect([error, (issues as { readonly code: string }[]).map((issue) => issue.code)]).toEqual(['APPROVAL_REFUSED', [code]]);
    expect(scene.run.view()).toEqual(before);
  });

  it('is refused where the run has spent more already than it would allow', async () => {
    const script: AgentScript = { default: { delayMs: 10, usage: { costUsd: 0.5 } } };
    const scene = await underWay(chain(), 15, { script });
    const second = await scene.revise({ ...chain(), budget: { maxCostUsd: 0.2 } });
    const { issues } = await refusalOf(scene, second);
    expect(issues).toMatchObject([{ code: 'budget-below-spent', pointer: '/budget/maxCostUsd' }]);
    await scene.world.end(scene.run);
  });

  it('is refused of a revision that another has followed', async () => {
    const scene = await underWay(chain(), 5, { script: slow });
    const second = await scene.revise(chain({ c: 'Another c.' }));
    const third = await scene.revise(chain({ c: 'A third c.' }));
    expect(await refusalOf(scene, second)).toMatchObject({ code: 'APPROVAL_REFUSED' });
    await scene.approve(third);
    await scene.world.end(scene.run);
    expect(asked(scene.world, 'c').map(({ instructions }) => instructions)).toEqual(['A third c.']);
  });

  it('counts once, however often it is given', async () => {
    const scene = await underWay(chain(), 5, { script: slow });
    const second = await scene.revise(chain({ c: 'Another c.' }));
    await Promise.all([scene.approve(second), scene.approve(second)]);
    await scene.approve(second);
    await scene.world.end(scene.run);
    expect((await eventsOf(scene.run)).filter(({ type }) => type === 'run.replanned')).toHaveLength(1);
    expect(scene.world.worker.calls).toHaveLength(4);
  });
});

describe('another plan for a run that grows', () => {
  const goal = (key: string, parts: Partial<Ticket> = {}) => ticket(key, { role: 'lead', ...parts });
  const team = (lead: Decider, coder: AgentFunction) => ({ agents: { lead: lead.agent, coder, clerk: recorder('all').agent } });
  const busy = () => team(decider(delegate(['coder'])), () => new Promise<never>(() => undefined));

  it('leaves a goal alone that has begun, and says so where it would change', async () => {
    const scene = await underWay(supervised(['coder'], { tickets: [goal('one')] }), 5, busy());
    const second = await scene.revise(supervised(['coder'], { tickets: [goal('one', { instructions: 'Another goal.' })] }));
    const { issues } = await rejectionOf(scene.approve(second, 'cancel'));
    expect(issues).toMatchObject([{ code: 'goal-has-begun' }]);
    // It finishes as it began.
    await scene.approve(second, 'finish');
    expect(stepOf(scene.run, 'one').status).toBe('running');
  });

  it('takes no other bounds of the topology while a goal grows', async () => {
    const scene = await underWay(supervised(['coder']), 5, busy());
    const second = await scene.revise(supervised(['coder'], { topology: { maxRounds: 2 } }));
    const { issues } = await rejectionOf(scene.approve(second));
    expect(issues).toMatchObject([{ code: 'topology-in-use' }]);
  });

  it('adds a goal, which is worked at like any other, and keeps what was added to the first', async () => {
    const lead = decider(
      delegate(['coder', 'First.']),
      finish('one is done'),
      delegate(['coder', 'Second.']),
      finish('two is done'),
    );
    const clock = createVirtualClock({ startAt: 0 });
    const coder = scriptedAgent({ default: { delayMs: 10, output: 'code' } }, { clock });
    const scene = await underWay(supervised(['coder'], { tickets: [goal('one')] }), 5, { clock, ...team(lead, coder) });
    await scene.approve(
      await scene.revise(supervised(['coder'], { tickets: [goal('one'), goal('two', { dependsOn: ['one'] })] })),
    );
    const result = await scene.world.end(scene.run);
    expect(result).toMatchObject({ status: 'completed', gaps: [] });
    const added = scene.run.view().steps.filter((step) => step.goal !== undefined);
    expect(added.map((step) => [step.goal, step.role, step.status])).toEqual([
      ['one', 'lead', 'succeeded'],
      ['one', 'coder', 'succeeded'],
      ['one', 'lead', 'succeeded'],
      ['two', 'lead', 'succeeded'],
      ['two', 'coder', 'succeeded'],
      ['two', 'lead', 'succeeded'],
    ]);
    expect(coder.calls.map(({ request }) => request.instructions)).toEqual(['First.', 'Second.']);
  });
});

describe('a process lost at every point of', () => {
  it.each(['finish', 'cancel'] as const)('CC-43 a run that gets another plan, with running: %s', async (running) => {
    const next = tickets([
      ticket('a'),
      ticket('b', { dependsOn: ['a'], instructions: 'Another b.' }),
      ticket('d', { dependsOn: ['a'] }),
    ]);
    for (const orchestrator of [{}, { journalLimit: 1, memoryLimitBytes: 1 }]) {
      const report = await simulateCrashes({
        proposal: chain(),
        acts: [{ do: 'replan', after: { type: 'step.started', stepId: 'b' }, proposal: next, running }],
        agents: ({ clock }) => ({ worker: scriptedAgent(slow, { clock }) }),
        orchestrator,
      });
      expectNoCrashDamage(report);
      expect(report.reference.status).toBe('completed');
    }
  });
});
