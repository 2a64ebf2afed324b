import { type AgentFunction, type AgentResult, AgentError, type OrchestrationProposal, type Role } from 'planwright';
import { createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, createWorld, eventsOf, stepOf, ticket, tickets, typesOf } from './support/world.js';

type Clock = ReturnType<typeof createVirtualClock>;
/** What a worker does that is no good to its siblings. */
type Mischief = (clock: Clock) => AgentFunction;

const roles: readonly Role[] = ['bad', 'good', 'fair', 'clerk'].map((key) => ({
  key,
  kind: 'existing',
  agentId: key,
  budget: { maxCostUsd: 1, maxTokens: 10_000 },
}));

/** One ticket for a worker that may misbehave, and five for siblings that share nothing with it but the process, the run and its budget. */
const proposal: OrchestrationProposal = tickets(
  [
    ticket('bad', { role: 'bad', timeoutMs: 60_000, retry: { attempts: 3, backoffMs: 10 }, priority: 'high' }),
    ...['g1', 'g2', 'g3'].map((key) => ticket(key, { role: 'good', budget: { maxCostUsd: 0.25 } })),
    ticket('f1', { role: 'fair', dependsOn: ['g1'] }),
    ticket('f2', { role: 'fair', dependsOn: ['g2', 'g3'] }),
  ],
  {
    roles,
    budget: { maxCostUsd: 5, maxTokens: 50_000 },
    synthesis: { role: 'clerk', instructions: 'Sum up.', outputSchema: { type: 'object' } },
  },
);

const siblings = ['g1', 'g2', 'g3', 'f1', 'f2'];
const costs: Readonly<Record<string, number>> = { g1: 0.1, g2: 0.2, g3: 0.25, f1: 0.5, f2: 0.4 };

/** Runs the plan with a worker that does so. Siblings take their time, and note what they were allowed. */
async function play(mischief: Mischief, plan = proposal) {
  const clock = createVirtualClock({ startAt: 0 });
  const allowances: Record<string, unknown> = {};
  const sibling: AgentFunction = async ({ stepId, allowance }) => {
    allowances[stepId] = allowance;
    await clock.sleep(100 + 7 * siblings.indexOf(stepId));
    return { output: { did: stepId }, usage: { costUsd: costs[stepId] ?? 0, inputTokens: 10 } };
  };
  const world = createWorld({
    clock,
    graceMs: 50,
    agents: { bad: mischief(clock), good: sibling, fair: sibling, clerk: sibling },
  });
  const startedAt = performance.now();
  const run = await world.start(plan);
  await clock.advanceAsync(3_600_000);
  // What an attempt that never ended has spent is only estimated, so a person is asked whether its role may go on.
  if (stepOf(run, 'bad').status === 'gated') await clock.runUntil(run.decide('bad', { approve: false, by: ada }));
  const result = await world.end(run);
  const events = await eventsOf(run);
  const tookMs = performance.now() - startedAt;
  const { steps, usageByRole } = run.view();
  const ends = Object.fromEntries(
    steps.flatMap(({ id, endedAt, status }) => (siblings.includes(id) ? [[id, [status, endedAt]]] : [])),
  );
  const spent = Object.fromEntries(steps.flatMap(({ id, usage }) => (siblings.includes(id) ? [[id, usage.costUsd]] : [])));
  return { run, result, events, ends, spent, allowances, usageByRole, tookMs };
}

const well: Mischief = () => async () => ({ output: { did: 'bad' }, usage: { costUsd: 0.3 } });
const flood: Mischief =
  () =>
  async (_, { progress }) => {
    for (let line = 0; line < 100_000; line += 1) progress(`Line ${line} of very many.`);
    return { output: {} };
  };
const beating: Mischief =
  () =>
  async (_, { heartbeat }) => {
    for (let beat = 0; beat < 1_000_000; beat += 1) heartbeat({ beat });
    return { output: {} };
  };

const mischiefs: readonly (readonly [string, Mischief])[] = [
  ['hangs', () => () => new Promise(() => undefined)],
  [
    'throws synchronously',
    () => () => {
      throw new Error('At once.');
    },
  ],
  [
    'keeps failing',
    (clock) => async () => {
      await clock.sleep(5);
      throw new Error('Never.');
    },
  ],
  ['floods progress', flood],
  ['floods heartbeats', beating],
  ['returns 50 MB', () => async () => ({ output: { text: 'x'.repeat(50_000_000) } })],
  ['burns all that its role has, and more', () => async () => ({ output: {}, usage: { costUsd: 1.5, inputTokens: 9_000 } })],
  [
    'fails, and burns more each time',
    () => async () => {
      throw new AgentError('No.', { usage: { costUsd: 0.8 } });
    },
  ],
  [
    'is turned away for ever',
    () => async () => {
      throw new AgentError('Later.', { class: 'throttled', retryAfterMs: 3_000 });
    },
  ],
  [
    'is not to be had',
    () => async () => {
      throw Object.assign(new Error('No.'), { status: 503 });
    },
  ],
  ['returns nonsense', () => async () => 'nonsense' as unknown as AgentResult],
  [
    'aborts late',
    (clock) => async () => {
      await clock.sleep(200_000);
      return { output: {} };
    },
  ],
];

describe.each(mischiefs)('a worker that %s', (name, mischief) => {
  it("HB-42 HB-43 HB-45 delays no sibling, spends no sibling's slice, and leaves theirs as it was", async () => {
    const before = await play(well);
    const { result, ends, spent, allowances, usageByRole } = await play(mischief);
    expect(ends).toEqual(before.ends);
    expect(spent).toEqual(before.spent);
    expect(Object.values(ends).map(([status]) => status)).toEqual(siblings.map(() => 'succeeded'));
    // What a role or a ticket may spend is its own; what no ceiling of theirs binds would be shared.
    expect(allowances).toEqual(before.allowances);
    for (const role of ['good', 'fair']) expect(usageByRole[role]).toEqual(before.usageByRole[role]);
    expect(result.status, name).toBe('completed');
  });
});

it('HB-45 exceeding the slice of a role stops that role, and no other', async () => {
  const plan: OrchestrationProposal = {
    ...proposal,
    tickets: [...proposal.tickets, ...['bad2', 'bad3'].map((key) => ticket(key, { role: 'bad', dependsOn: ['bad'] }))],
  };
  const burning: Mischief =
    () =>
    async ({ allowance }) => ({ output: {}, usage: { costUsd: (allowance.costUsd ?? 0) + 1 } });
  const { run, result, ends } = await play(burning, plan);
  expect(ends).toEqual((await play(well, plan)).ends);
  expect(result.status).toBe('completed');
  expect(stepOf(run, 'bad').status).toBe('succeeded');
  for (const id of ['bad2', 'bad3'])
    expect(stepOf(run, id)).toMatchObject({
      status: 'failed',
      error: { code: 'BUDGET_EXCEEDED', message: expect.stringContaining('role "bad"') as unknown },
    });
});

it('HB-42 a flood of progress leaves a hundred lines of each attempt in the journal, and heartbeats none', async () => {
  const flooded = await play(flood);
  expect(typesOf(flooded.events).filter((type) => type === 'step.progress')).toHaveLength(100);
  const beaten = await play(beating);
  expect(beaten.events.length).toBe((await play(well)).events.length);
});

it('HB-42 floods and 50 MB cost a moment of the process, in real time too', async () => {
  const big: Mischief = () => async () => ({ output: { text: 'x'.repeat(50_000_000) } });
  const parts: Mischief = () => async () => ({
    output: Array.from({ length: 500_000 }, (_, nth) => ({ nth, text: 'x'.repeat(80) })),
  });
  // The figures are generous: on a machine at rest each is well under a tenth of its limit.
  for (const [mischief, mostMs] of [
    [flood, 5_000],
    [beating, 5_000],
    [big, 20_000],
    [parts, 60_000],
  ] as const)
    expect((await play(mischief)).tookMs).toBeLessThan(mostMs);
});
