import { createOrchestrator, type OrchestrationProposal, planProposal, type RunStore } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createSequentialIds, createVirtualClock, scriptedAgent } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, eventsOf, rejectionOf, tickets } from './support/world.js';

const planOf = (proposal: OrchestrationProposal) => {
  const planned = planProposal(proposal);
  if (!planned.ok) throw new Error(planned.error[0]?.message);
  return planned.value;
};

/** An orchestrator over a store that outlives it. */
function overStore(store: RunStore, journalLimit = 50_000) {
  const clock = createVirtualClock({ startAt: 0 });
  const worker = scriptedAgent({ default: { delayMs: 10 } }, { clock });
  const ids = createSequentialIds();
  return { clock, orchestrator: createOrchestrator({ clock, store, ids, journalLimit, agents: { worker } }) };
}

describe('who pays for a run', () => {
  it('is said by whoever proposes it, and shown in its view, its events and every listing', async () => {
    const { clock, orchestrator } = createWorld();
    const paid = await clock.runUntil(orchestrator.propose(tickets(['a']), { tenant: 'acme', author: ada }));
    const planned = await clock.runUntil(orchestrator.proposePlan(planOf(tickets(['a'])), { tenant: 'bolt' }));
    const once = await clock.runUntil(orchestrator.runOnce('worker', 'Do it.', { tenant: 'acme' }));
    const unpaid = await clock.runUntil(orchestrator.propose(tickets(['a'])));
    const shown = await orchestrator.list();
    expect(shown.map(({ runId, tenant }) => [runId, tenant])).toEqual([
      [paid.runId, 'acme'],
      [planned.runId, 'bolt'],
      [once.runId, 'acme'],
      [unpaid.runId, undefined],
    ]);
    expect(shown[3]).not.toHaveProperty('tenant');
    const run = await orchestrator.run(paid.runId);
    expect(run.view().tenant).toBe('acme');
    expect((await eventsOf(once))[0]).toMatchObject({ type: 'run.proposed', tenant: 'acme' });
    expect((await orchestrator.run(unpaid.runId)).view()).not.toHaveProperty('tenant');
  });

  it('is no matter of the plan: it moves no digest, and a proposal that names one is refused', async () => {
    const { clock, orchestrator } = createWorld();
    const paid = await clock.runUntil(orchestrator.propose(tickets(['a']), { tenant: 'acme' }));
    const unpaid = await clock.runUntil(orchestrator.propose(tickets(['a'])));
    expect(paid.digest).toBe(unpaid.digest);
    const told = await rejectionOf(orchestrator.propose({ ...tickets(['a']), tenant: 'acme' }));
    expect(told['issues']).toMatchObject([{ code: 'unknown-key' }]);
  });

  it.each([[''], [' \n'], ['\ud800'], [7], [null]])('is refused where it is %j', async (tenant) => {
    const { orchestrator } = createWorld();
    const given = { tenant: tenant as string };
    for (const refused of [
      orchestrator.propose(tickets(['a']), given),
      orchestrator.proposePlan(planOf(tickets(['a'])), given),
      orchestrator.runOnce('worker', 'Do it.', given),
    ])
      expect(await rejectionOf(refused)).toMatchObject({ code: 'PROPOSAL_REJECTED', issues: [{ pointer: '/tenant' }] });
    expect(await orchestrator.list()).toEqual([]);
  });

  it.each([50_000, 8])('stays with it when another process takes it up, with a journal of at most %d entries', async (limit) => {
    const store = createMemoryStore();
    const first = overStore(store, limit);
    const tenant = '株式会社 <acme>';
    const proposal = tickets(Array.from({ length: 4 }, (_, nth) => `t${nth}`));
    const { runId, revision, digest } = await first.clock.runUntil(first.orchestrator.propose(proposal, { tenant }));
    await first.clock.runUntil(first.orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
    await first.clock.runUntil(first.orchestrator.close());
    const second = overStore(store, limit);
    const [run] = await second.clock.runUntil(second.orchestrator.recover());
    await second.clock.runUntil(run!.result());
    expect(run!.view()).toMatchObject({ status: 'completed', tenant });
    expect(await second.orchestrator.list()).toMatchObject([{ runId, tenant }]);
    const third = overStore(store, limit);
    expect((await third.orchestrator.run(runId)).view().tenant).toBe(tenant);
  });
});

it('HB-41 tenants take turns, however many runs each of them has', async () => {
  const clock = createVirtualClock({ startAt: 0 });
  const worker = scriptedAgent({ default: { delayMs: 10 } }, { clock });
  const orchestrator = createOrchestrator({ clock, ids: createSequentialIds(), agents: { worker }, concurrency: 4 });
  const start = async (count: number, tenant: string) => {
    const proposal = tickets(Array.from({ length: count }, (_, nth) => `t${nth}`));
    const { runId, revision, digest } = await orchestrator.propose(proposal, { tenant });
    return orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  };
  const many = await clock.runUntil(Promise.all(Array.from({ length: 40 }, () => start(20, 'acme'))));
  const few = await clock.runUntil(start(8, 'bolt'));
  await clock.runUntil(few.result());
  // Half of the places are for it: 8 tickets by two, and its synthesis, each after a wait of at most one turn.
  expect(clock.now()).toBeLessThanOrEqual(70);
  expect(many.filter((run) => run.view().status === 'completed')).toEqual([]);
  await clock.runUntil(Promise.all(many.map((run) => run.result())));
});
