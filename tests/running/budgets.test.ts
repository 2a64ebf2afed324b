import type { OrchestrationProposal, ProposalBudget, Ticket, Usage } from 'planwright';
import { expect, it } from 'vitest';

import { ada, createWorld, rejectionOf, stepOf, ticket, tickets, typesOf, type World } from './support/world.js';

const cost = (costUsd: number, provenance?: Usage['provenance']): Usage => ({ costUsd, ...(provenance && { provenance }) });

/** Tickets one after the other, each of which may spend a dollar. */
const chain = (keys: readonly string[], budget: ProposalBudget, parts: Partial<Ticket> = {}): OrchestrationProposal =>
  tickets(
    keys.map((key, place) =>
      ticket(key, { dependsOn: place === 0 ? [] : [keys[place - 1]!], budget: { maxCostUsd: 1 }, ...parts }),
    ),
    { budget },
  );

/** Every answer costs as much, and comes after a second. */
const costing = (usage: Usage): World => createWorld({ script: { default: { usage, delayMs: 1_000 } } });

it('CX-22 a ceiling that is nearly used up is told of once, at 80 % where the plan says nothing else', async () => {
  const { run } = await costing(cost(0.9)).run(chain(['a', 'b', 'c'], { maxCostUsd: 5 }));
  expect(run.view().budget.warnings).toEqual([]);
  const near = await costing(cost(1)).run(chain(['a', 'b', 'c', 'd'], { maxCostUsd: 5 }));
  expect(near.run.view().budget.warnings).toEqual([{ owner: { kind: 'run' }, unit: 'USD', spent: 4, ceiling: 5, at: 4_000 }]);
  expect(typesOf(near.events).filter((type) => type === 'budget.warning')).toHaveLength(1);
  const early = await costing(cost(1)).run(chain(['a', 'b', 'c', 'd'], { maxCostUsd: 5, warnAt: 0.3 }));
  expect(early.run.view().budget.warnings).toMatchObject([{ spent: 2, at: 2_000 }]);
});

it('CX-22 steps, attempts and time are warned of like money, and so is the budget of a role', async () => {
  const { run } = await costing(cost(0.5)).run({
    ...chain(['a', 'b', 'c', 'd'], { maxSteps: 5, maxAttempts: 5, maxDurationMs: 6_000 }),
    roles: [{ key: 'worker', kind: 'existing', agentId: 'worker', budget: { maxCostUsd: 3 } }],
  });
  const { warnings } = run.view().budget;
  expect(warnings.map(({ owner, unit, at }) => [owner.kind, unit, at])).toEqual([
    ['run', 'attempts', 3_000],
    ['run', 'steps', 3_000],
    ['run', 'ms', 4_800],
    ['role', 'USD', 5_000],
  ]);
});

it('CC-12 a run that may pause waits for a person, who raises the ceiling, on record; then it goes on by itself', async () => {
  const world = costing(cost(1));
  const run = await world.start(chain(['a', 'b', 'c'], { maxCostUsd: 2.5, onExceeded: 'pause' }));
  await world.clock.advanceAsync(60_000);
  const paused = run.view();
  expect(paused).toMatchObject({ status: 'executing', paused: true, pausedFor: { reason: 'budget_exceeded' } });
  expect(paused.pausedFor?.error).toMatchObject({ code: 'BUDGET_EXCEEDED', stepId: 'c', ceiling: 2.5, spent: 2, needed: 1 });
  expect(paused.pausedFor?.error?.message).toContain('run.raiseBudget');
  await world.clock.runUntil(run.raiseBudget({ budget: { maxCostUsd: 10 }, by: ada, note: 'It is worth it.' }));
  const result = await world.end(run);
  expect(result).toMatchObject({ status: 'completed', gaps: [], usage: { costUsd: 4 } });
  const { budget } = run.view();
  expect(budget.ceilings).toEqual({ maxCostUsd: 10 });
  expect(budget.raises).toEqual([
    {
      ...{ owner: { kind: 'run' }, by: ada, note: 'It is worth it.', at: 60_000 },
      ceilings: [{ unit: 'USD', from: 2.5, to: 10 }],
    },
  ]);
});

it('HB-57 nobody raises its own budget, and what is no raise is refused with the reason', async () => {
  const world = costing(cost(1));
  const run = await world.start(chain(['a', 'b'], { maxCostUsd: 2.5, onExceeded: 'pause' }));
  const refused = (raise: Parameters<typeof run.raiseBudget>[0]) => rejectionOf(world.clock.runUntil(run.raiseBudget(raise)));
  const agent = await refused({ budget: { maxCostUsd: 9 }, by: { kind: 'agent', id: 'worker' } });
  expect(agent.code).toBe('APPROVAL_REFUSED');
  expect(await refused({ budget: { maxCostUsd: 2 }, by: ada })).toMatchObject({
    code: 'ILLEGAL_INPUT',
    message: expect.stringContaining('2 USD is not above the present 2.5') as unknown,
  });
  expect((await refused({ budget: { maxTokens: 9 }, by: ada }))['message']).toContain('no ceiling of tokens');
  expect((await refused({ budget: { maxCostUsd: 9 }, role: 'worker', by: ada }))['message']).toContain('no such budget');
  const issues = (await refused({ budget: { maxCostUsd: -1, maxSpoons: 3 } as object, by: ada }))['issues'];
  expect(issues).toMatchObject([
    { code: 'wrong-type', pointer: '/budget/maxCostUsd' },
    { code: 'unknown-key', pointer: '/budget/maxSpoons' },
  ]);
  expect(run.view().budget.raises).toEqual([]);
});

it('CC-12 what was only estimated makes a run wait for a person, and never ends it as if it were exact', async () => {
  const exact = await costing(cost(1, 'measured')).run(chain(['a', 'b', 'c'], { maxCostUsd: 2.5 }));
  expect(exact.result).toMatchObject({ status: 'failed', reason: 'budget_exceeded' });
  const world = costing(cost(1, 'estimated'));
  const run = await world.start(chain(['a', 'b', 'c'], { maxCostUsd: 2.5 }));
  await world.clock.advanceAsync(60_000);
  expect(run.view()).toMatchObject({ status: 'executing', paused: true, pausedFor: { error: { inexact: 2 } } });
  expect(run.view().pausedFor?.error?.message).toContain('2 of them only estimated');
  await world.clock.runUntil(run.raiseBudget({ budget: { maxCostUsd: 4 }, by: ada }));
  expect(await world.end(run)).toMatchObject({ status: 'completed' });
});

it('HB-45 a role whose budget only estimates have used up has its next step wait for a person, and nobody else waits', async () => {
  const start = async () => {
    const world = costing(cost(1, 'estimated'));
    const proposal = tickets(
      [ticket('a', { role: 'poor' }), ticket('b', { role: 'poor', dependsOn: ['a'] }), ticket('c', { dependsOn: ['a'] })],
      {
        roles: [
          { key: 'poor', kind: 'existing', agentId: 'worker', budget: { maxCostUsd: 1 } },
          { key: 'worker', kind: 'existing', agentId: 'worker' },
        ],
      },
    );
    const run = await world.start(proposal);
    await world.clock.advanceAsync(60_000);
    expect(stepOf(run, 'b')).toMatchObject({
      status: 'gated',
      policy: { policy: 'budget:exhausted', verdict: 'require-approval' },
    });
    expect(stepOf(run, 'c').status).toBe('succeeded');
    return { world, run };
  };
  const approved = await start();
  await approved.world.clock.runUntil(approved.run.decide('b', { approve: true, by: 'ada' }));
  expect((await approved.world.end(approved.run)).gaps).toEqual([]);
  const refused = await start();
  await refused.world.clock.runUntil(refused.run.decide('b', { approve: false, by: 'ada', note: 'No more.' }));
  expect((await refused.world.end(refused.run)).gaps).toMatchObject([{ key: 'b', reason: { code: 'GATE_REFUSED' } }]);
  const raised = await start();
  await raised.world.clock.runUntil(raised.run.raiseBudget({ budget: { maxCostUsd: 3 }, role: 'poor', by: 'ada' }));
  expect((await raised.world.end(raised.run)).gaps).toEqual([]);
});

it('CC-12 an attempt that spends more than it was allowed is charged, flagged, and stops what comes next', async () => {
  const { run, result, events } = await costing(cost(3)).run(chain(['a', 'b'], { maxCostUsd: 2.5 }));
  expect(result).toMatchObject({ status: 'failed', reason: 'budget_exceeded', usage: { costUsd: 3 } });
  expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', overrun: { attempt: 1, unit: 'USD', allowed: 1, spent: 3 } });
  expect(events.filter(({ type }) => type === 'budget.overrun')).toMatchObject([{ stepId: 'a', allowed: 1, spent: 3 }]);
  expect(stepOf(run, 'b').status).toBe('cancelled');
});

it('HB-57 attempts have a ceiling too: of the run, of a role, of a ticket', async () => {
  const failing = () => createWorld({ script: { steps: { a: { fail: 'no' } } } });
  const retry = { attempts: 5, backoffMs: 10 };
  const ofTicket = await failing().run(tickets([ticket('a', { retry, budget: { maxAttempts: 2 } }), ticket('b')]));
  expect(stepOf(ofTicket.run, 'a')).toMatchObject({ attempts: 2, status: 'failed', error: { code: 'BUDGET_EXCEEDED' } });
  expect(stepOf(ofTicket.run, 'a').error).toMatchObject({ unit: 'attempts', ceiling: 2, spent: 2, needed: 1 });
  const ofRun = await failing().run(tickets([ticket('a', { retry }), ticket('b')], { budget: { maxAttempts: 4 } }));
  expect(ofRun.result).toMatchObject({ status: 'failed', reason: 'budget_exceeded', error: { unit: 'attempts', ceiling: 4 } });
});

it('CC-12 near a ceiling, tickets of low priority are left out, and the synthesis is told of the gaps', async () => {
  const low = { priority: 'low' } as const;
  const proposal = tickets(
    [
      ticket('first'),
      ticket('needed', { ...low, dependsOn: ['first'] }),
      ticket('last', { dependsOn: ['needed'] }),
      ticket('nice', { ...low, dependsOn: ['first'] }),
      ticket('nicer', { ...low, dependsOn: ['nice'] }),
    ],
    { budget: { maxCostUsd: 4, shed: { at: 0.25 } } },
  );
  const world = createWorld({ script: { default: { usage: cost(1, 'measured') } } });
  const { run, result, events } = await world.run(proposal);
  expect(result.status).toBe('completed');
  // What something depends on that stays is not left out.
  expect(result.gaps.map(({ key, status, reason }) => [key, status, reason.code])).toEqual([
    ['nice', 'skipped', 'BUDGET_SHED'],
    ['nicer', 'skipped', 'BUDGET_SHED'],
  ]);
  expect(run.view().budget.shed).toMatchObject({ unit: 'USD', spent: 1, ceiling: 4, priorities: ['low'] });
  expect(typesOf(events).filter((type) => type === 'budget.shed')).toHaveLength(1);
  const synthesis = world.worker.calls.find(({ request }) => request.stepId === 'synthesis');
  expect(synthesis?.request.gaps).toMatchObject([{ key: 'nice' }, { key: 'nicer' }]);
});

it('a run whose time is up fails, or waits for a person where its budget says so', async () => {
  const budget = { maxDurationMs: 2_500 };
  const hard = await costing(cost(0)).run(chain(['a', 'b', 'c'], budget));
  expect(hard.result).toMatchObject({ status: 'failed', reason: 'deadline_exceeded' });
  const world = costing(cost(0));
  const run = await world.start(chain(['a', 'b', 'c'], { ...budget, onExceeded: 'pause' }));
  await world.clock.advanceAsync(60_000);
  expect(run.view()).toMatchObject({ paused: true, pausedFor: { reason: 'deadline_exceeded' } });
  await world.clock.runUntil(run.resume());
  expect(run.view().paused).toBe(true);
  await world.clock.runUntil(run.raiseBudget({ budget: { maxDurationMs: 120_000 }, by: 'ada' }));
  expect((await world.end(run)).status).toBe('completed');
});

it('CC-12 what was raised stays raised under another plan with the same budget, and gives way to another budget', async () => {
  const replanned = async (budget: ProposalBudget) => {
    const world = costing(cost(1));
    const run = await world.start(chain(['a', 'b'], { maxCostUsd: 3, onExceeded: 'pause' }));
    await world.clock.runUntil(run.raiseBudget({ budget: { maxCostUsd: 10 }, by: ada }));
    await world.clock.advanceAsync(500);
    const next = chain(['a', 'b', 'c'], budget);
    const second = await world.clock.runUntil(
      world.orchestrator.revise(
        run.runId,
        { ...next, tickets: next.tickets.map((one) => ({ ...one, budget: {} })) },
        { baseRevision: 1 },
      ),
    );
    await world.approve(second);
    await world.clock.advanceAsync(60_000);
    return run.view();
  };
  // Three tickets and a synthesis come to four dollars.
  expect(await replanned({ maxCostUsd: 3, onExceeded: 'pause' })).toMatchObject({ status: 'completed', usage: { costUsd: 4 } });
  expect(await replanned({ maxCostUsd: 2.5, onExceeded: 'pause' })).toMatchObject({
    paused: true,
    pausedFor: { reason: 'budget_exceeded', error: { ceiling: 2.5 } },
  });
});
