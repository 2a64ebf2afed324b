import { AgentError, type AgentFunction, type ExistingRole, type Ticket } from 'planwright';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { createRestartWorld } from '../durability/support/restart-world.js';
import { ada, createWorld, rejectionOf, stepOf, ticket, tickets } from './support/world.js';

const breaker = { failures: 2, openMs: 10_000 };
const desk: ExistingRole = { key: 'desk', kind: 'existing', agentId: 'first', fallbacks: ['second', 'third'] };
const worker: ExistingRole = { key: 'worker', kind: 'existing', agentId: 'worker' };
const roles = [desk, worker];
const task = (key: string, parts: Partial<Ticket> = {}): Ticket => ticket(key, { role: 'desk', ...parts });

/** Three agents, of which some are dead, and who was called. */
function agentsWith(dead: Readonly<Record<string, unknown>>, isUp = () => false) {
  const called: string[] = [];
  const make =
    (name: string): AgentFunction =>
    async ({ idempotencyKey, attempt }) => {
      called.push(name);
      if (name in dead && !isUp()) throw dead[name];
      return { output: { by: name, idempotencyKey, attempt } };
    };
  const agents = { first: make('first'), second: make('second'), third: make('third') };
  return { called, agents };
}
const down = new Error('down');

describe('HB-44 fallback agents', () => {
  it('answer where the agent of the role is dead, each with the attempts of the step', async () => {
    const { called, agents } = agentsWith({ first: down, second: down });
    const { run, result, events } = await createWorld({ agents }).run(
      tickets([task('t', { retry: { attempts: 2, backoffMs: 100 } })], { roles }),
    );
    expect(result.status).toBe('completed');
    expect(called).toEqual(['first', 'first', 'second', 'second', 'third']);
    expect(stepOf(run, 't')).toMatchObject({
      status: 'succeeded',
      attempts: 5,
      agentId: 'third',
      output: { by: 'third', attempt: 5 },
    });
    const starts = events.flatMap((event) => (event.type === 'step.started' && event.stepId === 't' ? [event.agentId] : []));
    expect(starts).toEqual([undefined, undefined, 'second', 'second', 'third']);
  });

  it('take over at once where another attempt is of no use, but not where the answer is no', async () => {
    const refusing = agentsWith({ first: new AgentError('cannot', { retryable: false }) });
    const retry = { attempts: 3, backoffMs: 100 };
    const one = await createWorld({ agents: refusing.agents }).run(tickets([task('t', { retry })], { roles }));
    expect(one.result.status).toBe('completed');
    expect(refusing.called).toEqual(['first', 'second']);
    const { agents, called } = agentsWith({});
    const rejecting: AgentFunction = async () => (called.push('first'), { output: 'no', outcome: 'rejected' as const });
    await createWorld({ agents: { ...agents, first: rejecting } }).run(tickets([task('t', { retry })], { roles }));
    expect(called).toEqual(['first']);
  });

  it('are not called where nothing is left to spend: they would come to the same', async () => {
    const { called, agents } = agentsWith({});
    const world = createWorld({ agents, budget: { maxTokens: 0, onExceeded: 'fail' } });
    const { run } = await world.run(tickets([task('t')], { roles }));
    expect(called).toEqual([]);
    expect(stepOf(run, 't')).toMatchObject({ attempts: 1, error: { code: 'TENANT_BUDGET_EXCEEDED' } });
  });

  it('are called at once while the breaker of the one before is open, and fail as it does where all are left alone', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const dead: Record<string, unknown> = { first: down };
    const { called, agents } = agentsWith(dead);
    const world = createWorld({ clock, agents });
    const guarded = [{ ...desk, breaker, concurrency: 1 }, worker];
    await world.run(
      tickets(
        ['a', 'b', 'c', 'd'].map((key) => task(key)),
        { roles: guarded },
      ),
    );
    // Two failures, and the second takes over both tasks; then nobody asks the first any more.
    expect(called).toEqual(['first', 'first', 'second', 'second', 'second', 'second']);
    Object.assign(dead, { second: down, third: down });
    called.length = 0;
    await world.run(
      tickets(
        ['a', 'b', 'c', 'd'].map((key) => task(key)),
        { roles: guarded },
      ),
    );
    expect([...called].sort()).toEqual(['second', 'second', 'third', 'third']);
    called.length = 0;
    const last = await world.run(tickets([task('t')], { roles: guarded }));
    expect(called).toEqual([]);
    expect(stepOf(last.run, 't').error).toMatchObject({ code: 'CIRCUIT_OPEN' });
  });

  it('wait for whoever is first let through again, where all are left alone and attempts are left', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const dead: Record<string, unknown> = { first: down, second: down, third: down };
    let isUp = false;
    const { called, agents } = agentsWith(dead, () => isUp);
    const world = createWorld({ clock, agents });
    const guarded = [{ ...desk, breaker: { failures: 1, openMs: 10_000 } }, worker];
    await world.run(tickets([task('a')], { roles: guarded }));
    expect(called).toEqual(['first', 'second', 'third']);
    isUp = true;
    const before = clock.now();
    const { result } = await world.run(tickets([task('b', { retry: { attempts: 2, backoffMs: 1 } })], { roles: guarded }));
    expect(result.status).toBe('completed');
    expect(called.at(-1)).toBe('first');
    expect(clock.now() - before).toBeGreaterThan(9_000);
  });

  it('are never handed what may happen only once and may have begun', async () => {
    const { called, agents } = agentsWith({ first: down });
    const once = await createWorld({ agents }).run(tickets([task('t', { effect: 'once' })], { roles }));
    expect(stepOf(once.run, 't').status).toBe('failed');
    expect(called).toEqual(['first']);
    const hangs: AgentFunction = () => new Promise(() => undefined);
    const world = createWorld({ agents: { ...agents, first: hangs }, whenInDoubt: 'fail' });
    const { run } = await world.run(tickets([task('t', { effect: 'once', timeoutMs: 100 })], { roles }));
    expect(stepOf(run, 't').status).toBe('failed');
    expect(called).toEqual(['first']);
  });

  it('are there before anything is started, and count among the agents', async () => {
    const world = createWorld({ agents: { first: agentsWith({}).agents.first } });
    const proposed = await world.propose(tickets([task('t')], { roles }));
    const { runId, revision, digest } = proposed;
    const refused = world.clock.runUntil(world.orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
    expect(await rejectionOf(refused)).toMatchObject({ code: 'AGENT_NOT_FOUND', agentId: 'second', role: 'desk' });
    const retry = { attempts: 2 };
    const bounded = await world.propose(
      tickets([task('t', { retry, estimate: { costUsd: 0.5 } })], { roles, budget: { maxAgents: 3 } }),
    );
    expect(bounded.diagnostics.map(({ code }) => code)).toContain('max-agents-below-plan');
    const { bounds } = await world.propose(tickets([task('t', { retry })], { roles }));
    expect(bounds).toMatchObject({ agents: 4, attempts: 2 * 3 + 1 });
    const twice = world.clock.runUntil(
      world.orchestrator.propose(tickets([task('t')], { roles: [{ ...desk, fallbacks: ['first'] }, worker] })),
    );
    expect(await rejectionOf(twice)).toMatchObject({ issues: [{ code: 'fallback-twice', pointer: '/roles/0/fallbacks/0' }] });
  });

  it('go on after a crash where they were, with no attempt more', async () => {
    const called: string[] = [];
    const world = createRestartWorld({
      agents: (life) => ({
        first: async () => (called.push('first'), Promise.reject(down)),
        second: async () => {
          called.push('second');
          await life.sleep(1_000);
          return { output: 'done' };
        },
        third: async () => (called.push('third'), { output: 'done' }),
      }),
    });
    const process = world.boot();
    const { runId, run } = await world.start(process, tickets([task('t')], { roles }));
    expect(run).toBeDefined();
    await world.clock.advanceAsync(500);
    process.kill();
    const next = world.boot();
    const again = await world.recover(next);
    expect((await world.end(again)).status).toBe('completed');
    expect(called).toEqual(['first', 'second', 'second']);
    const starts = (await world.journal(runId)).filter((entry) => entry.type === 'step.started' && entry.stepId === 't');
    expect(starts.map((entry) => (entry.type === 'step.started' ? entry.agentId : '')).at(-1)).toBe('second');
  });
});
