import { type AgentContext, type AgentRequest, ResourceDeadlockError } from 'planwright';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, supervised } from './support/team.js';
import { createWorld, stepOf, ticket, tickets } from './support/world.js';

const both = { left: { concurrency: 1 }, right: { concurrency: 1 } };

describe('two steps that hold what the other calls', () => {
  const holding = (clock: ReturnType<typeof createVirtualClock>, seen: unknown[] = []) => ({
    async worker({ stepId }: AgentRequest, { call }: AgentContext) {
      const wants = ({ a: 'right', b: 'left' } as Record<string, string>)[stepId];
      if (wants === undefined) return { output: {} };
      await clock.sleep(5);
      try {
        await call(wants, () => clock.sleep(5));
      } catch (error) {
        seen.push(error);
        throw error;
      }
      return { output: {} };
    },
  });

  it('HB-49 are not left to wait: the call that closes the round is refused at once, and both come to an end', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const seen: unknown[] = [];
    const world = createWorld({ clock, agents: holding(clock, seen) });
    const { run, result } = await world.run(
      tickets([ticket('a', { resources: ['left'] }), ticket('b', { resources: ['right'] })], { resources: both }),
    );
    expect(clock.now()).toBe(10);
    expect(result.gaps).toMatchObject([{ key: 'b', reason: { code: 'RESOURCE_DEADLOCK' } }]);
    const [error] = seen as ResourceDeadlockError[];
    expect(error).toBeInstanceOf(ResourceDeadlockError);
    const { runId } = run;
    expect(error?.cycle).toEqual([
      { runId, stepId: 'b', holds: 'right', waitsFor: 'left' },
      { runId, stepId: 'a', holds: 'left', waitsFor: 'right' },
    ]);
    expect(stepOf(run, 'b').error?.message).toContain(
      '"b" holds "right" and waits for "left"; "a" holds "left" and waits for "right".',
    );
  });

  it('HB-49 both succeed where the refused one is tried again', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: holding(clock) });
    const retry = { attempts: 2, backoffMs: 20 };
    const work = [ticket('a', { resources: ['left'] }), ticket('b', { resources: ['right'], retry })];
    const { result } = await world.run(tickets(work, { resources: both }));
    expect(result).toMatchObject({ status: 'completed', gaps: [] });
  });

  it('HB-49 HB-44 say nothing of their agents: no breaker opens', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: holding(clock), breakers: { agents: { worker: { failures: 1 } } } });
    const work = [ticket('a', { resources: ['left'] }), ticket('b', { resources: ['right'] })];
    const { result, events } = await world.run(tickets(work, { resources: both }));
    expect(result.status).toBe('completed');
    expect(events.filter(({ type }) => type === 'breaker.changed')).toEqual([]);
  });

  it('HB-49 are found out across runs too', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: holding(clock), resources: both });
    const runs = [
      await world.start(tickets([ticket('a', { resources: ['left'] })])),
      await world.start(tickets([ticket('b', { resources: ['right'] })])),
    ];
    const ends = await Promise.all(runs.map((run) => world.end(run)));
    expect(ends.map(({ status }) => status)).toEqual(['completed', 'failed']);
    expect(clock.now()).toBeLessThan(30);
  });
});

it('HB-49 the supervisor is asked when workers would wait for one another, and has it done again', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
    await clock.sleep(5);
    await call(stepId.startsWith('first') ? 'right' : 'left', () => clock.sleep(5));
    return { output: 'done' };
  };
  // Until what it has delegated last was completed.
  const lead = decider(({ reports }) => (reports.at(-1)?.outcome === 'completed' ? finish() : delegate(['coder', 'Do it.'])));
  const goals = [
    ticket('first', { role: 'lead', resources: ['left'] }),
    ticket('second', { role: 'lead', resources: ['right'] }),
  ];
  const world = createWorld({
    clock,
    agents: { lead: lead.agent, coder: worker, clerk: async () => ({ output: {} }) },
    resources: both,
  });
  const { result } = await world.run(supervised(['coder'], { tickets: goals }));
  expect(result).toMatchObject({ status: 'completed', gaps: [] });
  const outcomes = lead.asked.flatMap(({ reports }) => reports);
  const refused = outcomes.filter(({ outcome }) => outcome === 'failed');
  expect(refused).toHaveLength(1);
  expect(refused[0]).toMatchObject({ output: { code: 'RESOURCE_DEADLOCK' } });
  expect(outcomes.filter(({ outcome }) => outcome === 'completed')).toHaveLength(2);
});
