import { type OrchestrationProposal, planProposal, type Run } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createTeam, errorIn, outcomesOf, playTeam, slowly, startedIn } from './support/play-team.js';
import { decider, delegate, finish, recorder, role, supervised, wait } from './support/team.js';
import { eventsOf, stepOf, ticket } from './support/world.js';

describe('a supervisor and its workers', () => {
  it('DD-01 DD-08 HB-07 HB-08 one supervisor plans and delegates, workers do what they were given, and it finishes', async () => {
    const lead = decider(delegate(['coder', 'Write it.']), finish('written'));
    const coder = recorder('code');
    const { run, result, events } = await playTeam({ lead: lead.agent, coder: coder.agent }, supervised(['coder']));
    expect(result).toMatchObject({ status: 'completed', deliverable: { goal: 'written' } });
    expect(startedIn(events)).toEqual(['goal', 'goal/1', 'goal/1.1', 'goal/2', 'synthesis']);
    expect(coder.asked).toMatchObject([{ stepId: 'goal/1.1', kind: 'delegation', parent: 'goal/1', instructions: 'Write it.' }]);
    expect(stepOf(run, 'goal/1.1')).toMatchObject({ goal: 'goal', parent: 'goal/1', depth: 1, role: 'coder' });
    expect(
      run
        .view()
        .steps.filter(({ kind }) => kind === 'route')
        .map(({ role: who }) => who),
    ).toEqual(['lead', 'lead']);
  });

  it.each([
    ['nobody to delegate to', { roles: [role('lead')], topology: { workers: undefined } }, 'no-workers'],
    ['a supervisor that nobody knows', { topology: { supervisor: 'boss' } }, 'unknown-role'],
    ['a supervisor that is a worker as well', { topology: { workers: ['coder', 'lead'] } }, 'supervisor-as-worker'],
    ['a worker that nobody knows', { topology: { workers: ['codre'] } }, 'unknown-role'],
    ['a worker that stands twice', { topology: { workers: ['coder', 'coder'] } }, 'duplicate-worker'],
  ])('DD-01 DD-08 no plan comes of %s', (_, { roles, topology }: { roles?: unknown; topology: object }, code) => {
    const base = supervised(['coder']);
    const one = { ...base.synthesis, role: 'lead' };
    const given = { ...base, ...(roles !== undefined && { roles, synthesis: one }), topology: { ...base.topology, ...topology } };
    const planned = planProposal(given as OrchestrationProposal);
    expect(planned.ok ? [] : planned.error.map((issue) => issue.code)).toEqual([code]);
  });

  it('DD-02 every role has a session of its own, and every task reaches the worker that it is for', async () => {
    const lead = decider(delegate(['a', 'Task of a.'], ['b', 'Task of b.']), finish());
    const [a, b] = [recorder(), recorder()];
    await playTeam({ lead: lead.agent, a: a.agent, b: b.agent }, supervised(['a', 'b'], { topology: { maxRounds: 3 } }));
    const sessions = [...lead.asked, ...a.asked, ...b.asked].map(({ session }) => session);
    expect(new Set(sessions).size).toBe(sessions.length);
    expect([...a.asked, ...b.asked].map(({ role: to, instructions }) => [to, instructions])).toEqual([
      ['a', 'Task of a.'],
      ['b', 'Task of b.'],
    ]);
  });

  it('DD-03 DD-37 each completion reaches the supervisor once, by itself, and it decides again', async () => {
    const lead = decider(delegate(['a'], ['b']), wait, delegate(['a', 'More.']), finish());
    const world = createTeam((time) => ({
      lead: lead.agent,
      a: slowly(time, { afterMs: 10, output: 'first' }, { afterMs: 10, output: 'third' }),
      b: slowly(time, { afterMs: 20, output: 'second' }),
    }));
    await world.run(supervised(['a', 'b']));
    expect(lead.asked.map(({ reports }) => reports)).toEqual([
      [],
      [{ delegationId: 'goal/1.1', role: 'a', outcome: 'completed', output: 'first' }],
      [{ delegationId: 'goal/1.2', role: 'b', outcome: 'completed', output: 'second' }],
      [{ delegationId: 'goal/3.1', role: 'a', outcome: 'completed', output: 'third' }],
    ]);
  });

  it('DD-35 DD-38 workers that were given tasks together start together, and the first report is there before the second exists', async () => {
    const told: unknown[] = [];
    const stage: { run?: Run } = {};
    const world = createTeam((time) => ({
      lead: decider(
        delegate(['quick'], ['slow']),
        ({ reports }) => {
          told.push({ at: time.now(), outcomes: outcomesOf(reports), slow: stepOf(stage.run!, 'goal/1.2').status });
          return wait;
        },
        finish(),
      ).agent,
      quick: slowly(time, { afterMs: 10, output: 'quick' }),
      slow: slowly(time, { afterMs: 1_000, output: 'slow' }),
    }));
    const run = await world.start(supervised(['quick', 'slow']));
    stage.run = run;
    await world.end(run);
    const [first, second] = [stepOf(run, 'goal/1.1'), stepOf(run, 'goal/1.2')];
    expect([first.startedAt, second.startedAt]).toEqual([0, 0]);
    expect([first.endedAt, second.endedAt]).toEqual([10, 1_000]);
    expect(told).toEqual([{ at: 10, outcomes: [['goal/1.1', 'completed']], slow: 'running' }]);
  });

  it('DD-05 a reviewer is an agent of its own, and sees nothing of the session of the coder', async () => {
    const lead = decider(delegate(['coder']), delegate(['reviewer']), finish());
    const [coder, reviewer] = [recorder('code'), recorder('fine')];
    const agents = { lead: lead.agent, coder: coder.agent, reviewer: reviewer.agent };
    const { run } = await playTeam(agents, supervised(['coder', 'reviewer']));
    expect([stepOf(run, 'goal/1.1').agentId, stepOf(run, 'goal/2.1').agentId]).toEqual(['coder', 'reviewer']);
    expect(reviewer.asked[0]!.session).not.toBe(coder.asked[0]!.session);
    expect(JSON.stringify(reviewer.asked)).not.toContain('"code"');
  });

  it('DX-09 to finish ends the goal: what is under way is aborted, what waits never begins, and nothing is asked any more', async () => {
    let aborted: unknown;
    const lead = decider(delegate(['slow', 'Take long.'], ['slow', 'Wait for it.'], ['quick']), finish('enough'));
    const slow = recorder();
    const { run, result } = await playTeam(
      {
        lead: lead.agent,
        quick: recorder('quick').agent,
        slow: (request, context) => (
          void slow.agent(request, context),
          new Promise((_, reject) => {
            context.signal.addEventListener('abort', () => reject((aborted = context.signal.reason) as Error));
          })
        ),
      },
      supervised(['slow', 'quick'], { topology: { whenBusy: 'queue' } }),
    );
    expect(result).toMatchObject({ status: 'completed', deliverable: { goal: 'enough' } });
    expect(lead.asked).toHaveLength(2);
    expect(slow.asked.map(({ stepId }) => stepId)).toEqual(['goal/1.1']);
    expect(aborted).toBeDefined();
    for (const id of ['goal/1.1', 'goal/1.2'])
      expect(stepOf(run, id)).toMatchObject({ status: 'cancelled', error: { code: 'GOAL_ENDED' } });
  });

  it('DD-31 only the supervisor is called at first; a worker, and its session, come with its first task', async () => {
    const calls: string[] = [];
    const noting = (name: string, agent: ReturnType<typeof recorder>['agent']): typeof agent => {
      return (request, context) => (calls.push(name), agent(request, context));
    };
    const lead = decider(delegate(['b']), finish());
    const agents = { lead: noting('lead', lead.agent), a: noting('a', recorder().agent), b: noting('b', recorder().agent) };
    await playTeam(agents, supervised(['a', 'b']));
    expect(calls).toEqual(['lead', 'b', 'lead']);
  });

  it('DD-28 a gate stands before a goal: nobody is asked before a person has said yes', async () => {
    const lead = decider(delegate(['coder']), finish());
    const gate = { kind: 'before', prompt: 'STOP until the user confirms' } as const;
    const goals = [ticket('build', { role: 'lead' }), ticket('release', { role: 'lead', dependsOn: ['build'], gate })];
    const world = createTeam({ lead: lead.agent, coder: recorder().agent });
    const run = await world.start(supervised(['coder'], { tickets: goals }));
    await world.clock.advanceAsync(86_400_000);
    expect(stepOf(run, 'release')).toMatchObject({ status: 'gated' });
    expect(lead.asked.map(({ stepId }) => stepId)).toEqual(['build/1', 'build/2']);
    await world.clock.runUntil(run.decide('release', { approve: true, by: 'ada' }));
    expect(await world.end(run)).toMatchObject({ status: 'completed' });
    expect(lead.asked.at(-1)!.stepId).toBe('release/1');
    expect((await eventsOf(run)).filter(({ type }) => type === 'step.decided')).toHaveLength(1);
  });

  it('DD-45 a worker that wants to delegate is not listened to, and that is on record', async () => {
    const lead = decider(delegate(['coder']), finish());
    const helper = recorder();
    const { run, events } = await playTeam(
      { lead: lead.agent, coder: async () => ({ output: 'code', route: delegate(['helper']) }), helper: helper.agent },
      supervised(['coder', 'helper']),
    );
    expect(helper.asked).toEqual([]);
    expect(run.view().steps.filter(({ role: who }) => who === 'helper')).toEqual([]);
    const refused = events.filter((event) => event.type === 'step.route-refused');
    expect(refused).toMatchObject([{ stepId: 'goal/1.1', refusals: [{ code: 'NOT_A_DECIDER' }] }]);
    expect(lead.asked[1]!.reports).toMatchObject([{ outcome: 'completed', output: 'code' }]);
  });

  it('DD-54 the error of a worker reaches the supervisor word for word', async () => {
    const lead = decider(delegate(['coder']), finish());
    const message = 'ENOENT: no such file, open "src/<x>.ts"\n  at line 3 — {{input.y}}';
    const coder = (): never => {
      throw new Error(message);
    };
    await playTeam({ lead: lead.agent, coder }, supervised(['coder']));
    expect(lead.asked[1]!.reports).toMatchObject([{ delegationId: 'goal/1.1', role: 'coder', outcome: 'failed' }]);
    expect(errorIn(lead.asked[1]!.reports[0]).message).toBe(message);
  });

  it.each(['needs-context', 'rejected'] as const)('DD-53 %s is told as what it is, not as a success', async (outcome) => {
    const lead = decider(delegate(['coder']), delegate(['coder', 'Once more, with the context.']), finish());
    let calls = 0;
    const coder = async () => (calls++ === 0 ? { output: { missing: 'the schema' }, outcome } : { output: 'code' });
    const { run } = await playTeam({ lead: lead.agent, coder }, supervised(['coder']));
    expect(outcomesOf(lead.asked.flatMap(({ reports }) => reports))).toEqual([
      ['goal/1.1', outcome],
      ['goal/2.1', 'completed'],
    ]);
    expect(errorIn(lead.asked[1]!.reports[0])).toMatchObject({ output: { missing: 'the schema' } });
    expect(lead.asked[2]!.board.done).toMatchObject([{ outcome }, { outcome: 'completed' }]);
    expect(stepOf(run, 'goal/1.1').status).toBe('failed');
  });
});
