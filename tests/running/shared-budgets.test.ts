import {
  AgentError,
  type AgentContext,
  type AgentRequest,
  createOrchestrator,
  type OrchestratorOptions,
  type Run,
  type RunStore,
} from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, eventsOf, rejectionOf, stepOf, ticket, tickets } from './support/world.js';

type Answer = (request: AgentRequest, context: AgentContext) => unknown;

/** An orchestrator in which one agent answers everything, and starts are one word. */
function house({ answer, ...options }: Partial<OrchestratorOptions> & { readonly answer: Answer }) {
  const clock = createVirtualClock({ startAt: 0 });
  const asked: AgentRequest[] = [];
  const worker = async (request: AgentRequest, context: AgentContext) => {
    asked.push(request);
    return (await answer(request, { ...context })) as { readonly output: null };
  };
  const orchestrator = createOrchestrator({ clock, ids: createSequentialIds(), agents: { worker }, ...options });
  const start = async (keys: Parameters<typeof tickets>[0], tenant?: string, parts: Parameters<typeof tickets>[1] = {}) => {
    const given = tenant === undefined ? {} : { tenant };
    const { runId, revision, digest } = await clock.runUntil(orchestrator.propose(tickets(keys, parts), given));
    return clock.runUntil(orchestrator.approve(runId, { revision, digest, approvedBy: ada }));
  };
  const end = (run: Run) => clock.runUntil(run.result());
  const figures = async (tenant?: string) => (await clock.runUntil(orchestrator.tenant(tenant))).budget!;
  return { clock, orchestrator, asked, start, end, figures };
}

const spending =
  (tokens: number, provenance: 'measured' | 'estimated' = 'measured'): Answer =>
  () => ({ output: {}, usage: { inputTokens: tokens, costUsd: tokens / 1_000, provenance } });

describe('a budget of a tenant', () => {
  it('CC-12 is shared by all its runs, and by nobody else', async () => {
    const { start, end, figures } = house({ answer: spending(10), tenants: { acme: { budget: { maxTokens: 1_000 } } } });
    for (const tenant of ['acme', 'acme', 'bolt', undefined]) await end(await start(['a', 'b'], tenant));
    expect(await figures('acme')).toEqual({
      ceilings: { maxTokens: 1_000 },
      spent: { costUsd: 0.06, tokens: 60, inexactCostUsd: 0, inexactTokens: 0 },
      reserved: { costUsd: 0, tokens: 0 },
      warnings: [],
      raises: [],
    });
    expect(await figures('bolt')).toBeUndefined();
  });

  it('CC-12 lowers what an attempt may spend to what is left, and to a share of it where others wait or no plan says more', async () => {
    const { asked, start, end } = house({
      answer: spending(1),
      tenants: { acme: { budget: { maxTokens: 1_000 } } },
      budget: { maxCostUsd: 10 },
    });
    await end(await start(['a'], 'acme', { budget: { maxTokens: 400 } }));
    await end(await start([ticket('own', { budget: { maxTokens: 5_000 } })], 'acme'));
    // The one ticket and its synthesis share what their run has; a tenth of what is left where nothing says more.
    expect(asked.map(({ allowance }) => allowance.tokens)).toEqual([200, 399, 998, 99]);
    expect(asked[0]?.allowance.costUsd).toBe(1);
  });

  it('CC-12 is waited for while others hold what is missing, and the wait ends with them', async () => {
    const { clock, asked, start, end, figures } = house({
      answer: async (request, { signal }) => {
        await clock.sleep(10, { signal });
        return { output: {}, usage: { inputTokens: 10, provenance: 'measured' } };
      },
      tenants: { acme: { budget: { maxTokens: 100 } } },
    });
    const greedy = await start([ticket('a', { budget: { maxTokens: 100 } })], 'acme');
    await clock.advanceAsync(1);
    expect(await figures('acme')).toMatchObject({ spent: { tokens: 0 }, reserved: { tokens: 100 } });
    const other = await start(['b'], 'acme');
    const free = await start(['c'], 'bolt');
    await clock.advanceAsync(1);
    expect(asked.map(({ stepId }) => stepId)).toEqual(['a', 'c']);
    await end(greedy);
    await end(other);
    await end(free);
    expect(asked.map(({ stepId }) => stepId)).toContain('b');
    expect(await figures('acme')).toMatchObject({ spent: { tokens: 40 }, reserved: { tokens: 0 } });
  });

  it('CC-12 that is used up pauses the run, on record, until it is raised and somebody resumes it', async () => {
    const { clock, orchestrator, start, end } = house({
      answer: spending(60),
      tenants: { acme: { budget: { maxTokens: 100 } } },
    });
    const run = await start(
      [ticket('a', { budget: { maxTokens: 60 } }), ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] })],
      'acme',
    );
    await clock.advanceAsync(1);
    expect(run.view()).toMatchObject({ status: 'executing', paused: true });
    const paused = run.events();
    for await (const event of paused) {
      if (event.type !== 'run.paused') continue;
      expect(event).toMatchObject({
        reason: 'tenant_budget_exceeded',
        error: { code: 'TENANT_BUDGET_EXCEEDED', tenant: 'acme', unit: 'tokens', ceiling: 100, spent: 120, reserved: 0 },
      });
      break;
    }
    // Nothing has changed, so it is paused again.
    await clock.runUntil(run.resume());
    await clock.advanceAsync(1);
    expect(run.view().paused).toBe(true);
    const raised = await clock.runUntil(
      orchestrator.raiseBudget({ tenant: 'acme', budget: { maxTokens: 500 }, by: ada, note: 'It is worth it.' }),
    );
    expect(raised.budget).toMatchObject({ ceilings: { maxTokens: 500 }, raises: [{ by: ada, note: 'It is worth it.' }] });
    await clock.runUntil(run.resume());
    expect(await end(run)).toMatchObject({ status: 'completed', gaps: [] });
  });

  it('CC-12 fails the step instead where it says so, with the figures, and no other tenant hears of it', async () => {
    const { start, end } = house({
      answer: spending(100),
      tenants: { acme: { budget: { maxTokens: 100, onExceeded: 'fail' } } },
    });
    const run = await start(
      [ticket('a', { budget: { maxTokens: 100 } }), ticket('b', { dependsOn: ['a'], retry: { attempts: 3 } })],
      'acme',
    );
    const { status, gaps } = await end(run);
    expect(status).toBe('failed');
    expect(gaps).toMatchObject([{ key: 'b', reason: { code: 'TENANT_BUDGET_EXCEEDED' } }]);
    const { error, attempts } = stepOf(run, 'b');
    expect(attempts).toBe(1);
    expect(error).toEqual({
      code: 'TENANT_BUDGET_EXCEEDED',
      message:
        'The budget of tenant "acme" is used up: 100 tokens of 100 tokens (maxTokens) are spent. Raise it with orchestrator.raiseBudget(), then go on.',
      ...{ tenant: 'acme', unit: 'tokens', ceiling: 100, spent: 100, reserved: 0 },
    });
    expect((await end(await start(['a'], 'bolt'))).status).toBe('completed');
  });

  it('CC-12 fails nothing for what was only estimated: it pauses', async () => {
    const { clock, start } = house({
      answer: spending(100, 'estimated'),
      tenants: { acme: { budget: { maxTokens: 100, onExceeded: 'fail' } } },
    });
    const run = await start([ticket('a', { budget: { maxTokens: 100 } }), ticket('b', { dependsOn: ['a'] })], 'acme');
    await clock.advanceAsync(1);
    expect(run.view()).toMatchObject({ status: 'executing', paused: true, gaps: [] });
  });

  it('CC-12 is warned of once, at 80 % or where it says, in the run that has got it there', async () => {
    const { start, end, figures, orchestrator, clock } = house({
      answer: spending(30),
      budget: { maxCostUsd: 1, warnAt: 0.1 },
      tenants: { acme: { budget: { maxTokens: 100 } } },
    });
    const first = await start(['a'], 'acme');
    await end(first);
    const second = await start(['a'], 'acme', { budget: { maxTokens: 40 } });
    await clock.advanceAsync(10);
    const events = [];
    for await (const event of first.events()) events.push(event);
    for await (const event of second.events({ signal: AbortSignal.timeout(20) })) events.push(event);
    const warnings = events.filter(({ type }) => type === 'run.tenant-warned');
    expect(warnings).toMatchObject([
      { runId: 'run-0002', tenant: 'acme', unit: 'tokens', ceiling: 100, spent: 90 },
      { runId: 'run-0002', tenant: null, unit: 'USD', ceiling: 1, spent: 0.12 },
    ]);
    expect((await figures('acme')).warnings).toEqual(['tokens']);
    await clock.runUntil(orchestrator.raiseBudget({ tenant: 'acme', budget: { maxTokens: 1_000 }, by: ada }));
    expect((await figures('acme')).warnings).toEqual([]);
  });

  it('CC-12 is charged what an agent spends that keeps to no allowance, and nothing begins after that', async () => {
    const { clock, asked, start, figures } = house({ answer: spending(500), tenants: { acme: { budget: { maxTokens: 100 } } } });
    await start(['a'], 'acme');
    await start(['b'], 'acme');
    await clock.advanceAsync(1);
    expect(await figures('acme')).toMatchObject({ spent: { tokens: 500 }, reserved: { tokens: 0 } });
    expect(asked.map(({ stepId }) => stepId)).toEqual(['a']);
  });

  it('CC-12 keeps nothing from being undone, and is charged for that too', async () => {
    const { start, end, figures } = house({
      answer: ({ stepId, kind }) => {
        if (stepId === 'b') throw new AgentError('No.', { retryable: false });
        return { output: {}, usage: { inputTokens: kind === 'compensation' ? 7 : 100, provenance: 'measured' } };
      },
      tenants: { acme: { budget: { maxTokens: 100 } } },
    });
    const compensation = { role: 'worker', instructions: 'Undo it.' };
    const first = ticket('a', { budget: { maxTokens: 100 }, compensation, effect: 'idempotent' });
    const run = await start([first, ticket('b', { onFailure: 'fail-run' })], 'acme');
    await end(run);
    expect(stepOf(run, 'a').status).toBe('compensated');
    expect((await figures('acme')).spent.tokens).toBe(107);
  });

  it('CC-12 takes an aborted attempt that does not end to have spent all it holds, until it does end', async () => {
    let finish: (answer: unknown) => void = () => undefined;
    const { clock, start, figures } = house({
      answer: ({ stepId }) =>
        stepId === 'a' ? new Promise((resolve) => (finish = resolve)) : { output: {}, usage: { inputTokens: 1 } },
      tenants: { acme: { budget: { maxTokens: 1_000 } } },
      graceMs: 50,
    });
    await start([ticket('a', { timeoutMs: 10, budget: { maxTokens: 100 } })], 'acme');
    await clock.advanceAsync(30);
    expect(await figures('acme')).toMatchObject({ reserved: { tokens: 100 }, spent: { tokens: 0 } });
    await clock.advanceAsync(50);
    expect(await figures('acme')).toMatchObject({ reserved: { tokens: 0 }, spent: { tokens: 100, inexactTokens: 100 } });
    finish({ output: {}, usage: { inputTokens: 30, provenance: 'measured' } });
    await clock.advanceAsync(1);
    expect(await figures('acme')).toMatchObject({ reserved: { tokens: 0 }, spent: { tokens: 30, inexactTokens: 0 } });
  });
});

describe('a shared budget over restarts', () => {
  const life = (store: RunStore, answer: Answer, options: Partial<OrchestratorOptions> = {}) =>
    house({ answer, store, tenants: { acme: { budget: { maxTokens: 100 } } }, budget: { maxTokens: 1_000 }, ...options });

  it.each([50_000, 8])(
    'CC-12 still knows what was spent, by runs that ended and by one that goes on, with a journal of %d',
    async (journalLimit) => {
      const store = createMemoryStore();
      const first = life(store, spending(10), { journalLimit });
      await first.end(await first.start(['a', 'b'], 'acme'));
      await first.end(await first.start(['a'], 'bolt'));
      const gated = ticket('late', { dependsOn: ['a'], gate: { kind: 'before', prompt: 'Go on?' } });
      const { runId } = await first.start(['a', gated], 'acme');
      await first.clock.advanceAsync(1);
      expect(await first.figures('acme')).toMatchObject({ spent: { tokens: 40 } });
      await first.clock.runUntil(first.orchestrator.close());

      const second = life(store, spending(10), { journalLimit });
      expect(await second.figures('acme')).toMatchObject({ spent: { tokens: 40 }, reserved: { tokens: 0 } });
      expect(await second.figures()).toMatchObject({ spent: { tokens: 60 } });
      const [run] = await second.clock.runUntil(second.orchestrator.recover());
      expect(await second.figures('acme')).toMatchObject({ spent: { tokens: 40 } });
      await second.clock.runUntil(run!.decide('late', { approve: true, by: ada }));
      await second.end(run!);
      expect(await second.figures('acme')).toMatchObject({ spent: { tokens: 60 } });
      const [summary] = (await second.orchestrator.list()).filter((one) => one.runId === runId);
      expect(summary?.spent).toEqual({ costMicroUsd: 30_000, tokens: 30, inexactMicroUsd: 0, inexactTokens: 0 });
    },
  );

  it('CC-12 stops at its ceiling in the next process as in the one before', async () => {
    const store = createMemoryStore();
    const first = life(store, spending(60));
    await first.end(await first.start([ticket('a', { budget: { maxTokens: 60 } })], 'bolt'));
    const run = await first.start([ticket('a', { budget: { maxTokens: 60 } })], 'acme');
    await first.clock.advanceAsync(1);
    await first.clock.runUntil(first.orchestrator.close());
    const second = life(store, spending(60), { ids: () => 'run-9' });
    const other = await second.start(['x'], 'acme');
    await second.clock.advanceAsync(1);
    expect(second.asked).toEqual([]);
    expect(other.view().paused).toBe(true);
    expect(run.view().steps.map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('leaves no trace in a store of runs that share no budget', async () => {
    const store = createMemoryStore();
    const { start, end, orchestrator } = house({ answer: spending(10), store });
    await end(await start(['a'], 'acme'));
    expect((await orchestrator.list())[0]).not.toHaveProperty('spent');
  });

  it('asks the store again where it could not be read, and drives nothing before', async () => {
    const store = createMemoryStore();
    let isDown = true;
    const flaky: RunStore = { ...store, list: (filter) => (isDown ? Promise.reject(new Error('down')) : store.list(filter)) };
    const { clock, orchestrator } = life(flaky, spending(1));
    const proposed = await clock.runUntil(orchestrator.propose(tickets(['a']), { tenant: 'acme' }));
    const { runId, revision, digest } = proposed;
    const approval = { revision, digest, approvedBy: ada };
    await expect(clock.runUntil(orchestrator.approve(runId, approval))).rejects.toThrow('down');
    isDown = false;
    const run = await clock.runUntil(orchestrator.approve(runId, approval));
    expect((await clock.runUntil(run.result())).status).toBe('completed');
  });
});

describe('raising a shared budget', () => {
  const budgets = { tenants: { acme: { budget: { maxTokens: 100 } } } };

  it.each([
    [
      'an agent',
      { tenant: 'acme', budget: { maxTokens: 200 }, by: { kind: 'agent', id: 'planner' } },
      'approver-not-allowed',
      '/by/kind',
    ],
    ['nobody', { tenant: 'acme', budget: { maxTokens: 200 }, by: { kind: 'user', id: ' ' } }, 'approver-unnamed', '/by/id'],
    ['a lower figure', { tenant: 'acme', budget: { maxTokens: 100 }, by: ada }, 'not-a-raise', '/budget/maxTokens'],
    ['no figure', { tenant: 'acme', budget: { maxTokens: NaN }, by: ada }, 'not-a-raise', '/budget/maxTokens'],
    ['nothing', { tenant: 'acme', budget: {}, by: ada }, 'not-a-raise', '/budget'],
    ['a ceiling that is not there', { tenant: 'acme', budget: { maxCostUsd: 1 }, by: ada }, 'not-a-raise', '/budget/maxCostUsd'],
    ['a tenant without one', { tenant: '__proto__', budget: { maxTokens: 200 }, by: ada }, 'no-budget', '/tenant'],
    ['all runs, which have none', { budget: { maxTokens: 200 }, by: ada }, 'no-budget', '/tenant'],
  ] as const)('CC-12 is refused for %s', async (_, given, code, pointer) => {
    const { orchestrator, figures } = house({ answer: spending(1), ...budgets });
    const told = await rejectionOf(orchestrator.raiseBudget(given));
    expect(told).toMatchObject({ code: 'BUDGET_RAISE_REFUSED', issues: [{ code, pointer }] });
    expect((await figures('acme')).ceilings).toEqual({ maxTokens: 100 });
  });

  it('CC-12 lets what waits for money go on at once', async () => {
    const { clock, orchestrator, start, end, asked } = house({
      answer: async ({ stepId }, { signal }) => {
        if (stepId === 'a') await clock.sleep(1_000, { signal });
        return { output: {} };
      },
      ...budgets,
    });
    await start([ticket('a', { budget: { maxTokens: 100 } })], 'acme');
    const other = await start(['b'], 'acme');
    await clock.advanceAsync(5);
    expect(asked.map(({ stepId }) => stepId)).toEqual(['a']);
    await clock.runUntil(orchestrator.raiseBudget({ tenant: 'acme', budget: { maxTokens: 200 }, by: ada }));
    await end(other);
    expect(clock.now()).toBeLessThan(100);
  });
});

it.each([
  [{ budget: { maxTokens: -1 } }, '/budget/maxTokens'],
  [{ budget: { maxCostUsd: NaN } }, '/budget/maxCostUsd'],
  [{ budget: { maxCost: 1 } }, '/budget/maxCost'],
  [{ tenants: { ' ': {} } }, '/tenants/ '],
  [{ tenants: { acme: { concurrency: 0 } } }, '/tenants/acme/concurrency'],
  [{ tenants: { acme: { budget: { warnAt: 80 } } } }, '/tenants/acme/budget/warnAt'],
  [{ runConcurrency: 1.5 }, '/runConcurrency'],
  [{ resources: { search: { concurrency: '3' } } }, '/resources/search/concurrency'],
  [{ resources: { search: { limit: 3 } } }, '/resources/search'],
  [{ resources: { search: { breaker: { openMs: 'long' } } } }, '/resources/search/breaker/openMs'],
  [{ breakers: { agents: { a: { failures: -2 } } } }, '/breakers/agents/a/failures'],
  [{ breakers: { default: { whenOpen: 'explode' } } }, '/breakers/default/whenOpen'],
])('refuses an orchestrator with the limits %j', (options, pointer) => {
  let told: unknown;
  try {
    createOrchestrator({ agents: {}, ...(options as object) });
  } catch (error) {
    told = error;
  }
  expect(told).toMatchObject({ code: 'OPTIONS_INVALID', issues: [{ pointer }] });
});

it('HB-41 the concurrency of a tenant holds over all its runs', async () => {
  let most = 0;
  let now = 0;
  const { clock, start, end } = house({
    answer: async ({ stepId }) => {
      if (stepId === 'synthesis') return { output: {} };
      now += 1;
      most = Math.max(most, now);
      await clock.sleep(10);
      now -= 1;
      return { output: {} };
    },
    tenants: { acme: { concurrency: 3 } },
  });
  const runs = [await start(['a', 'b', 'c'], 'acme'), await start(['a', 'b', 'c'], 'acme')];
  for (const run of runs) await end(run);
  expect(most).toBe(3);
  expect((await eventsOf(runs[0]!)).at(-1)?.type).toBe('run.completed');
});
