import type { AgentFunction, RunView, Usage } from 'planwright';
import { proposalOf } from 'planwright/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createWorld, eventsOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

const spend = (costUsd: number, inputTokens = 0, outputTokens = 0): Usage => ({ costUsd, inputTokens, outputTokens });

/** Two roles, one failed attempt, one failed ticket. */
async function costlyRun() {
  const { run } = createWorld({
    script: {
      steps: {
        a: [
          { fail: 'no', usage: spend(0.1, 10, 1), delayMs: 100 },
          { usage: spend(0.2, 20, 2), delayMs: 200 },
        ],
        b: { fail: 'no', usage: spend(0.4, 40, 4), delayMs: 50 },
        synthesis: { usage: spend(0.8, 80, 8), delayMs: 10 },
      },
    },
  });
  return run(
    tickets([ticket('a', { retry: { attempts: 2, backoffMs: 1_000 } }), ticket('b', { role: 'other' })], {
      roles: ['worker', 'other'].map((key) => ({ key, kind: 'existing', agentId: 'worker' }) as const),
    }),
  );
}

it('CC-23 CR-16 what a run cost is the sum of all attempts, failed ones too, per step, role and run', async () => {
  const { run, result } = await costlyRun();
  expect(result.usage.costUsd).toBe(1.5);
  const { steps, usage, usageByRole } = run.view();
  expect(usage).toEqual(result.usage);
  expect(steps.map(({ id, usage: { costUsd } }) => [id, costUsd])).toEqual([
    ['a', 0.3],
    ['b', 0.4],
    ['synthesis', 0.8],
  ]);
  expect(
    Object.entries(usageByRole)
      .map(([role, { costUsd }]) => [role, costUsd])
      .sort(),
  ).toEqual([
    ['other', 0.4],
    ['worker', 1.1],
  ]);
});

it('CC-24 the same for tokens', async () => {
  const { run, result } = await costlyRun();
  expect(result.usage).toMatchObject({ inputTokens: 150, outputTokens: 15, tokens: 165, provenance: 'provider-reported' });
  expect(run.view().steps.map(({ id, usage: { tokens } }) => [id, tokens])).toEqual([
    ['a', 33],
    ['b', 44],
    ['synthesis', 88],
  ]);
});

it('CC-25 HB-29 one call gives steps, states, attempts, timings, cost, outputs and errors, as plain data', async () => {
  const { run } = await costlyRun();
  const view = run.view();
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  expect(view).toMatchObject({ runId: run.runId, status: 'completed', goal: 'Do 2 tickets', startedAt: 0, endedAt: 1_310 });
  expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', attempts: 2, output: { did: 'a' }, agentId: 'worker', wave: 0 });
  expect(stepOf(run, 'b')).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'scripted', message: 'no' } });
  (view.steps as unknown[]).pop();
  expect(run.view().steps).toHaveLength(3);
});

it('CR-15 every step has its times on one clock, and active time leaves pauses between attempts out', async () => {
  const { run } = await costlyRun();
  expect(stepOf(run, 'a')).toMatchObject({ queuedAt: 0, startedAt: 0, endedAt: 1_300, activeMs: 300 });
  expect(stepOf(run, 'b')).toMatchObject({ queuedAt: 0, startedAt: 0, endedAt: 50, activeMs: 50 });
  expect(stepOf(run, 'synthesis')).toMatchObject({ queuedAt: 1_300, startedAt: 1_300, endedAt: 1_310, activeMs: 10 });
});

it('CR-15 time in the queue and time in a pause are not active time', async () => {
  const { start, clock, end } = createWorld({ concurrency: 1, script: { default: { delayMs: 1_000 } } });
  const run = await start(tickets(['a', 'b']));
  await clock.advanceAsync(1_500);
  await clock.runUntil(run.pause());
  await clock.advanceAsync(10_000);
  await clock.runUntil(run.resume());
  await end(run);
  expect(stepOf(run, 'b')).toMatchObject({ queuedAt: 0, startedAt: 1_000, endedAt: 2_000, activeMs: 1_000 });
  expect(stepOf(run, 'synthesis')).toMatchObject({ queuedAt: 2_000, startedAt: 11_500, endedAt: 12_500, activeMs: 1_000 });
});

it('FO-17 each task row has agent, wave, status, attempts and error', async () => {
  const { run } = createWorld({ script: { steps: { a: { fail: 'no' } } } });
  const { run: handle } = await run(tickets([ticket('a'), ticket('b'), ticket('c', { dependsOn: ['b'] })]));
  const row = ({ id, agentId, wave, status, attempts, error }: RunView['steps'][number]) => [
    id,
    agentId,
    wave,
    status,
    attempts,
    error?.message,
  ];
  expect(handle.view().steps.map(row)).toEqual([
    ['a', 'worker', 0, 'failed', 1, 'no'],
    ['b', 'worker', 0, 'succeeded', 1, undefined],
    ['c', 'worker', 1, 'succeeded', 1, undefined],
    ['synthesis', 'worker', 2, 'succeeded', 1, undefined],
  ]);
});

it('CC-12 CC-38 no step starts once the ceiling would be passed: the run fails with budget_exceeded', async () => {
  const { run, worker } = createWorld({ script: { default: { usage: spend(0.5) } } });
  const chain = ['a', 'b', 'c', 'd'].map((key, place, keys) =>
    ticket(key, { dependsOn: place === 0 ? [] : [keys[place - 1]!], budget: { maxCostUsd: 0.5 } }),
  );
  const { result, events } = await run(tickets(chain, { budget: { maxCostUsd: 1.2 } }));
  expect(result).toMatchObject({ status: 'failed', reason: 'budget_exceeded', usage: { costUsd: 1 } });
  expect(worker.calls.map(({ request }) => request.stepId)).toEqual(['a', 'b']);
  const stops = events.findIndex(({ type }) => type === 'run.stopping');
  expect(events.slice(stops).map(({ type }) => type)).not.toContain('step.started');
  expect(result.error).toMatchObject({ code: 'BUDGET_EXCEEDED', stepId: 'c', ceiling: 1.2, spent: 1, needed: 0.5 });
});

it('CC-12 CC-38 spent and reserved together never pass the ceiling while agents keep to their allowance', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), delayMs: fc.nat({ max: 50 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 100, max: 2_000_000 }),
      async (fates, ceiling) => {
        let spent = 0;
        let open = 0;
        let most = 0;
        const world = createWorld({ agents: { spender: (...call) => spendSome(...call) } });
        const spendSome: AgentFunction = async ({ stepId, allowance }) => {
          const { share, delayMs } = fates[Number(stepId.slice(1)) % fates.length] ?? fates[0]!;
          const allowed = Math.round(allowance.costUsd! * 1_000_000);
          open += allowed;
          most = Math.max(most, open + spent);
          await world.clock.sleep(delayMs);
          open -= allowed;
          spent += Math.floor(allowed * share);
          return { output: {}, usage: { costUsd: Math.floor(allowed * share) / 1_000_000 } };
        };
        const { result } = await world.run(
          proposalOf(
            fates.map((_, n) => ticket(`t${n}`)),
            {
              roles: [{ key: 'worker', kind: 'existing', agentId: 'spender' }],
              budget: { maxCostUsd: ceiling / 1_000_000 },
            },
          ),
        );
        expect(most).toBeGreaterThan(0);
        expect(most).toBeLessThanOrEqual(ceiling);
        expect(Math.round(result.usage.costUsd * 1_000_000)).toBe(spent);
        if (result.status === 'failed') expect(result.reason).toBe('budget_exceeded');
      },
    ),
    { numRuns: 40 },
  );
});

it('CC-12 an agent that spends more than its allowance is charged, and nothing more starts', async () => {
  const { run, worker } = createWorld({ script: { steps: { a: { usage: spend(5) } } } });
  const { result } = await run(tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })], { budget: { maxCostUsd: 1 } }));
  expect(result).toMatchObject({ status: 'failed', reason: 'budget_exceeded', usage: { costUsd: 5 } });
  expect(worker.calls).toHaveLength(1);
});

it('CC-12 the other ceilings hold as well: tokens and steps', async () => {
  const chain = [ticket('a'), ticket('b', { dependsOn: ['a'] })];
  const tokens = await createWorld({ script: { default: { usage: spend(0, 60, 40) } } }).run(
    tickets(chain, { budget: { maxTokens: 100 } }),
  );
  expect(tokens.result).toMatchObject({ status: 'failed', reason: 'budget_exceeded', error: { unit: 'tokens' } });
  const world = createWorld();
  const proposed = await world.propose(tickets(chain, { budget: { maxSteps: 2 } }));
  expect(proposed.diagnostics.map(({ code }) => code)).toContain('max-steps-below-plan');
});

it('a run that may pause for money goes on when a person says so, and pauses again', async () => {
  const { start, clock, worker } = createWorld({ script: { default: { usage: spend(1) } } });
  const run = await start(
    tickets([ticket('a'), ticket('b', { dependsOn: ['a'] })], { budget: { maxCostUsd: 1, onExceeded: 'pause' } }),
  );
  await clock.advanceAsync(1_000);
  expect(run.view()).toMatchObject({ status: 'executing', paused: true });
  await clock.runUntil(run.resume());
  await clock.advanceAsync(1_000);
  expect(run.view().paused).toBe(true);
  expect(worker.calls).toHaveLength(1);
  await clock.runUntil(run.cancel());
  expect(typesOf(await eventsOf(run)).filter((type) => type === 'run.paused')).toHaveLength(2);
});

it.each([
  ['a negative cost', { costUsd: -5, inputTokens: 10 }, 0, 10],
  ['a cost that is no number', { costUsd: Number.NaN, inputTokens: 10 }, 0, 10],
  ['an endless cost', { costUsd: Infinity, inputTokens: 10 }, 0, 10],
  ['a cost beyond any budget', { costUsd: 1e300 }, 0, 0],
  ['a text', { costUsd: '5' }, 0, 0],
  ['negative tokens', { inputTokens: -1_000, outputTokens: 5, costUsd: 0.1 }, 0.1, 5],
  ['no object', 'a lot', 0, 0],
])('a report of %s mints no budget, and is marked as unknown', async (_, usage, costUsd, tokens) => {
  const { run } = createWorld({ agents: { worker: async () => ({ output: {}, usage: usage as Usage }) } });
  const { result } = await run(tickets(['a'], { budget: { maxCostUsd: 10, maxTokens: 1_000 } }));
  expect(result.status).toBe('completed');
  expect(result.usage).toMatchObject({ costUsd: costUsd * 2, tokens: tokens * 2, provenance: 'unknown' });
});
