import type { AgentFunction, AgentRequest, JournalEntry, OrchestrationProposal } from 'planwright';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, supervised, wait, type Decider } from '../running/support/team.js';
import { stepOf } from '../running/support/world.js';
import { committed, createRestartWorld, eventsNow, type Life, type RestartWorld } from './support/restart-world.js';

const clerk: AgentFunction = async ({ input }) => ({ output: input });

/** Workers that need as long as their task says. */
const pacedBy =
  ({ sleep }: Life): AgentFunction =>
  async ({ instructions, stepId }) => {
    await sleep(Number(instructions));
    return { output: `by ${stepId}` };
  };

const team = (lead: Decider) => (life: Life) => ({ lead: lead.agent, a: pacedBy(life), b: pacedBy(life), clerk });

/** A run that dies at a moment, and goes on with another supervisor, which remembers nothing. */
async function handedOn(
  { first, second, input }: { readonly first: Decider; readonly second: Decider; readonly input?: OrchestrationProposal },
  dieAt: Parameters<RestartWorld['boot']>[0] & object,
) {
  const world = createRestartWorld();
  const before = world.boot({ agents: team(first), ...dieAt });
  const { runId } = await world.start(before, input ?? supervised(['a', 'b']));
  await world.death(before);
  const run = await world.recover(world.boot({ agents: team(second) }));
  return { world, run, runId, result: await world.end(run) };
}

describe('a supervisor whose process is lost', () => {
  it('DD-40 goes on from the board alone: done, in progress and next are there for whoever remembers nothing', async () => {
    const first = decider(delegate(['a', '10'], ['b', '500'], ['b', '1']), wait);
    const second = decider(wait, wait, finish());
    const input = supervised(['a', 'b'], { topology: { whenBusy: 'queue' } });
    const { result } = await handedOn({ first, second, input }, { dieAt: committed('step.started', 'goal/2', false) });
    expect(result.status).toBe('completed');
    // It is asked what the other was asked, of which nobody heard an answer.
    const [fresh] = second.asked;
    expect(fresh).toMatchObject({ stepId: 'goal/2', attempt: 1, instructions: 'Reach the goal.' });
    expect(fresh!.board).toMatchObject({
      done: [{ delegationId: 'goal/1.1', role: 'a', task: '10', outcome: 'completed' }],
      inProgress: [{ delegationId: 'goal/1.2', role: 'b', task: '500' }],
      next: [{ delegationId: 'goal/1.3', role: 'b', task: '1' }],
      counts: { done: 1, open: 2 },
      roles: [{ role: 'a' }, { role: 'b' }],
    });
    expect(fresh!.reports).toEqual([{ delegationId: 'goal/1.1', role: 'a', outcome: 'completed', output: 'by goal/1.1' }]);
  });

  it('DD-40 is asked the same again, to the letter, when it died over its answer', async () => {
    const first = decider(delegate(['a', '10'], ['b', '30']), wait);
    const second = decider(wait, finish());
    await handedOn({ first, second }, { dieAt: committed('step.succeeded', 'goal/2', false) });
    const asked = ({ board, reports, idempotencyKey, session }: AgentRequest & { board: unknown; reports: unknown }) => ({
      ...{ board, reports, idempotencyKey, session },
    });
    expect(asked(second.asked[0]!)).toEqual(asked(first.asked[1]!));
  });

  it('DD-12 hears in order and once of what was reported while nobody was there', async () => {
    const first = decider(delegate(['a', '10'], ['b', '20'], ['a', '30'], ['b', '40']), () => new Promise(() => undefined));
    const second = decider(wait, finish());
    // All four have reported, and the supervisor hangs over the first of them when its process dies.
    const { result } = await handedOn({ first, second }, { dieAt: committed('step.succeeded', 'goal/1.4') });
    expect(result.status).toBe('completed');
    expect(second.asked.map(({ stepId, reports }) => [stepId, reports.map(({ delegationId }) => delegationId)])).toEqual([
      ['goal/2', ['goal/1.1']],
      ['goal/3', ['goal/1.2', 'goal/1.3', 'goal/1.4']],
    ]);
    const outputs = second.asked.flatMap(({ reports }) => reports.map(({ output }) => output));
    expect(outputs).toEqual(['by goal/1.1', 'by goal/1.2', 'by goal/1.3', 'by goal/1.4']);
  });

  it('DD-12 events wait for whoever attaches later, in order and once', async () => {
    const first = decider(delegate(['a', '10']), finish());
    const { world, run, runId } = await handedOn(
      { first, second: decider(finish()) },
      { dieAt: committed('step.succeeded', 'goal/1.1') },
    );
    const events = await eventsNow(run);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, place) => place + 1));
    expect(events.filter((event) => event.type === 'step.succeeded' && event.stepId === 'goal/1.1')).toHaveLength(1);
    const journal: readonly JournalEntry[] = await world.journal(runId);
    expect(journal.filter((entry) => entry.type === 'step.succeeded' && entry.stepId === 'goal/1.1')).toHaveLength(1);
  });

  it('DD-12 a delegation is made once, whether it died before or after its decision was stored', async () => {
    for (const stored of [false, true]) {
      const first = decider(delegate(['a', '10']), finish());
      const second = stored ? decider(finish()) : decider(delegate(['a', '10']), finish());
      const { run, result } = await handedOn({ first, second }, { dieAt: committed('step.succeeded', 'goal/1', stored) });
      expect(result.status).toBe('completed');
      const made = run.view().steps.filter(({ kind }) => kind === 'delegation');
      expect(made.map(({ id, attempts, status }) => [id, attempts, status])).toEqual([['goal/1.1', 1, 'succeeded']]);
    }
  });
});

describe('a worker that does not report', () => {
  const hour = 3_600_000;
  const slow = supervised(['a', 'b'], { topology: { reportTimeoutMs: 2 * hour } });

  it('DX-08 is told of at the same time, though the process that waited for it was lost on the way', async () => {
    const world = createRestartWorld({ leaseMs: 60_000 });
    const first = decider(delegate(['a', String(5 * hour)]));
    const asked: [number, string][] = [];
    const before = world.boot({ agents: team(first) });
    await world.start(before, slow);
    await world.clock.advanceAsync(hour);
    before.kill();
    await world.clock.advanceAsync(hour / 2);
    const second = decider(({ reports }) => {
      asked.push(...reports.map(({ outcome }): [number, string] => [world.clock.now(), outcome]));
      return reports.some(({ outcome }) => outcome === 'completed') ? finish() : wait;
    });
    const run = await world.recover(world.boot({ agents: team(second) }));
    await world.end(run);
    // Its attempt begins anew with the process that takes it up; what it has to report by does not.
    expect(asked).toEqual([
      [2 * hour, 'overdue'],
      [6.5 * hour, 'completed'],
    ]);
    expect(stepOf(run, 'goal/1.1')).toMatchObject({ overdue: true, status: 'succeeded' });
  });

  it('DX-08 is told of at once where its time ran out while no process was there, and once', async () => {
    const world = createRestartWorld({ leaseMs: 60_000 });
    const before = world.boot({ agents: team(decider(delegate(['a', String(5 * hour)]))) });
    await world.start(before, slow);
    await world.clock.advanceAsync(hour);
    before.kill();
    await world.clock.advanceAsync(3 * hour);
    const second = decider(wait, finish());
    const run = await world.recover(world.boot({ agents: team(second) }));
    await world.end(run);
    expect(second.asked.map(({ reports }) => reports.map(({ outcome }) => outcome))).toEqual([['overdue'], ['completed']]);
    expect((await eventsNow(run)).filter(({ type }) => type === 'step.overdue')).toMatchObject([{ at: 4 * hour }]);
  });

  it.each([
    ['one that completes before', 2 * hour, ['completed']],
    ['one that is never waited for', 0, ['completed']],
  ])('DX-08 is not %s', async (_, reportTimeoutMs, outcomes) => {
    const world = createRestartWorld();
    const lead = decider(delegate(['a', String(hour)]), finish());
    const process = world.boot({ agents: team(lead) });
    const { run } = await world.start(process, supervised(['a', 'b'], { topology: { reportTimeoutMs } }));
    await world.end(run);
    await world.clock.advanceAsync(24 * hour);
    expect(lead.asked.flatMap(({ reports }) => reports.map(({ outcome }) => outcome))).toEqual(outcomes);
  });

  it.each([-1, 604_800_001, 1.5])(
    'DX-08 its time has a range: %d is refused, and nothing is put in its place',
    async (reportTimeoutMs) => {
      const world = createRestartWorld();
      const process = world.boot({ agents: team(decider(finish())) });
      const proposed = process.orchestrator.propose(supervised(['a', 'b'], { topology: { reportTimeoutMs } }));
      await expect(proposed).rejects.toMatchObject({
        issues: [{ code: 'invalid-topology-option', pointer: '/topology/reportTimeoutMs' }],
      });
    },
  );
});
