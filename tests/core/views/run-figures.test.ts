import fc from 'fast-check';
import { type OrchestrationProposal, runFigures, type RunView, type StepView } from 'planwright';
import { createVirtualClock, proposalArbitrary, scriptedAgent } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, supervised, wait } from '../../running/support/team.js';
import { createWorld, ticket, tickets } from '../../running/support/world.js';

/** The same work, and as much of everything as anyone wants. */
const unlimited = ({ roles, resources = {}, budget, ...rest }: OrchestrationProposal): OrchestrationProposal => ({
  ...rest,
  ...(budget && { budget: { ...budget, maxConcurrency: 1_000 } }),
  roles: roles.map(({ concurrency: _, ...role }) => role),
  resources: Object.fromEntries(Object.keys(resources).map((name) => [name, {}])),
});

const nothing = { inputTokens: 0, outputTokens: 0, tokens: 0, costUsd: 0, provenance: 'measured' } as const;

const step = (id: string, parts: Partial<StepView>): StepView =>
  ({
    id,
    title: id,
    goal: 'g',
    status: 'succeeded',
    attempts: 1,
    activeMs: 1,
    queuedMs: 0,
    usage: nothing,
    ...parts,
  }) as StepView;

describe('figures of a run', () => {
  it('DD-07 compare the critical path with serial time', async () => {
    const script = { steps: { a: { delayMs: 10 }, b: { delayMs: 30 }, c: { delayMs: 20 }, synthesis: { delayMs: 5 } } };
    const world = createWorld({ script });
    const proposed = await world.propose(tickets(['a', 'b', ticket('c', { dependsOn: ['a'] })]));
    const run = await world.approve(proposed);
    await world.end(run);
    expect(runFigures(proposed.plan, run.view())).toMatchObject({
      wallMs: 35,
      serialMs: 65,
      criticalPath: { steps: ['a', 'c', 'synthesis'], activeMs: 35, slowest: 'c' },
      coordination: { messages: 0 },
      byTicket: {},
    });
  });

  it('DD-07 the critical path accounts for all the time of a run in which nothing waits for anything else', async () => {
    const proposals = proposalArbitrary({ maxTickets: 8, failures: false }).map(unlimited);
    await fc.assert(
      fc.asyncProperty(proposals, fc.infiniteStream(fc.nat({ max: 50 })), async (proposal, delays) => {
        const clock = createVirtualClock({ startAt: 1_000 });
        const agentOf = () => scriptedAgent({ default: { delayMs: Number(delays.next().value) } }, { clock });
        const agents = Object.fromEntries(
          proposal.roles.map((one) => [one.kind === 'existing' ? one.agentId : one.key, agentOf()]),
        );
        const world = createWorld({ clock, agents, concurrency: 1_000 });
        const proposed = await world.propose(proposal);
        const run = await world.approve(proposed);
        await world.end(run);
        const { wallMs, criticalPath } = runFigures(proposed.plan, run.view());
        expect(criticalPath.activeMs).toBe(wallMs);
        const before = new Map(proposed.plan.steps.map(({ id, dependsOn }) => [id, dependsOn]));
        criticalPath.steps.slice(1).forEach((id, index) => expect(before.get(id)).toContain(criticalPath.steps[index]));
      }),
      { numRuns: 40 },
    );
  });

  it('HB-22 report messages and handoffs for each task', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const lead = decider(delegate(['coder'], ['tester'], ['nobody']), wait, delegate(['coder', 'Again.']), finish());
    const slow = (delayMs: number) => scriptedAgent({ default: { delayMs } }, { clock });
    const world = createWorld({ clock, agents: { lead: lead.agent, coder: slow(20), tester: slow(5), clerk: slow(1) } });
    const proposed = await world.propose(supervised(['coder', 'tester']));
    const run = await world.approve(proposed);
    await world.end(run);
    const figures = runFigures(proposed.plan, run.view());
    const told = { decisions: 4, delegations: 3, handoffs: 0, reports: 3, refusals: 1, messages: 6 };
    expect(figures.byTicket).toMatchObject({ goal: told });
    expect(figures.coordination).toMatchObject(told);
    expect(figures).toMatchObject({ wallMs: 41, serialMs: 46 });
    expect(figures.criticalPath.activeMs).toBe(41);
    const slowest = run.view().steps.find(({ id }) => id === figures.criticalPath.slowest);
    expect(slowest).toMatchObject({ role: 'coder', activeMs: 20 });
  });

  it('DD-07 the critical path leads through every round of what is verified, and out of the goal again', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const lead = decider(finish('ready'), delegate(['coder']), finish('one'), delegate(['coder']), finish('two'));
    const checker = decider({ output: { verified: false, reasons: ['No.'] } }, { output: { verified: true } });
    const slow = (delayMs: number) => scriptedAgent({ default: { delayMs } }, { clock });
    const agents = { lead: lead.agent, coder: slow(20), checker: checker.agent, clerk: slow(3) };
    const world = createWorld({ clock, agents });
    const verify = { role: 'checker', instructions: 'Is it good?' };
    const goals = [ticket('first', { role: 'lead' }), ticket('goal', { role: 'lead', dependsOn: ['first'], verify })];
    const proposed = await world.propose(supervised(['coder', 'checker'], { tickets: goals }));
    const run = await world.approve(proposed);
    expect((await world.end(run)).gaps).toEqual([]);
    const { criticalPath, wallMs } = runFigures(proposed.plan, run.view());
    expect(criticalPath.activeMs).toBe(wallMs);
    expect(criticalPath.steps).toEqual([
      'first/1',
      ...['goal/1/1', 'goal/1/1.1', 'goal/1/2', 'goal/1.check'],
      ...['goal/2/1', 'goal/2/1.1', 'goal/2/2', 'goal/2.check'],
      'synthesis',
    ]);
  });

  it('come at once for a run of 20,000 steps that were added one after the other', () => {
    const added = Array.from({ length: 10_000 }, (_, nth) => [
      step(`g/${nth}`, { kind: 'route', parent: 'g', startedAt: 2 * nth, endedAt: 2 * nth + 1 }),
      step(`g/${nth}.1`, { kind: 'delegation', parent: `g/${nth}`, startedAt: 2 * nth + 1, endedAt: 2 * nth + 2 }),
    ]).flat();
    const { goal: _, ...goal } = step('g', { endedAt: 20_000, isGoal: true });
    const { usage } = goal;
    const view = { steps: [goal, ...added], startedAt: 0, endedAt: 20_000, usage, tickets: {} } as unknown as RunView;
    const { criticalPath } = runFigures({ steps: [] }, view);
    expect(criticalPath.steps).toEqual(added.map(({ id }) => id));
    expect(criticalPath.activeMs).toBe(20_000);
  });
});
