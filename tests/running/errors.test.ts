import {
  AgentError,
  type AgentFunction,
  type ErrorClass,
  type OrchestrationProposal,
  planProposal,
  projectAttempts,
  type RunEvent,
  ThrottledError,
} from 'planwright';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, eventsOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

const failing = (status: number, headers: object = {}): Error =>
  Object.assign(new Error(`Status ${status}.`), { status, headers: { authorization: 'sk-secret', ...headers } });

/** Throws what is given, one after another, and then succeeds. Notes when it was called, and under which key. */
function throwing(clock: ReturnType<typeof createVirtualClock>, ...errors: readonly Error[]) {
  const calls: { readonly at: number; readonly key: string; readonly attempt: number }[] = [];
  const agent: AgentFunction = async ({ stepId, idempotencyKey, attempt }) => {
    if (stepId !== 'a') return { output: {} };
    calls.push({ at: clock.now(), key: idempotencyKey, attempt });
    const error = errors[calls.length - 1];
    if (error !== undefined) throw error;
    return { output: 'done' };
  };
  return { agent, calls };
}

const attemptsOf = (proposal: OrchestrationProposal, events: readonly RunEvent[]) => {
  const planned = planProposal(proposal);
  return planned.ok ? projectAttempts(planned.value, events) : [];
};

const retry = { attempts: 3, backoffMs: 100, factor: 1 };
const plan = (parts: Parameters<typeof ticket>[1] = {}): OrchestrationProposal => tickets([ticket('a', { retry, ...parts })]);

describe('what an error of an agent means', () => {
  it('HB-43 is read from its HTTP status: what would come again is not tried again', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const unauthorized = throwing(clock, failing(401));
    const { run } = await createWorld({ clock, agents: { worker: unauthorized.agent } }).run(plan());
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { code: 'AGENT_FAILED', class: 'fatal', status: 401 } });
    expect(unauthorized.calls).toHaveLength(1);
    const overloaded = throwing(clock, failing(500), failing(502));
    const second = await createWorld({ clock, agents: { worker: overloaded.agent } }).run(plan());
    expect(stepOf(second.run, 'a').status).toBe('succeeded');
    expect(overloaded.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(JSON.stringify([run.view(), second.events])).not.toContain('sk-secret');
  });

  it('is what the agent makes of it, where it says so', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(clock, failing(401), failing(500));
    const classify = (error: unknown): ErrorClass | undefined =>
      (error as { readonly status: number }).status === 401 ? 'retryable' : 'fatal';
    const { run } = await createWorld({ clock, agents: { worker: { run: agent, classify } } }).run(plan());
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', attempts: 2, error: { status: 500, class: 'fatal' } });
    expect(calls).toHaveLength(2);
  });
});

describe('a provider that turns an agent away', () => {
  it('HB-41 HB-52 makes no failure: the same attempt is made again when it said, under the same key, and is charged for both', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(
      clock,
      failing(429, { 'retry-after': '5' }),
      new ThrottledError({ retryAfterMs: 7_000 }),
      new AgentError('Slow down.', { class: 'throttled', retryAfterMs: 1_000, usage: { costUsd: 0.25 } }),
    );
    const proposal = plan({ retry: { attempts: 1 } });
    const { run, result, events } = await createWorld({ clock, agents: { worker: agent } }).run(proposal);
    expect(calls.map(({ at }) => at)).toEqual([0, 5_000, 12_000, 13_000]);
    expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(result.usage.costUsd).toBe(0.25);
    const rows = attemptsOf(proposal, events).filter(({ stepId }) => stepId === 'a');
    expect(rows.map(({ outcome, start }) => [outcome, start])).toEqual([
      ['throttled', 1],
      ['throttled', 2],
      ['throttled', 3],
      ['succeeded', 4],
    ]);
    expect(typesOf(events)).not.toContain('step.failed');
  });

  it('waits as its retry policy says where the provider does not say how long, which is no part of any timeout', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(clock, failing(429), failing(429), failing(429));
    const { run } = await createWorld({ clock, agents: { worker: agent } }).run(
      plan({ timeoutMs: 150, retry: { attempts: 1, backoffMs: 100, factor: 2 } }),
    );
    expect(calls.map(({ at }) => at)).toEqual([0, 100, 300, 700]);
    expect(stepOf(run, 'a').status).toBe('succeeded');
  });

  it('HB-52 holds back what the step uses for everyone, and nobody else', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: string[] = [];
    const worker: AgentFunction = async ({ stepId }) => {
      calls.push(`${stepId} ${clock.now()}`);
      if (stepId === 'a' && calls.length === 1) throw failing(429, { 'retry-after-ms': '4000' });
      await clock.sleep(10);
      return { output: null };
    };
    const world = createWorld({ clock, agents: { worker } });
    const resources = { model: { concurrency: 1 }, other: { concurrency: 1 } };
    const model = { resources: ['model'] };
    await world.run(tickets([ticket('a', model), ticket('b', model), ticket('c', { resources: ['other'] })], { resources }));
    expect(calls.slice(0, -1).sort()).toEqual(['a 0', 'a 4010', 'b 4000', 'c 0']);
  });

  it('may do so only so often in a row: then it is a failure like any other, and one in between begins the count anew', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const always = throwing(clock, ...Array.from({ length: 99 }, () => failing(429, { 'retry-after': '1' })));
    const { run } = await createWorld({ clock, agents: { worker: always.agent } }).run(plan({ retry: { attempts: 1 } }));
    expect(always.calls).toHaveLength(21);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { code: 'THROTTLED', class: 'throttled', status: 429 } });
    const some = throwing(clock, ...[429, 429, 500, 429, 429, 500, 429, 429, 429].map((status) => failing(status)));
    const second = await createWorld({ clock, agents: { worker: some.agent } }).run(
      plan({ retry: { ...retry, maxThrottled: 2 } }),
    );
    expect(some.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
    expect(stepOf(second.run, 'a')).toMatchObject({ status: 'failed', error: { code: 'THROTTLED' } });
  });

  it('is waited for when a step is undone, which is none of the efforts', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const efforts: string[] = [];
    const worker: AgentFunction = async ({ stepId, kind, attempt }) => {
      if (stepId === 'b') throw new AgentError('No.', { retryable: false });
      if (kind === 'compensation') efforts.push(`${attempt} at ${clock.now()}`);
      if (kind === 'compensation' && efforts.length < 4) throw failing(429, { 'retry-after': '2' });
      return { output: null };
    };
    const undoable = { compensation: { role: 'worker', instructions: 'Undo it.' }, resources: ['tool'] };
    const broken = ticket('b', { dependsOn: ['a'], onFailure: 'fail-run' });
    const proposal = tickets([ticket('a', undoable), broken], { resources: { tool: { concurrency: 1 } } });
    const { run, events } = await createWorld({ clock, agents: { worker } }).run(proposal);
    expect(efforts).toEqual(['1 at 0', '1 at 2000', '1 at 4000', '1 at 6000']);
    expect(stepOf(run, 'a').status).toBe('compensated');
    const undone = attemptsOf(proposal, events).filter(({ kind }) => kind === 'compensation');
    expect(undone.map(({ outcome }) => outcome)).toEqual(['throttled', 'throttled', 'throttled', 'succeeded']);
  });

  it('is not waited for by a run that is cancelled', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(clock, failing(429, { 'retry-after': '3600' }));
    const world = createWorld({ clock, agents: { worker: agent } });
    const run = await world.start(plan());
    await clock.advanceAsync(10);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'backing-off', retryAt: 3_600_000 });
    await clock.runUntil(run.cancel({ reason: 'Enough.' }));
    expect(clock.now()).toBe(10);
    expect(calls).toHaveLength(1);
  });
});

describe('an agent that does not know whether it has happened', () => {
  const unsure = () => new AgentError('The answer got lost.', { class: 'in-doubt', usage: { costUsd: 0.5 } });

  it.each(['none', 'idempotent'] as const)(
    'HB-46 tries a step with the effect "%s" again under the same key, as its retry says',
    async (effect) => {
      const clock = createVirtualClock({ startAt: 0 });
      const { agent, calls } = throwing(clock, unsure(), unsure());
      const { run, result } = await createWorld({ clock, agents: { worker: agent } }).run(plan({ effect }));
      expect(calls.map(({ at }) => at)).toEqual([0, 100, 200]);
      expect(new Set(calls.map(({ key }) => key)).size).toBe(1);
      expect(stepOf(run, 'a').status).toBe('succeeded');
      expect(result.usage.costUsd).toBe(1);
      const always = throwing(clock, unsure(), unsure(), unsure(), unsure());
      const second = await createWorld({ clock, agents: { worker: always.agent } }).run(plan({ effect }));
      expect(always.calls).toHaveLength(3);
      expect(stepOf(second.run, 'a')).toMatchObject({ status: 'failed', error: { code: 'failed', class: 'in-doubt' } });
    },
  );

  it('HB-34 HB-46 leaves one that may happen once in doubt, until its probe, or a person, says what became of it', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(clock, unsure());
    const asked: string[] = [];
    const probe = async ({ idempotencyKey }: { readonly idempotencyKey: string }) => {
      asked.push(idempotencyKey);
      return { happened: true, output: 'found' } as const;
    };
    const { run, result } = await createWorld({ clock, agents: { worker: { run: agent, probe } } }).run(plan({ effect: 'once' }));
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', output: 'found' });
    expect(asked).toEqual([calls[0]!.key]);
    expect(calls).toHaveLength(1);
    expect(result.usage.costUsd).toBe(0.5);

    const silent = throwing(clock, unsure());
    const world = createWorld({ clock, agents: { worker: silent.agent } });
    const second = await world.start(plan({ effect: 'once' }));
    await clock.advanceAsync(86_400_000);
    expect(stepOf(second, 'a')).toMatchObject({ status: 'in-doubt', error: { class: 'in-doubt' } });
    expect(silent.calls).toHaveLength(1);
    await clock.runUntil(second.decide('a', { approve: true, by: ada, output: 'seen' }));
    expect(await world.end(second)).toMatchObject({ status: 'completed' });
    expect(stepOf(second, 'a').output).toBe('seen');
  });

  it('HB-34 counts one that has not happened, by its probe, as an attempt that failed', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const { agent, calls } = throwing(clock, unsure(), unsure(), unsure(), unsure());
    const probe = async () => ({ happened: false }) as const;
    const { run } = await createWorld({ clock, agents: { worker: { run: agent, probe } } }).run(plan({ effect: 'once' }));
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map(({ key }) => key)).size).toBe(3);
    expect(stepOf(run, 'a').status).toBe('failed');
  });
});

describe('an agent that others may take over from', () => {
  const roles = [{ key: 'worker', kind: 'existing', agentId: 'first', fallbacks: ['second'] }] as const;
  const failing429 = () => failing(429, { 'retry-after': '1' });

  /** Runs the plan with two agents, and gives who was called, when, and under which key. */
  async function play(first: (nth: number) => Promise<unknown>, parts: Parameters<typeof ticket>[1] = {}, role: object = {}) {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: { readonly who: string; readonly at: number; readonly key: string }[] = [];
    const agent =
      (who: string, work: (nth: number) => Promise<unknown>): AgentFunction =>
      async ({ stepId, idempotencyKey }) => {
        if (stepId !== 'a') return { output: {} };
        calls.push({ who, at: clock.now(), key: idempotencyKey });
        await work(calls.length);
        return { output: who };
      };
    const world = createWorld({
      clock,
      agents: { first: agent('first', first), second: agent('second', async () => undefined) },
    });
    const run = await world.start({ ...plan(parts), roles: [{ ...roles[0], ...role }] });
    await clock.advanceAsync(3_600_000);
    return { calls, step: stepOf(run, 'a'), keys: new Set(calls.map(({ key }) => key)).size };
  }
  const throws = (error: () => Error) => (): Promise<never> => Promise.reject(error());

  it('is waited for when it is turned away, and relieved once that is a failure', async () => {
    const patient = await play((nth) => (nth === 1 ? Promise.reject(failing429()) : Promise.resolve()));
    expect(patient.calls.map(({ who, at }) => [who, at])).toEqual([
      ['first', 0],
      ['first', 1_000],
    ]);
    const { calls, step, keys } = await play(throws(failing429), { retry: { attempts: 1, maxThrottled: 2 } });
    expect(calls.map(({ who, at }) => [who, at])).toEqual([
      ['first', 0],
      ['first', 1_000],
      ['first', 2_000],
      ['second', 2_000],
    ]);
    expect(keys).toBe(2);
    expect(step).toMatchObject({ status: 'succeeded', output: 'second' });
  });

  it('HB-46 hands on what is in doubt under the same key, and not at all what may happen only once', async () => {
    const unsure = throws(() => new AgentError('?', { class: 'in-doubt' }));
    const { calls, step, keys } = await play(unsure, { retry: { attempts: 2, backoffMs: 100 } });
    expect(calls.map(({ who }) => who)).toEqual(['first', 'first', 'second']);
    expect(keys).toBe(1);
    expect(step).toMatchObject({ status: 'succeeded', output: 'second' });
    const once = await play(unsure, { effect: 'once' });
    expect(once.calls).toHaveLength(1);
    expect(once.step.status).toBe('in-doubt');
  });

  it('is relieved at once where what it threw would come again, and where it fell silent', async () => {
    const fatal = await play(throws(() => failing(401)));
    expect(fatal.calls.map(({ who, at }) => [who, at])).toEqual([
      ['first', 0],
      ['second', 0],
    ]);
    const silent = await play(() => new Promise(() => undefined), { heartbeatTimeoutMs: 500, retry: { attempts: 1 } });
    expect(silent.calls.map(({ who, at }) => [who, at])).toEqual([
      ['first', 0],
      ['second', 500],
    ]);
  });

  it('HB-43 is not relieved by another once the time of all attempts is over', async () => {
    const { calls, step } = await play(() => new Promise(() => undefined), {
      timeoutMs: 400,
      totalTimeoutMs: 400,
      retry: { attempts: 1 },
    });
    expect(calls).toHaveLength(1);
    expect(step).toMatchObject({ status: 'failed', error: { limit: 'totalTimeoutMs' } });
  });

  it('HB-44 HB-46 keeps what may happen once and was turned away, though its breaker has opened since', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const calls: string[] = [];
    const first: AgentFunction = async ({ stepId }) => {
      calls.push(`${stepId} first ${clock.now()}`);
      if (stepId === 'b') throw new Error('No.');
      if (clock.now() === 0) throw failing(429, { 'retry-after': '10' });
      return { output: {} };
    };
    const second: AgentFunction = async ({ stepId }) => {
      calls.push(`${stepId} second ${clock.now()}`);
      return { output: {} };
    };
    const world = createWorld({ clock, agents: { first, second } });
    const breaker = { failures: 1, openMs: 60_000, whenOpen: 'wait' } as const;
    await world.run({
      ...tickets([ticket('a', { effect: 'once' }), ticket('b', { priority: 'low' })]),
      roles: [{ ...roles[0], breaker }],
    });
    expect(calls.filter((call) => call.startsWith('a'))).toEqual(['a first 0', 'a first 60000']);
  });
});

it('HB-46 a policy on retries is asked about a try under the same key, and not about an attempt that was only turned away', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const { agent, calls } = throwing(clock, failing(429, { 'retry-after': '1' }), new AgentError('?', { class: 'in-doubt' }));
  const policies = [{ key: 'no-retries', verdict: 'deny', on: { type: 'retry' }, reason: 'Once is enough.' }] as const;
  const world = createWorld({ clock, agents: { worker: agent } });
  const run = await world.start({ ...plan(), policies });
  await world.end(run);
  expect(calls).toHaveLength(2);
  expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { code: 'POLICY_DENIED' } });
  expect((await eventsOf(run)).filter(({ type }) => type === 'policy.applied')).toHaveLength(1);
});
