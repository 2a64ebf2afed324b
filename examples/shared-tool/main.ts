/**
 * Two customers share one search service that allows two calls a second, and that fails for a while: the large customer does not hold up the small one,
 * nobody calls what is broken, and nobody spends more than was agreed. Time is virtual: it takes a second and tells the same story each time.
 * Run it: npx tsx examples/shared-tool/main.ts
 */
import { createOrchestrator, type AgentFunction, type Run } from 'planwright';
import { createVirtualClock } from 'planwright/testing';

const clock = createVirtualClock({ startAt: 0 });
const tell = (text: string): void => console.log(`${(clock.now() / 1_000).toFixed(1).padStart(5)} s  ${text}`);

/** The service is down from the third second to the eighth. */
const isDown = (): boolean => clock.now() >= 3_000 && clock.now() < 8_000;
let calls = 0;

/** Asks the service, in turn with everybody else. The rest of its work takes two seconds. */
const researcher: AgentFunction = async ({ stepId }, { call, signal }) => {
  const found = await call('search', async () => {
    calls += 1;
    await clock.sleep(100, { signal });
    if (isDown()) throw new Error('503: the search service is down');
    return `what there is on ${stepId}`;
  });
  await clock.sleep(2_000, { signal });
  return { output: found, usage: { costUsd: 0.1, provenance: 'measured' } };
};
const writer: AgentFunction = async ({ runId, gaps }) => {
  return { output: `report of ${runId}, ${gaps.length} gaps`, usage: { costUsd: 0.1, provenance: 'measured' } };
};

const orchestrator = createOrchestrator({
  agents: { researcher, writer },
  clock,
  ids: (() => {
    const names = ['large', 'small'];
    return () => names.shift()!;
  })(),
  // Two calls in any second, and none for two seconds once three in a row have failed: whoever has not called yet waits.
  resources: { search: { limit: 2, intervalMs: 1_000, breaker: { failures: 3, openMs: 2_000, factor: 1, whenOpen: 'wait' } } },
  tenants: { acme: { budget: { maxCostUsd: 1.5, onExceeded: 'pause' } } },
});

/** A study of so many topics, for a customer. */
async function start(tenant: string, topics: number): Promise<Run> {
  const proposal = {
    schemaVersion: 1,
    goal: `A study for ${tenant}`,
    roles: [
      { key: 'researcher', kind: 'existing', agentId: 'researcher' },
      { key: 'writer', kind: 'existing', agentId: 'writer' },
    ],
    tickets: Array.from({ length: topics }, (_, nth) => ({
      ...{ key: `topic-${nth + 1}`, title: `Topic ${nth + 1}`, role: 'researcher', instructions: 'Find out.' },
      ...{ retry: { attempts: 5, backoffMs: 500 }, budget: { maxCostUsd: 0.1 } },
    })),
    synthesis: {
      ...{ role: 'writer', instructions: 'Write it up.', outputSchema: { type: 'string' }, budget: { maxCostUsd: 0.1 } },
    },
  };
  const { runId, revision, digest } = await orchestrator.propose(proposal, { tenant });
  return orchestrator.approve(runId, { revision, digest, approvedBy: { kind: 'user', id: 'ada' } });
}

/** Tells what happens to a run, and raises the budget of its tenant when that is used up. */
async function follow(run: Run): Promise<void> {
  for await (const event of run.events()) {
    const where = `${run.runId}:`;
    if (event.type === 'step.succeeded') tell(`${where} ${event.stepId} is done`);
    if (event.type === 'step.backing-off')
      tell(`${where} ${event.stepId} failed (${event.error.code}), again at ${event.retryAt / 1_000} s`);
    if (event.type === 'breaker.changed') tell(`the breaker of ${event.key.name} is ${event.state}`);
    if (event.type === 'run.tenant-warned')
      tell(`${where} ${event.spent} of the ${event.ceiling} ${event.unit} of acme are spent`);
    if (event.type !== 'run.paused') continue;
    tell(`${where} paused. ${event.error?.message ?? ''}`);
    await orchestrator.raiseBudget({ tenant: 'acme', budget: { maxCostUsd: 3 }, by: { kind: 'user', id: 'ada' } });
    await run.resume();
  }
}

async function main(): Promise<void> {
  const runs = [await start('acme', 15), await start('bolt', 2)];
  await Promise.all(runs.map(follow));
  for (const run of runs) {
    const { status, deliverable, usage } = await run.result();
    tell(`${run.runId}: ${status}, $${usage.costUsd.toFixed(2)}: ${deliverable as string}`);
  }
  tell(`the service was called ${calls} times`);
  await orchestrator.close();
}
await clock.runUntil(main());
