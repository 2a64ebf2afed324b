import fc from 'fast-check';
import { type AgentFunction, analyzePlan, definePlan, type Json, type Plan, planProposal, type PlanDraft } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createTeam } from './support/play-team.js';
import { recorder, role } from './support/team.js';
import { eventsOf, stepOf, ticket, tickets } from './support/world.js';

type Steps = PlanDraft['steps'];
const step = (id: string, dependsOn: readonly string[]): Steps[number] => ({
  ...({ id, kind: 'ticket', role: 'worker' } as const),
  instructions: `Do ${id}.`,
  dependsOn,
});
const small = { when: { properties: { read: { maximum: 100 } } }, to: ['fast'], reason: 'at most 100' };
const large = { when: { properties: { read: { minimum: 1_000 } } }, to: ['slow', 'both'], reason: 'at least 1000' };

/** `read`, then `triage`, which leads to some of `fast`, `slow` and `both`. */
function planOf(triage: Partial<Steps[number]>): Plan {
  const planned = definePlan({
    goal: 'Route it.',
    roles: [role('worker'), role('chooser')],
    steps: [
      step('read', []),
      { ...({ id: 'triage', kind: 'route' } as const), instructions: 'Which way?', dependsOn: ['read'], ...triage },
      ...['fast', 'slow', 'both'].map((id) => step(id, ['triage'])),
    ],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  return planned.value;
}

async function play(plan: Plan, read: Json, chooser: AgentFunction = recorder().agent) {
  const worker: AgentFunction = async ({ stepId }) => ({ output: stepId === 'read' ? read : stepId });
  const world = createTeam({ worker, chooser });
  const { runId, revision, digest } = await world.clock.runUntil(world.orchestrator.proposePlan(plan));
  const approving = world.orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
  const run = await world.clock.runUntil(approving);
  const result = await world.end(run);
  const went = ['fast', 'slow', 'both'].filter((id) => stepOf(run, id).status === 'succeeded');
  return { run, result, went, events: await eventsOf(run), triage: stepOf(run, 'triage') };
}

/** Chooses by a script, and remembers what it was asked. */
function chooser(...script: readonly unknown[]) {
  const { asked, agent: note } = recorder();
  const agent: AgentFunction = async (request, context) => {
    await note(request, context);
    return { output: null, route: script[Math.min(asked.length, script.length) - 1] as never };
  };
  return { asked, agent };
}
const retry = (attempts: number) => ({ attempts, backoffMs: 10, factor: 1, maxBackoffMs: 10, jitter: 0 });

describe('a route by rules', () => {
  it('HB-25 goes by the first rule that holds, whatever the value, and says which', async () => {
    const rules = [small, large, { to: ['slow'], reason: 'else' }];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -2_000, max: 2_000 }), async (amount) => {
        const { went, triage } = await play(planOf({ routes: rules }), amount);
        const [to, reason] =
          amount <= 100 ? [['fast'], 'at most 100'] : amount >= 1_000 ? [['slow', 'both'], 'at least 1000'] : [['slow'], 'else'];
        expect(went).toEqual(to);
        expect(triage.decision).toEqual({ to, reason, by: 'rule' });
      }),
      { numRuns: 25 },
    );
  });

  it('HB-25 fails where none holds and there is nobody to ask', async () => {
    const plan = planOf({ routes: [small, large] });
    expect(analyzePlan(plan).map(({ code }) => code)).toContain('route-without-default');
    const { triage, went, run } = await play(plan, 500);
    expect(triage.status).toBe('failed');
    expect(went).toEqual([]);
    expect(stepOf(run, 'fast').status).toBe('skipped');
  });
});

describe('a route by an agent', () => {
  it('HB-23 asks it what there is to choose from, and goes where it says', async () => {
    const { asked, agent } = chooser({ choose: ['slow', 'both', 'slow'], reason: 'It is heavy.' });
    const choices = [{ to: 'slow', description: 'For heavy ones.' }, { to: 'both' }, { to: 'fast' }];
    const { went, triage } = await play(planOf({ role: 'chooser', choices }), 500, agent);
    expect(asked).toMatchObject([{ kind: 'route', input: { read: 500, board: { choices } } }]);
    expect(went).toEqual(['slow', 'both']);
    expect(triage.decision).toEqual({ to: ['slow', 'both'], reason: 'It is heavy.', by: 'model' });
  });

  it.each([
    ['names nobody that there is', { choose: 'faster' }],
    ['spells it otherwise', { choose: 'Fast' }],
    ['names one that there is, and one that there is not', { choose: ['fast', 'synthesis'] }],
    ['names what does not wait for it', { choose: 'read' }],
    ['chooses nothing', { choose: [] }],
    ['delegates', { delegate: [{ role: 'worker', task: 'x' }] }],
    ['says nothing', undefined],
  ])('HB-23 refuses one that %s, tells it why, and asks again', async (_, bad) => {
    const { asked, agent } = chooser(bad, { choose: 'fast' });
    const { went, events } = await play(planOf({ role: 'chooser', retry: retry(2) }), 500, agent);
    expect(went).toEqual(['fast']);
    expect(asked.map(({ attempt, previous }) => [attempt, previous?.code])).toEqual([
      [1, undefined],
      [2, 'CHOICE_REFUSED'],
    ]);
    expect(asked[1]!.previous!.message).toContain('"fast", "slow", "both"');
    expect(events.filter(({ type }) => type === 'step.backing-off')).toMatchObject([{ error: { code: 'CHOICE_REFUSED' } }]);
  });

  it('HB-23 is asked no more often than it may be', async () => {
    const { asked, agent } = chooser({ choose: 'nowhere' });
    const { triage, went } = await play(planOf({ role: 'chooser', retry: retry(3) }), 500, agent);
    expect(asked).toHaveLength(3);
    expect(triage).toMatchObject({ status: 'failed', error: { code: 'CHOICE_REFUSED', known: ['fast', 'slow', 'both'] } });
    expect(went).toEqual([]);
  });

  it('HB-23 cannot be led to what it was not given as a choice', async () => {
    const { agent } = chooser({ choose: 'slow' });
    const { triage } = await play(planOf({ role: 'chooser', choices: [{ to: 'fast' }] }), 500, agent);
    expect(triage.error).toMatchObject({ code: 'CHOICE_REFUSED', known: ['fast'] });
  });

  it('a choice of what does not wait for the route is no plan', () => {
    const planned = definePlan({
      goal: '',
      roles: [role('worker')],
      steps: [
        step('a', []),
        { ...({ id: 'r', kind: 'route', role: 'worker' } as const), instructions: '?', choices: [{ to: 'a' }] },
      ],
    });
    expect(planned.ok ? [] : planned.error).toMatchObject([{ code: 'route-target' }]);
    expect(planned.ok ? '' : planned.error[0]!.message).toContain('Choice 0 of "r" leads to "a"');
  });
});

describe('a route by rules first', () => {
  const plan = () => planOf({ role: 'chooser', routes: [small] });

  it('HB-25 does not ask the model where a rule holds', async () => {
    const { asked, agent } = chooser({ choose: 'slow' });
    const { went, triage, run } = await play(plan(), 50, agent);
    expect(asked).toEqual([]);
    expect(went).toEqual(['fast']);
    expect(triage.decision).toMatchObject({ by: 'rule', reason: 'at most 100' });
    expect(run.view().usage.costUsd).toBe(0);
  });

  it('HB-25 asks it where none does', async () => {
    const { asked, agent } = chooser({ choose: 'slow' });
    const { went, triage } = await play(plan(), 500, agent);
    expect(asked).toHaveLength(1);
    expect(went).toEqual(['slow']);
    expect(triage.decision).toMatchObject({ by: 'model' });
  });
});

describe('a proposal', () => {
  it('HB-23 has no route that a model chooses, unless its topology says so', () => {
    const proposal = tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })]);
    const planned = planProposal(proposal);
    expect(planned.ok && planned.value.steps.filter(({ kind, decides }) => kind === 'route' || decides)).toEqual([]);
  });
});
