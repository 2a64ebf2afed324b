import type { AgentFunction, Json, PolicySpec } from 'planwright';
import { expectNoCrashDamage, simulateCrashes } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, recorder, role, supervised, wait } from './support/team.js';
import { createWorld, eventsOf, stepOf, ticket, tickets } from './support/world.js';

const policy = (parts: Partial<PolicySpec> = {}): PolicySpec => ({
  key: 'mails',
  verdict: 'require-approval',
  on: { type: 'tool', tools: ['mail'] },
  reason: 'It leaves the house.',
  ...parts,
});
const codeOf = (error: unknown): string => (error as { readonly code: string }).code;
const yes = { approve: true, by: 'ada' } as const;

/** An agent that sends a mail, and counts the mails that went out and the times that it was asked. */
function mailer(input: Json = { to: 'ben' }, { cost = 0 } = {}) {
  const sent: Json[] = [];
  const keys: string[] = [];
  const agent: AgentFunction = async ({ idempotencyKey, stepId }, context) => {
    keys.push(idempotencyKey);
    if (stepId === 'synthesis') return { output: {} };
    await context.tool('mail', () => void sent.push(input), input);
    return { output: {}, usage: { costUsd: cost } };
  };
  return { agent, sent, keys };
}
const withTools = (policies: readonly PolicySpec[], tools: readonly string[] = ['mail']) =>
  tickets(['a'], {
    policies,
    roles: [role('worker', { tools })],
    synthesis: { role: 'worker', instructions: 'Sum it up.', outputSchema: true },
  });

describe('DD-09 the tools of a role', () => {
  it('are all that it can call: anything else is refused with what there is, and on record', async () => {
    const lead = decider(async (_, context) => {
      await context.tool('write-file', () => expect.unreachable('It was called.'));
      return finish();
    });
    const world = createWorld({ agents: { lead: lead.agent, coder: recorder().agent, clerk: recorder().agent } });
    const proposal = supervised(['coder']);
    const roles = proposal.roles.map((one) => (one.key === 'lead' ? { ...one, tools: ['read'] } : one));
    const goal = ticket('goal', { role: 'lead', retry: { attempts: 3, backoffMs: 1 } });
    const { run } = await world.run({ ...proposal, roles, tickets: [goal] });
    const asked = run.view().steps.filter(({ kind }) => kind === 'route');
    expect(asked[0]).toMatchObject({
      attempts: 1,
      error: {
        code: 'TOOL_NOT_ALLOWED',
        message: expect.stringMatching(/"lead" may not use the tool "write-file".*"read"/) as string,
      },
      policy: { policy: 'tools:lead', verdict: 'deny', tool: 'write-file' },
    });
  });

  it('can be called, with what they give', async () => {
    const { agent, sent } = mailer();
    const { run, result, events } = await createWorld({ agents: { worker: agent } }).run(withTools([]));
    expect([result.status, sent.length, stepOf(run, 'a').policy]).toEqual(['completed', 1, undefined]);
    expect(events.some(({ type }) => type === 'policy.applied')).toBe(false);
  });

  it('are refused to an agent that catches it, which may go on without', async () => {
    const agent: AgentFunction = async (_, context) => {
      const found = await context.tool('search', () => 'found').catch(codeOf);
      return { output: { found } };
    };
    const { result } = await createWorld({ agents: { worker: agent } }).run(withTools([]));
    expect(result.deliverable).toEqual({ found: 'TOOL_NOT_ALLOWED' });
  });

  it('of a single task are those that it names', async () => {
    const agent: AgentFunction = async (_, context) => ({ output: await context.tool('mail', () => 'sent') });
    const { orchestrator, clock } = createWorld({ agents: { one: agent } });
    const ran = await clock.runUntil(orchestrator.runOnce('one', { instructions: 'Write.', tools: ['mail'] }));
    expect(ran.deliverable).toBe('sent');
    const refused = await clock.runUntil(orchestrator.runOnce('one', 'Write.'));
    expect(refused.view().steps[0]?.error?.code).toBe('TOOL_NOT_ALLOWED');
  });
});

describe('HB-30 a policy on a tool', () => {
  it('denies it: the tool is not called, and the step fails without another try', async () => {
    const { agent, sent } = mailer();
    const proposal = withTools([policy({ verdict: 'deny' })]);
    const retry = { attempts: 5, backoffMs: 1 };
    const { run, events } = await createWorld({ agents: { worker: agent } }).run({
      ...proposal,
      tickets: [ticket('a', { retry })],
    });
    expect(sent).toEqual([]);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'TOOL_DENIED' } });
    const applied = { policy: 'mails', verdict: 'deny', transition: 'tool', tool: 'mail', attempt: 1 };
    expect(events.filter(({ type }) => type === 'policy.applied')).toMatchObject([applied]);
  });

  it('allows it, and is on record before it is called', async () => {
    const { agent, sent } = mailer();
    const { result, events } = await createWorld({ agents: { worker: agent } }).run(withTools([policy({ verdict: 'allow' })]));
    expect([result.status, sent.length]).toEqual(['completed', 1]);
    expect(events.filter(({ type }) => type === 'policy.applied')).toHaveLength(1);
  });

  it('looks at the input of the tool', async () => {
    const when = { properties: { to: { const: 'ben' } }, required: ['to'] };
    const policies = [policy({ verdict: 'deny', on: { type: 'tool', when } })];
    for (const [to, isSent] of [
      ['ben', false],
      ['cleo', true],
    ] as const) {
      const { agent, sent } = mailer({ to });
      await createWorld({ agents: { worker: agent } }).run(withTools(policies));
      expect(sent.length).toBe(isSent ? 1 : 0);
    }
  });

  it('has a person decide: the attempt ends, waits, and is begun once more under its key, which is no retry', async () => {
    const { agent, sent, keys } = mailer({ to: 'ben' }, { cost: 1 });
    const world = createWorld({ agents: { worker: agent } });
    const run = await world.start(withTools([policy()]));
    await world.clock.advanceAsync(86_400_000);
    expect(stepOf(run, 'a')).toMatchObject({
      status: 'gated',
      attempts: 1,
      activeMs: 0,
      policy: { policy: 'mails', verdict: 'require-approval', transition: 'tool', tool: 'mail', reason: 'It leaves the house.' },
    });
    expect(sent).toEqual([]);
    await run.decide('a', yes);
    expect((await world.end(run)).status).toBe('completed');
    expect([sent.length, keys[0] === keys[1]]).toEqual([1, true]);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 1, usage: { costUsd: 1 } });
    const types = (await eventsOf(run)).filter((event) => 'stepId' in event && event.stepId === 'a').map(({ type }) => type);
    expect(types).toEqual([
      ...['step.ready', 'step.started', 'step.spent', 'policy.applied', 'step.ready', 'step.gated'],
      ...['step.decided', 'step.ready', 'step.started', 'step.succeeded'],
    ]);
  });

  it('fails the step where the person refuses', async () => {
    const { agent, sent } = mailer();
    const world = createWorld({ agents: { worker: agent } });
    const run = await world.start(withTools([policy()]));
    await world.clock.advanceAsync(0);
    await run.decide('a', { approve: false, by: 'ada' });
    await world.end(run);
    expect([stepOf(run, 'a').error?.code, sent.length]).toEqual(['GATE_REFUSED', 0]);
  });

  it('asks again where the call that was approved has become another', async () => {
    let asked = 0;
    const sent: number[] = [];
    const agent: AgentFunction = async ({ stepId }, context) => {
      if (stepId === 'synthesis') return { output: {} };
      asked += 1;
      const amount = Math.min(asked, 2);
      await context.tool('mail', () => void sent.push(amount), { amount });
      return { output: {} };
    };
    const world = createWorld({ agents: { worker: agent } });
    const run = await world.start(withTools([policy()]));
    for (const times of [1, 2]) {
      await world.clock.advanceAsync(0);
      expect([stepOf(run, 'a').status, asked]).toEqual(['gated', times]);
      await run.decide('a', yes);
    }
    expect((await world.end(run)).status).toBe('completed');
    expect(sent).toEqual([2]);
  });

  it('ends the attempt though its agent makes nothing of it', async () => {
    const agent: AgentFunction = async ({ stepId }, context) => {
      const outcome = stepId === 'synthesis' ? '' : await context.tool('mail', () => 'sent').catch(() => 'never mind');
      return { output: { outcome } };
    };
    const world = createWorld({ agents: { worker: agent } });
    const run = await world.start(withTools([policy()]));
    await world.clock.advanceAsync(0);
    expect(stepOf(run, 'a').status).toBe('gated');
    await run.decide('a', yes);
    await world.end(run);
    expect(stepOf(run, 'a').output).toEqual({ outcome: 'sent' });
  });

  it('refuses the tool to a step that may happen only once, because it cannot be begun once more', async () => {
    const { agent, sent } = mailer();
    const proposal = { ...withTools([policy()]), tickets: [ticket('a', { effect: 'once' })] };
    const { run } = await createWorld({ agents: { worker: agent } }).run(proposal);
    expect(sent).toEqual([]);
    expect(stepOf(run, 'a').error).toMatchObject({ code: 'TOOL_DENIED', message: expect.stringContaining('"once"') as string });
  });

  it('refuses the tool to what undoes a step', async () => {
    const codes: string[] = [];
    const agent: AgentFunction = async ({ kind, stepId }, context) => {
      if (stepId === 'b') throw new Error('No.');
      if (kind === 'compensation') await context.tool('mail', () => 'sent').catch((error: unknown) => codes.push(codeOf(error)));
      return { output: {} };
    };
    const compensation = { role: 'worker', instructions: 'Undo it.' };
    const both = [ticket('a', { compensation }), ticket('b', { dependsOn: ['a'], onFailure: 'fail-run' })];
    const policies = [policy({ kinds: ['compensation'] })];
    const { run } = await createWorld({ agents: { worker: agent } }).run({ ...withTools(policies), tickets: both });
    expect([stepOf(run, 'a').status, codes]).toEqual(['compensated', ['TOOL_DENIED']]);
  });

  it('is for what is delegated too', async () => {
    const lead = decider(delegate(['coder']), wait, finish());
    const { agent, sent } = mailer();
    const world = createWorld({ agents: { lead: lead.agent, coder: agent, clerk: recorder().agent } });
    const run = await world.start(
      supervised([role('coder', { tools: ['mail'] })], { policies: [policy({ tickets: ['goal'] })] }),
    );
    await world.clock.advanceAsync(0);
    const waiting = run.view().steps.find(({ kind }) => kind === 'delegation')!;
    expect(waiting.status).toBe('gated');
    await run.decide(waiting.id, yes);
    expect((await world.end(run)).status).toBe('completed');
    expect(sent).toHaveLength(1);
  });
});

describe('HB-30 HB-46 an attempt that ends because a tool needs a person', () => {
  it('loses and doubles nothing, wherever its process is lost', async () => {
    const report = await simulateCrashes({
      proposal: withTools([policy()]),
      agents: () => ({
        worker: async ({ stepId }, context) => {
          if (stepId === 'a') await context.tool('mail', () => undefined, { to: 'ben' });
          return { output: {} };
        },
      }),
    });
    expectNoCrashDamage(report);
    expect(report.reference.status).toBe('completed');
  });
});
