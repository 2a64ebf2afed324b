import { createOrchestrator, type OrchestratorOptions, type Run } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada, rejectionOf, tickets } from './support/world.js';

/** An orchestrator whose agent takes 10 ms for anything. */
function house(options: Partial<OrchestratorOptions>) {
  const clock = createVirtualClock({ startAt: 0 });
  const begun: string[] = [];
  const worker = async ({ stepId, runId }: { readonly stepId: string; readonly runId: string }) => {
    if (stepId === 'a') begun.push(runId);
    await clock.sleep(10);
    return { output: {} };
  };
  const orchestrator = createOrchestrator({ clock, ids: createSequentialIds(), agents: { worker }, ...options });
  const propose = (tenant?: string) => orchestrator.propose(tickets(['a']), tenant === undefined ? {} : { tenant });
  const approve = async (proposed: Awaited<ReturnType<typeof propose>>): Promise<Run> => {
    const { runId, revision, digest } = proposed;
    return orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  };
  const start = async (tenant?: string) => approve(await propose(tenant));
  const end = (run: Promise<Run>) => clock.runUntil(run.then((one) => one.result()));
  return { clock, orchestrator, begun, propose, approve, start, end };
}

describe('approval when as many runs are under way as may be', () => {
  it('HB-40 waits for its turn, with nothing of it on record, and then starts', async () => {
    const { clock, orchestrator, propose, approve, start, end } = house({ maxRuns: 2 });
    const first = [start(), start()];
    await clock.advanceAsync(1);
    const third = await propose();
    const waiting = approve(third);
    await clock.advanceAsync(1);
    expect(await orchestrator.tenant()).toMatchObject({ runs: 2, waiting: 1 });
    expect((await orchestrator.run(third.runId)).view().status).toBe('proposed');
    for (const run of [...first, waiting]) expect((await end(run)).status).toBe('completed');
    expect(clock.now()).toBe(40);
    expect(await orchestrator.tenant()).toMatchObject({ runs: 0, waiting: 0 });
  });

  it('HB-40 of a run that waits already is the same approval', async () => {
    const { clock, propose, approve, start, end, begun } = house({ maxRuns: 1 });
    const first = start();
    await clock.advanceAsync(1);
    const second = await propose();
    const both = [approve(second), approve(second)];
    await clock.advanceAsync(1);
    await end(first);
    for (const run of both) expect((await end(run)).status).toBe('completed');
    expect(begun).toEqual(['run-0001', 'run-0002']);
  });

  it('HB-40 is refused where it is not to wait, with the figures, and can be given again', async () => {
    const { clock, orchestrator, propose, approve, start, end } = house({ maxRuns: 1, whenFull: 'refuse' });
    const first = start('acme');
    await clock.advanceAsync(1);
    const second = await propose('bolt');
    const told = await rejectionOf(clock.runUntil(approve(second)));
    expect(told).toMatchObject({ code: 'ORCHESTRATOR_BUSY', tenant: 'bolt', limit: 1, running: 1 });
    expect(told['message']).toContain('1 runs are under way of 1 that may be (maxRuns)');
    const { status } = (await orchestrator.run(second.runId)).view();
    expect(status).toBe('proposed');
    await end(first);
    expect((await end(approve(second))).status).toBe('completed');
  });

  it('HB-40 is refused when too many wait, or it has waited too long', async () => {
    const { clock, start, end } = house({ maxRuns: 1, maxQueuedRuns: 1, maxRunWaitMs: 15 });
    const first = start();
    await clock.advanceAsync(1);
    const second = start().catch((error: unknown) => error);
    await clock.advanceAsync(1);
    expect(await rejectionOf(clock.runUntil(start()))).toMatchObject({ code: 'ORCHESTRATOR_BUSY', waiting: 1 });
    await clock.advanceAsync(14);
    expect(await second).toMatchObject({ code: 'ORCHESTRATOR_BUSY', waitedMs: 15 });
    expect((await end(first)).status).toBe('completed');
  });

  it('HB-40 goes by turns of tenants, and within one by who came first', async () => {
    const { clock, start, begun, end } = house({ maxRuns: 1 });
    const runs: Promise<Run>[] = [];
    for (const tenant of ['acme', 'acme', 'acme', 'acme', 'bolt', undefined]) {
      runs.push(start(tenant));
      await clock.advanceAsync(0);
    }
    for (const run of runs) await end(run);
    expect(begun).toEqual(['run-0001', 'run-0002', 'run-0005', 'run-0006', 'run-0003', 'run-0004']);
  });

  it('HB-40 holds a tenant to its own limit, and lets others pass', async () => {
    const { clock, start, begun, end } = house({ tenants: { acme: { maxRuns: 1 } } });
    const runs = [start('acme'), start('acme'), start('bolt')];
    await clock.advanceAsync(1);
    expect(begun).toEqual(['run-0001', 'run-0003']);
    for (const run of runs) expect((await end(run)).status).toBe('completed');
    const busy = house({ tenants: { acme: { maxRuns: 1 } }, whenFull: 'refuse' });
    const first = busy.start('acme');
    await busy.clock.advanceAsync(1);
    const told = await rejectionOf(busy.clock.runUntil(busy.start('acme')));
    expect(told['message']).toContain('1 runs are under way of 1 that may be (tenants["acme"].maxRuns)');
    await busy.end(first);
  });

  it('HB-40 ends with the orchestrator', async () => {
    const { clock, orchestrator, start } = house({ maxRuns: 1 });
    const first = start();
    await clock.advanceAsync(1);
    const waiting = rejectionOf(start());
    await clock.advanceAsync(1);
    await clock.runUntil(orchestrator.close());
    expect(await waiting).toMatchObject({ code: 'ORCHESTRATOR_CLOSED' });
    await first;
  });

  it('HB-40 of a plan that was revised meanwhile is refused, and gives its place to the next', async () => {
    const { clock, orchestrator, propose, approve, start, end } = house({ maxRuns: 1 });
    const first = start();
    await clock.advanceAsync(1);
    const second = await propose();
    const stale = rejectionOf(approve(second));
    await clock.advanceAsync(1);
    await clock.runUntil(orchestrator.revise(second.runId, tickets(['a', 'b']), { baseRevision: 1 }));
    const third = start();
    await end(first);
    expect(await clock.runUntil(stale)).toMatchObject({ code: 'APPROVAL_REFUSED' });
    expect((await end(third)).status).toBe('completed');
  });

  it('HB-40 of one task waits too', async () => {
    const { clock, orchestrator, start } = house({ maxRuns: 1 });
    await clock.runUntil(start());
    const once = await clock.runUntil(orchestrator.runOnce('worker', 'Do it.'));
    expect(once.status).toBe('completed');
    expect(clock.now()).toBe(30);
  });
});

it('HB-40 counts runs that it takes up, but refuses none of them', async () => {
  const store = createMemoryStore();
  const first = house({ store });
  const runs = [first.start(), first.start(), first.start()];
  await first.clock.advanceAsync(1);
  await first.clock.runUntil(first.orchestrator.close());
  for (const run of runs) (await run).result().catch(() => undefined);
  const second = house({ store, maxRuns: 2, ids: createSequentialIds({ prefix: 'later' }) });
  const taken = await second.clock.runUntil(second.orchestrator.recover());
  expect(taken).toHaveLength(3);
  const next = second.start();
  await second.clock.advanceAsync(5);
  expect(await second.orchestrator.tenant()).toMatchObject({ runs: 3, waiting: 1 });
  for (const run of taken) expect((await second.clock.runUntil(run.result())).status).toBe('completed');
  expect((await second.end(next)).status).toBe('completed');
});
