import {
  type AgentContext,
  type AgentRequest,
  createOrchestrator,
  type Role,
  type Run,
  type StepView,
  type WaitReason,
} from 'planwright';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { createMemoryStore } from 'planwright/storage/memory';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { heldAt, limitedArbitrary, setStage, type Stage } from './support/limited.js';
import { ada, createWorld, stepOf, ticket, tickets } from './support/world.js';

const waitsFor = (run: Run, id: string): WaitReason | undefined => stepOf(run, id).waiting;
const slow = (clock: ReturnType<typeof createVirtualClock>, ms = 100) => ({
  worker: async ({ stepId }: AgentRequest, { signal }: AgentContext) => {
    await clock.sleep(ms, { signal });
    return { output: { did: stepId } };
  },
});

const waiting = new Set<StepView['status']>(['blocked', 'ready', 'gated', 'backing-off', 'in-doubt']);

describe('a step that is not at work', () => {
  it('HB-40 HB-52 law: has a reason at every event, and none when it is at work or has ended', async () => {
    await fc.assert(
      fc.asyncProperty(limitedArbitrary, async (limited) => {
        let looks = 0;
        const { toTheEnd } = await setStage(limited, (run) => {
          for (const { id, status, waiting: reason, attempts } of run.view().steps) {
            looks += 1;
            if (waiting.has(status)) expect(reason, `${id} is ${status}`).toBeDefined();
            else if (status === 'running') expect(reason, `${id} is at work`).toBeUndefined();
            if (reason && 'place' in reason) {
              expect(reason.place).toBeGreaterThanOrEqual(1);
              expect(reason.place).toBeLessThanOrEqual(reason.of);
            }
            if (reason?.for === 'dependencies' && attempts === 0) expect(reason.steps).not.toContain(id);
          }
        });
        await toTheEnd(() => undefined);
        expect(looks).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it('HB-52 law: waits, whenever nothing stirs, only for what is really in use, or has really been started so often', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(limitedArbitrary, async (limited) => {
        const stage = await setStage(limited);
        await stage.toTheEnd(() => {
          for (const run of stage.runs) {
            for (const step of run.view().steps) {
              for (const reason of [step.waiting, ...(step.callsWaiting ?? [])]) {
                if (!reason) continue;
                seen.add(reason.for);
                // With nothing in its way it would have begun.
                expect(reason.for).not.toBe('start');
                expect(reason.since).toBeLessThanOrEqual(stage.clock.now());
                if ('limit' in reason) expectTrue(stage, { runId: run.runId, reason });
              }
            }
          }
        });
      }),
      { numRuns: 60 },
    );
    expect([...seen].sort()).toEqual(['certainty', 'decision', 'dependencies', 'process', 'resource', 'retry', 'role']);
  });
});

/** Compares what stands in the way with what is to be seen from outside. */
function expectTrue(
  { stays, clock }: Stage,
  { runId, reason }: { readonly runId: string; readonly reason: Extract<WaitReason, { readonly limit: object }> },
): void {
  const now = clock.now();
  const { limit, name = '', opensAt } = reason;
  if (limit.kind === 'rate') {
    const starts = stays.filter(({ startedAt, holds }) => holds.has(name) && startedAt > now - limit.intervalMs);
    expect(starts.length).toBeGreaterThanOrEqual(limit.limit);
    expect(opensAt).toBeGreaterThan(now);
  } else if (limit.kind === 'pause') {
    expect(opensAt).toBeGreaterThan(now);
  } else if (limit.kind === 'concurrency') {
    const held = heldAt(stays, now, (stay) => {
      if (reason.for === 'resource') return stay.holds.get(name) ?? 0;
      if (stay.call !== undefined) return 0;
      return reason.for === 'process' || (stay.runId === runId && stay.role === name) ? 1 : 0;
    });
    expect(limit.inUse).toBe(held);
    expect(limit.inUse + limit.amount).toBeGreaterThan(limit.concurrency);
  }
}

describe('what a step waits for', () => {
  it('HB-40 is a resource, with its place, how many wait, since when, and the figure', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: slow(clock) });
    const list = ['a', 'b', 'c'].map((key) => ticket(key, { resources: ['tool'] }));
    const run = await world.start(tickets(list, { resources: { tool: { concurrency: 1 } } }));
    const other = await world.start(tickets([ticket('z', { resources: ['tool'] })], { resources: { tool: { concurrency: 1 } } }));
    await clock.advanceAsync(10);
    const limit = { kind: 'concurrency', concurrency: 1, inUse: 1, amount: 1 };
    expect(waitsFor(run, 'a')).toBeUndefined();
    const line = { for: 'resource', name: 'tool', of: 3, limit, since: 0 };
    // Runs take turns: the other run goes before the third of this one.
    expect([waitsFor(run, 'b'), waitsFor(run, 'c'), waitsFor(other, 'z')]).toEqual([
      { ...line, place: 1 },
      { ...line, place: 3 },
      { ...line, place: 2 },
    ]);
    expect(waitsFor(run, 'synthesis')).toEqual({ for: 'dependencies', since: 0, steps: ['a', 'b', 'c'] });
    await world.end(run);
  });

  it('HB-40 HB-52 is a rate, or a pause that a provider asked for, until then; also for a call inside of a step', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
      if (stepId !== 'synthesis') await call('tool', () => clock.sleep(10));
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker }, resources: { tool: { limit: 1, intervalMs: 1_000 } } });
    const run = await world.start(tickets(['a', 'b']));
    await clock.advanceAsync(200);
    const rate = { kind: 'rate', limit: 1, intervalMs: 1_000 };
    expect(stepOf(run, 'b')).toMatchObject({
      status: 'running',
      callsWaiting: [{ for: 'resource', name: 'tool', place: 1, of: 1, since: 0, limit: rate, opensAt: 1_000 }],
    });
    expect(stepOf(run, 'b')).not.toHaveProperty('waiting');
    await world.end(run);
    expect(stepOf(run, 'b')).not.toHaveProperty('callsWaiting');
  });

  it.each([
    ['role', { roles: [{ key: 'worker', kind: 'existing', agentId: 'worker', concurrency: 1 }] }, {}, { name: 'worker' }],
    ['process', {}, { concurrency: 1 }, {}],
  ] as const)('is the concurrency of the %s', async (kind, parts, options, name) => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: slow(clock), ...options });
    const run = await world.start(tickets(['a', 'b'], parts));
    await clock.advanceAsync(10);
    const limit = { kind: 'concurrency', concurrency: 1, inUse: 1, amount: 1 };
    expect(waitsFor(run, 'b')).toEqual({ for: kind, ...name, place: 1, of: 1, since: 0, limit });
    await world.end(run);
  });

  it('is the concurrency of its run, or of its tenant', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const limit = { kind: 'concurrency', concurrency: 1, inUse: 1, amount: 1 };
    const line = { place: 1, of: 1, since: 0, limit };
    const world = createWorld({ clock, agents: slow(clock), tenants: { acme: { concurrency: 1 } } });
    const run = await world.start(tickets(['a', 'b'], { budget: { maxConcurrency: 1 } }));
    await clock.advanceAsync(10);
    expect(waitsFor(run, 'b')).toEqual({ for: 'run', ...line });
    await world.end(run);
    const { runId, revision, digest } = await clock.runUntil(world.orchestrator.propose(tickets(['a', 'b']), { tenant: 'acme' }));
    const paid = await clock.runUntil(world.orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
    const since = clock.now();
    await clock.advanceAsync(10);
    expect(waitsFor(paid, 'b')).toEqual({ for: 'tenant', name: 'acme', ...line, since });
    await world.end(paid);
  });

  it('is a budget that runs share, as long as others hold what is left of it', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: slow(clock), budget: { maxCostUsd: 1 } });
    const budget = { maxCostUsd: 2 };
    const proposal = tickets([ticket('a', { budget })], { budget: { maxCostUsd: 10 } });
    const runs = [await world.start(proposal), await world.start(proposal)];
    await clock.advanceAsync(10);
    const waiting = runs.flatMap((run) => waitsFor(run, 'a') ?? []);
    for (const wait of waiting) expect(wait).toMatchObject({ for: 'shared-budget', place: 1, of: 1, limit: { kind: 'funds' } });
    for (const run of runs) await world.end(run);
    expect(waiting).toHaveLength(1);
  });

  it('HB-44 is a breaker that is open, also for a call inside of a step', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const breaker = { failures: 1, openMs: 1_000, whenOpen: 'wait' } as const;
    const worker = async ({ stepId }: AgentRequest, { call }: AgentContext) => {
      if (stepId === 'a' && clock.now() < 500) throw new Error('503');
      if (stepId === 'c' || stepId === 'd') {
        await clock.sleep(stepId === 'c' ? 0 : 10);
        await call('tool', () => {
          if (clock.now() < 500) throw new Error('503');
        }).catch((error: unknown) => {
          if (stepId !== 'c') throw error;
        });
      }
      return { output: {} };
    };
    const agents = { worker, other: worker };
    const world = createWorld({ clock, agents, breakers: { agents: { worker: breaker } }, resources: { tool: { breaker } } });
    const roles: readonly Role[] = ['worker', 'other'].map((key) => ({ key, kind: 'existing', agentId: key }));
    const late = ticket('b', { dependsOn: ['c'] });
    const list = [
      ticket('a', { retry: { attempts: 2, backoffMs: 10 } }),
      late,
      ...['c', 'd'].map((key) => ticket(key, { role: 'other' })),
    ];
    const run = await world.start(tickets(list, { roles }));
    await clock.advanceAsync(200);
    expect(waitsFor(run, 'b')).toEqual({ for: 'breaker', key: { kind: 'agent', name: 'worker' }, since: 0, opensAt: 1_000 });
    expect(stepOf(run, 'd').callsWaiting).toEqual([
      { for: 'breaker', key: { kind: 'resource', name: 'tool' }, since: 10, opensAt: 1_000 },
    ]);
    await world.end(run);
  });

  it('CC-12 is a budget that others hold, with its figures and its place', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, agents: slow(clock) });
    const budget = { maxCostUsd: 0.6 };
    const list = [
      ...['a', 'b'].map((key) => ticket(key, { budget })),
      ticket('c', { budget, priority: 'high', dependsOn: ['a'] }),
    ];
    const run = await world.start(tickets(list, { budget: { maxCostUsd: 1 } }));
    await clock.advanceAsync(10);
    expect(waitsFor(run, 'b')).toMatchObject({
      ...{ for: 'budget', place: 1, of: 1, since: 0 },
      error: {
        code: 'BUDGET_EXCEEDED',
        dimension: 'costMicroUsd',
        unit: 'USD',
        ceiling: 1,
        spent: 0,
        reserved: 0.6,
        needed: 0.6,
      },
    });
    await clock.advanceAsync(100);
    // Higher priority goes first.
    expect(stepOf(run, 'c').status).toBe('running');
    expect(waitsFor(run, 'b')).toMatchObject({ for: 'budget', place: 1, of: 1 });
    await world.end(run);
  });

  it('is a person, a pause between attempts, the end of a pause of the run, or the approval', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const world = createWorld({ clock, script: { steps: { b: [{ fail: 'no' }, {}], c: { delayMs: 50 } } } });
    const retry = { attempts: 2, backoffMs: 500 };
    const gate = { kind: 'before', prompt: 'May it?' } as const;
    const list = [ticket('a', { gate }), ticket('b', { retry }), ticket('c'), ticket('d', { dependsOn: ['c'] })];
    const proposed = await world.propose(tickets(list));
    expect(waitsFor(await world.orchestrator.run(proposed.runId), 'a')).toEqual({ for: 'run-start', since: 0 });
    const run = await world.approve(proposed);
    await clock.advanceAsync(10);
    expect(waitsFor(run, 'a')).toEqual({ for: 'decision', since: 0, prompt: 'May it?' });
    expect(waitsFor(run, 'b')).toEqual({ for: 'retry', since: 0, opensAt: 500 });
    await clock.runUntil(run.pause());
    await clock.advanceAsync(60);
    expect(run.view().pausedFor).toEqual({ reason: 'requested', since: 10 });
    expect(waitsFor(run, 'd')).toEqual({ for: 'resume', since: 50, reason: 'requested' });
    await clock.runUntil(run.resume());
    expect(run.view()).not.toHaveProperty('pausedFor');
    await clock.runUntil(run.decide('a', { approve: true, by: 'ada' }));
    await world.end(run);
    expect(run.view().steps.filter((step) => step.waiting)).toEqual([]);
    // The pause is time in which it could have begun, the gate and the pause between attempts are not.
    expect(run.view().steps.map(({ queuedMs }) => queuedMs)).toEqual([0, 0, 0, 20, 0]);
  });

  it('is not known in detail where another process drives the run', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const store = createMemoryStore();
    const boot = (owner: string) => createOrchestrator({ clock, store, owner, ids: createSequentialIds(), agents: slow(clock) });
    const list = ['a', 'b'].map((key) => ticket(key, { resources: ['tool'] }));
    const here = boot('here');
    const { runId, revision, digest } = await here.propose(tickets(list, { resources: { tool: { concurrency: 1 } } }));
    const run = await clock.runUntil(here.approve(runId, { revision, digest, approvedBy: ada }));
    await clock.advanceAsync(10);
    const there = await clock.runUntil(boot('there').run(runId));
    expect(waitsFor(run, 'b')?.for).toBe('resource');
    expect(waitsFor(there, 'b')).toEqual({ for: 'start', since: 0 });
    await clock.runUntil(run.result());
  });
});

it('HB-40 a refusal is kept with the limit, how many waited, since when, and how long', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const list = ['a', 'b', 'c', 'd'].map((key) => ticket(key, { resources: ['tool'] }));
  const limits = { concurrency: 1, maxQueued: 2, maxWaitMs: 30 };
  const { run } = await createWorld({ clock, agents: slow(clock) }).run(tickets(list, { resources: { tool: limits } }));
  const figures = { code: 'RESOURCE_REFUSED', resource: 'tool', since: 0 };
  expect(stepOf(run, 'd').error).toMatchObject({ ...figures, reason: 'RESOURCE_QUEUE_FULL', limit: 2, waiting: 3, waitedMs: 0 });
  expect(stepOf(run, 'b').error).toMatchObject({
    ...figures,
    reason: 'RESOURCE_WAIT_EXCEEDED',
    limit: 30,
    waiting: 2,
    waitedMs: 30,
  });
  expect(stepOf(run, 'c').error).toMatchObject({ ...figures, limit: 30, waiting: 1, waitedMs: 30 });
});
