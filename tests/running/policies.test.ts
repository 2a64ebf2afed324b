import type { PolicySpec } from 'planwright';
import { expectNoCrashDamage, simulateCrashes } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, recorder, supervised, wait } from './support/team.js';
import { ada, createWorld, eventsOf, stepOf, ticket, tickets } from './support/world.js';

const policy = (parts: Partial<PolicySpec> = {}): PolicySpec => ({
  key: 'careful',
  verdict: 'require-approval',
  on: { type: 'start' },
  tickets: ['b'],
  reason: 'It is risky.',
  ...parts,
});
const yes = { approve: true, by: 'ada' } as const;

describe('HB-30 a policy on the start of a step', () => {
  it('denies it: no agent is called, nothing is charged, the step fails and says which policy', async () => {
    const world = createWorld();
    const { run, result, events } = await world.run(tickets(['a', 'b'], { policies: [policy({ verdict: 'deny' })] }));
    expect(result.status).toBe('completed');
    expect(world.worker.calls.map(({ request }) => request.stepId)).toEqual(['a', 'synthesis']);
    const error = { code: 'POLICY_DENIED', policy: 'careful', transition: 'start', reason: 'It is risky.' };
    expect(stepOf(run, 'b')).toMatchObject({ status: 'failed', attempts: 0, error, usage: { costUsd: 0 } });
    expect(stepOf(run, 'b').error?.message).toBe('The policy "careful" does not allow "b" to start: It is risky.');
    const applied = { policy: 'careful', verdict: 'deny', transition: 'start', reason: 'It is risky.', attempt: 1 };
    expect(stepOf(run, 'b').policy).toEqual(applied);
    expect(events.filter(({ type }) => type === 'policy.applied')).toMatchObject([{ stepId: 'b', ...applied }]);
    expect(result.gaps).toMatchObject([{ key: 'b', status: 'failed' }]);
  });

  it('has it wait for a person, once for the transition, and is on record with the decision', async () => {
    const world = createWorld();
    const run = await world.start(tickets(['a', 'b'], { policies: [policy()] }));
    await world.clock.advanceAsync(1_000);
    expect(stepOf(run, 'b')).toMatchObject({ status: 'gated', attempts: 0, policy: { policy: 'careful' } });
    await run.decide('b', { ...yes, note: 'Go.' });
    expect((await world.end(run)).status).toBe('completed');
    const events = (await eventsOf(run)).filter((event) => 'stepId' in event && event.stepId === 'b');
    expect(events.map(({ type }) => type)).toEqual([
      'step.ready',
      'policy.applied',
      'step.gated',
      'step.decided',
      'step.ready',
      'step.started',
      'step.succeeded',
    ]);
    expect(events[2]).toMatchObject({ prompt: 'It is risky.' });
    expect(events[3]).toMatchObject({ decision: { approve: true, by: { kind: 'user', id: 'ada' }, note: 'Go.' } });
  });

  it('fails the step where the person refuses', async () => {
    const world = createWorld();
    const run = await world.start(tickets(['a', 'b'], { policies: [policy()] }));
    await world.clock.advanceAsync(0);
    await run.decide('b', { approve: false, by: ada });
    await world.end(run);
    expect(stepOf(run, 'b')).toMatchObject({ status: 'failed', error: { code: 'GATE_REFUSED', policy: 'careful' } });
  });

  it('comes after a gate of the ticket, and does not run out with it', async () => {
    const gate = { kind: 'before', prompt: 'Now?', expiresAfterMs: 100, onExpiry: 'approve' } as const;
    const world = createWorld();
    const run = await world.start(tickets([ticket('b', { gate })], { policies: [policy()] }));
    await world.clock.advanceAsync(50_000);
    expect(stepOf(run, 'b').status).toBe('gated');
    await run.decide('b', yes);
    expect((await world.end(run)).status).toBe('completed');
  });

  it('that allows is told of, and decides before those that come after it', async () => {
    const policies = [policy({ key: 'fine', verdict: 'allow' }), policy({ verdict: 'deny' })];
    const { run, result, events } = await createWorld().run(tickets(['b'], { policies }));
    expect(result.status).toBe('completed');
    expect(events.filter(({ type }) => type === 'policy.applied')).toHaveLength(1);
    expect(stepOf(run, 'b').policy).toMatchObject({ policy: 'fine', verdict: 'allow' });
  });

  it('is applied to what is delegated, and the supervisor hears of what it did not allow', async () => {
    const lead = decider(delegate(['coder'], ['shipper']), wait, finish());
    const coder = recorder();
    const shipper = recorder();
    const world = createWorld({
      agents: { lead: lead.agent, coder: coder.agent, shipper: shipper.agent, clerk: recorder().agent },
    });
    const only = { tickets: ['goal'], kinds: ['delegation'] } as const;
    const policies = [
      policy({ ...only, key: 'no-shipping', verdict: 'deny', roles: ['shipper'] }),
      policy({ ...only, key: 'asks' }),
    ];
    const run = await world.start(supervised(['coder', 'shipper'], { policies }));
    await world.clock.advanceAsync(0);
    const waiting = run.view().steps.find(({ status, isGoal }) => status === 'gated' && !isGoal)!;
    expect(waiting).toMatchObject({ role: 'coder', policy: { policy: 'asks' } });
    await run.decide(waiting.id, yes);
    expect((await world.end(run)).status).toBe('completed');
    expect([coder.asked.length, shipper.asked.length]).toEqual([1, 0]);
    const reports = lead.asked.flatMap((asked) => asked.reports);
    expect(reports).toContainEqual(
      expect.objectContaining({
        role: 'shipper',
        outcome: 'failed',
        output: expect.objectContaining({ code: 'POLICY_DENIED', policy: 'no-shipping' }) as unknown,
      }),
    );
  });

  it('is applied to the check of what is verified', async () => {
    const verify = { role: 'worker', instructions: 'Is it right?' };
    const policies = [policy({ verdict: 'deny', tickets: ['a'], kinds: ['verification'] })];
    const { run } = await createWorld().run(tickets([ticket('a', { verify })], { policies }));
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { code: 'VERIFIER_FAILED' } });
  });

  it('can be about the effect of a step', async () => {
    const policies = [policy({ verdict: 'deny', tickets: ['a', 'b'], effects: ['once'] })];
    const { run } = await createWorld().run(tickets(['a', ticket('b', { effect: 'once' })], { policies }));
    expect([stepOf(run, 'a').status, stepOf(run, 'b').status]).toEqual(['succeeded', 'failed']);
  });
});

describe('HB-30 a policy on a retry', () => {
  const retry = { attempts: 3, backoffMs: 10 };
  const once = { fail: 'Not yet.' } as const;

  it('denies it: the step fails with that', async () => {
    const world = createWorld({ script: { steps: { b: [once, { output: 1 }] } } });
    const policies = [policy({ verdict: 'deny', on: { type: 'retry' } })];
    const { run } = await world.run(tickets([ticket('b', { retry })], { policies }));
    expect(stepOf(run, 'b')).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { code: 'POLICY_DENIED', transition: 'retry', attempt: 2 },
    });
  });

  it('asks a person before each', async () => {
    const world = createWorld({ script: { steps: { b: [once, once, { output: 1 }] } } });
    const run = await world.start(tickets([ticket('b', { retry })], { policies: [policy({ on: { type: 'retry' } })] }));
    for (const attempt of [2, 3]) {
      await world.clock.advanceAsync(1_000);
      expect(stepOf(run, 'b')).toMatchObject({ status: 'gated', policy: { transition: 'retry', attempt } });
      await run.decide('b', yes);
    }
    expect((await world.end(run)).status).toBe('completed');
  });
});

describe('HB-30 a policy on what may be spent', () => {
  const cheap = ticket('a', { budget: { maxCostUsd: 0.5 } });
  const dear = ticket('b', { budget: { maxCostUsd: 5 } });
  const above = policy({ on: { type: 'spend', aboveUsd: 1 }, tickets: ['a', 'b'] });

  it('asks a person where an attempt may spend more', async () => {
    const world = createWorld();
    const run = await world.start(tickets([cheap, dear], { policies: [above] }));
    await world.clock.advanceAsync(0);
    expect([stepOf(run, 'a').status, stepOf(run, 'b').status]).toEqual(['succeeded', 'gated']);
    expect(stepOf(run, 'b').policy).toMatchObject({ transition: 'spend', costUsd: 5 });
    await run.decide('b', yes);
    expect((await world.end(run)).status).toBe('completed');
    expect(world.worker.calls.find(({ request }) => request.stepId === 'b')?.request.allowance.costUsd).toBe(5);
  });

  it('lets it spend no more than what was approved, though more has become free', async () => {
    const world = createWorld();
    const policies = [policy({ on: { type: 'spend', aboveUsd: 1 }, tickets: ['b'] })];
    const run = await world.start(tickets(['a', 'b'], { policies, budget: { maxCostUsd: 9 } }));
    await world.clock.advanceAsync(1_000);
    const { costUsd } = stepOf(run, 'b').policy!;
    await run.decide('b', yes);
    expect((await world.end(run)).status).toBe('completed');
    expect(world.worker.calls.find(({ request }) => request.stepId === 'b')?.request.allowance.costUsd).toBeLessThanOrEqual(
      costUsd!,
    );
  });

  it('takes what has no ceiling to be more than any amount, and denies without holding anything', async () => {
    const policies = [{ ...above, verdict: 'deny' as const, tickets: ['b'] }];
    const { run, result } = await createWorld().run(tickets(['a', 'b'], { policies }));
    expect(stepOf(run, 'b')).toMatchObject({ status: 'failed', error: { code: 'POLICY_DENIED', transition: 'spend' } });
    expect(result.status).toBe('completed');
  });
});

describe('HB-30 HB-46 a run that waits for a person because of a policy', () => {
  it('loses and doubles nothing, wherever its process is lost', async () => {
    const proposal = tickets(['a', ticket('b', { dependsOn: ['a'], retry: { attempts: 2, backoffMs: 10 } })], {
      budget: { maxCostUsd: 4 },
      policies: [
        policy(),
        policy({ key: 'again', on: { type: 'retry' } }),
        policy({ key: 'money', on: { type: 'spend', aboveUsd: 0.1 } }),
      ],
    });
    const agents = () => ({
      worker: async ({ stepId, attempt }: { readonly stepId: string; readonly attempt: number }) => {
        if (stepId === 'b' && attempt === 1) throw new Error('Not yet.');
        return { output: { did: stepId } };
      },
    });
    const report = await simulateCrashes({ proposal, agents });
    expectNoCrashDamage(report);
    expect(report.reference.status).toBe('completed');
  });
});

describe('DD-44 a decision without a person', () => {
  it('is refused, with what is missing', async () => {
    const world = createWorld();
    const run = await world.start(tickets(['b'], { policies: [policy()] }));
    await world.clock.advanceAsync(0);
    const given: readonly unknown[] = [undefined, '', { kind: 'agent', id: 'worker' }, { kind: 'user' }];
    for (const by of given) {
      const refused = run.decide('b', { approve: true, by: by as string });
      await expect(refused).rejects.toMatchObject({ code: 'APPROVAL_REFUSED' });
    }
    expect(stepOf(run, 'b').status).toBe('gated');
    await run.decide('b', yes);
    await world.end(run);
  });
});
