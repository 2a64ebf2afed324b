import { analyzePlan, parseProposal, planProposal } from 'planwright';
import type { OrchestrationProposal, Role } from 'planwright';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, recorder, role, supervised, wait } from './support/team.js';
import { createWorld, eventsOf, stepOf, ticket, tickets } from './support/world.js';

const yes = { approve: true, by: 'ada' } as const;
const careful: Partial<Role> = { autonomy: 'act-with-approval' };
const observer: Partial<Role> = { autonomy: 'observe-only' };

const planOf = (proposal: OrchestrationProposal) => {
  const parsed = parseProposal(proposal);
  const planned = parsed.ok ? planProposal(parsed.value) : parsed;
  if (planned.ok) return planned.value;
  throw new Error(JSON.stringify(planned.error));
};
const led = (lead: Partial<Role>, ...workers: readonly Role[]): OrchestrationProposal => {
  const proposal = supervised(workers);
  return { ...proposal, roles: proposal.roles.map((one) => (one.key === 'lead' ? ({ ...one, ...lead } as Role) : one)) };
};

describe('CX-21 how far a role may go by itself', () => {
  it.each([
    ['observe-only', 'act-with-approval'],
    ['observe-only', undefined],
    ['act-with-approval', 'act-freely'],
  ] as const)('a delegator that is %s cannot delegate to one that is %s, and is told', async (own, its) => {
    const lead = decider(delegate(['coder']), finish());
    const coder = recorder();
    const world = createWorld({ agents: { lead: lead.agent, coder: coder.agent, clerk: recorder().agent } });
    const { run, result } = await world.run(led({ autonomy: own }, role('coder', its && { autonomy: its })));
    expect([result.status, coder.asked.length]).toEqual(['completed', 0]);
    expect(lead.asked[1]?.reports).toMatchObject([
      { outcome: 'refused', role: 'coder', output: { code: 'AUTONOMY_EXCEEDED', autonomy: its ?? 'act-freely', limit: own } },
    ]);
    expect(run.view().steps.flatMap(({ refusals = [] }) => refusals)).toMatchObject([{ code: 'AUTONOMY_EXCEEDED' }]);
  });

  it('is told to the delegator with the team, and equals may delegate to each other', async () => {
    const lead = decider(delegate(['coder']), finish());
    const coder = recorder();
    const world = createWorld({ agents: { lead: lead.agent, coder: coder.agent, clerk: recorder().agent } });
    await world.run(led(observer, role('coder', observer)));
    expect(lead.asked[0]?.board['roles']).toEqual([{ role: 'coder', autonomy: 'observe-only' }]);
    expect(coder.asked).toHaveLength(1);
  });

  it('a peer cannot hand off to one that may go farther', async () => {
    const peer = decider({ handoff: { role: 'b', task: 'Go on.' } }, finish('enough'));
    const other = recorder();
    const world = createWorld({ agents: { a: peer.agent, b: other.agent, clerk: recorder().agent } });
    const { result } = await world.run(
      tickets([ticket('goal', { role: 'a', effect: 'none' })], {
        roles: [role('a', careful), role('b'), role('clerk')],
        synthesis: { role: 'clerk', instructions: 'Put it together.', outputSchema: true },
        topology: { kind: 'network', entry: 'a', peers: ['a', 'b'], handoffs: [['a', 'b']] },
      }),
    );
    expect([result.status, other.asked.length]).toEqual(['completed', 0]);
    expect(JSON.stringify(peer.asked[1]?.reports)).toContain('AUTONOMY_EXCEEDED');
  });

  it('acts with approval: a person approves each step that has an effect, once', async () => {
    const world = createWorld();
    const retry = { attempts: 2, backoffMs: 1 };
    const both = [ticket('a', { retry }), ticket('look', { effect: 'none' })];
    const run = await world.start(
      tickets(both, {
        roles: [role('worker', careful)],
        synthesis: { role: 'worker', instructions: 'Sum it up.', outputSchema: true },
      }),
    );
    await world.clock.advanceAsync(1_000);
    expect([stepOf(run, 'a').status, stepOf(run, 'look').status]).toEqual(['gated', 'succeeded']);
    await run.decide('a', yes);
    expect((await world.end(run)).status).toBe('completed');
    const gated = (await eventsOf(run)).filter(({ type }) => type === 'step.gated');
    expect(gated).toHaveLength(1);
    expect(stepOf(run, 'a').policy).toMatchObject({ policy: 'autonomy:worker', verdict: 'require-approval' });
  });

  it('acts with approval: also in what it was delegated', async () => {
    const lead = decider(delegate(['coder']), wait, finish());
    const coder = recorder();
    const world = createWorld({ agents: { lead: lead.agent, coder: coder.agent, clerk: recorder().agent } });
    const run = await world.start(led({}, role('coder', careful)));
    await world.clock.advanceAsync(0);
    const waiting = run.view().steps.find(({ kind }) => kind === 'delegation')!;
    expect([waiting.status, coder.asked.length]).toEqual(['gated', 0]);
    await run.decide(waiting.id, yes);
    expect((await world.end(run)).status).toBe('completed');
  });

  it('gives way to a policy that is declared', async () => {
    const policies = [
      { key: 'fine', verdict: 'allow', on: { type: 'start' }, roles: ['worker'], reason: 'It is known.' },
    ] as const;
    const roles = [role('worker', careful)];
    const synthesis = { role: 'worker', instructions: 'Sum it up.', outputSchema: true } as const;
    const { run, result } = await createWorld().run(tickets(['a'], { roles, policies, synthesis }));
    expect([result.status, stepOf(run, 'a').policy?.policy]).toEqual(['completed', 'fine']);
  });

  it('observes only: a step of it that has an effect, or undoes one, is an error of analysis', () => {
    const roles = [role('worker', observer), role('writer')];
    const synthesis = { role: 'worker', instructions: 'Sum it up.', outputSchema: true } as const;
    const compensation = { role: 'worker', instructions: 'Undo it.' };
    const found = analyzePlan(
      planOf(
        tickets(['a', ticket('b', { effect: 'none' }), ticket('c', { role: 'writer', compensation })], { roles, synthesis }),
      ),
    ).filter(({ code }) => code === 'observer-with-effect');
    expect(found.map(({ severity, stepIds }) => [severity, ...stepIds])).toEqual([
      ['error', 'a'],
      ['error', 'c'],
    ]);
    // What it is handed by others is taken to have none.
    expect(analyzePlan(planOf(led(observer, role('coder', observer)))).some(({ severity }) => severity === 'error')).toBe(false);
  });

  it('moves the digest only where it is limited', () => {
    const digestOf = (parts: Partial<Role>) => planOf(led({}, role('coder', parts))).digest;
    expect(digestOf({ autonomy: 'act-freely' })).toBe(digestOf({}));
    expect(digestOf(careful)).not.toBe(digestOf({}));
  });
});
