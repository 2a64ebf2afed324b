import { createOrchestrator, fleetFigures, type Orchestrator, type Run, runFigures, runSample } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createSequentialIds, createVirtualClock } from 'planwright/testing';
import { expect, it } from 'vitest';

import { capUsd, question, researchTeams, type ToolCall, type ToolName, toolsFor } from './support/research-teams.js';
import { ada } from './support/world.js';

/** `SOAK_RUNS=1000 npx vitest run tests/running/soak.test.ts` looks longer. */
const count = Number(process.env['SOAK_RUNS'] ?? 45);
const tools = toolsFor(count);
const seed = Number(process.env['SOAK_SEED'] ?? 1);

/** The most of a tool at once, and the most calls that began within its interval. */
function peaks(calls: readonly ToolCall[], intervalMs: number) {
  let [held, most] = [0, 0];
  const moves = calls.flatMap(
    ({ at, endedAt }) =>
      [
        [at, 1],
        [endedAt, -1],
      ] as const,
  );
  // Who goes makes room for who comes at the same moment.
  for (const [, change] of moves.toSorted(([a, up], [b, down]) => a - b || up - down)) most = Math.max(most, (held += change));
  let mostStarted = 0;
  for (let first = 0, last = 0; last < calls.length; last += 1) {
    while (calls[first]!.at <= calls[last]!.at - intervalMs) first += 1;
    mostStarted = Math.max(mostStarted, last - first + 1);
  }
  return { most, mostStarted };
}

it(
  'HB-57 HB-70 many teams at once, minutes long, with tools that are limited, slow and flaky, and a restart in the middle: every figure holds',
  async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const store = createMemoryStore();
    const teams = researchTeams(clock, seed);
    const ids = createSequentialIds();
    const boot = (owner: string): Orchestrator =>
      createOrchestrator({ clock, store, ids, owner, graceMs: 1_000, agents: teams.agents });
    const first = boot('first');
    const plans = new Map<string, Parameters<typeof runSample>[0]>();
    const begun = await clock.runUntil(
      Promise.all(
        Array.from({ length: count }, async (_, nth) => {
          const { runId, revision, digest, plan } = await first.propose(question(nth, tools));
          plans.set(runId, plan);
          const run = await first.approve(runId, { revision, digest, approvedBy: ada });
          void run.result().catch(() => undefined);
          return run;
        }),
      ),
    );
    await clock.advanceAsync(90_000);
    const endedBefore = begun.filter((run) => run.view().endedAt !== undefined);
    await clock.runUntil(first.close());
    const restartedAt = clock.now();
    const second = boot('second');
    const taken: readonly Run[] = await clock.runUntil(second.recover());
    expect(taken.length + endedBefore.length).toBe(count);
    const results = await clock.runUntil(Promise.all(taken.map((run) => run.result())));
    const runs = [...endedBefore, ...taken];
    const samples = runs.map((run) => runSample(plans.get(run.runId)!, run.view()));
    const figures = fleetFigures(samples);

    // All come to an answer that says where it comes from.
    expect(figures).toMatchObject({ runs: count, ended: count, completionRate: 1, resumeSuccessRate: 1, duplicateEffectRate: 0 });
    expect(figures.recovered).toBe(taken.length);
    const sources = new Set(teams.calls.map(({ source }) => source));
    for (const { deliverable } of results) {
      const { citations } = deliverable as { readonly citations: readonly string[] };
      expect(citations.length).toBeGreaterThan(0);
      expect(citations.filter((citation) => !sources.has(citation))).toEqual([]);
    }

    // No limit was passed, in either process.
    for (const [tool, { concurrency, ...rate }] of Object.entries(tools) as [
      ToolName,
      { concurrency: number; limit?: number; intervalMs?: number },
    ][]) {
      for (const part of [(at: number) => at < restartedAt, (at: number) => at >= restartedAt]) {
        const { most, mostStarted } = peaks(
          teams.calls.filter((call) => call.tool === tool && part(call.at)),
          rate.intervalMs ?? 1,
        );
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(mostStarted).toBeLessThanOrEqual(rate.limit ?? Infinity);
      }
    }
    expect(teams.calls.some(({ isThrottled }) => isThrottled)).toBe(true);

    // No step took effect under two keys, none has spent more than it may, and what was spent is told apart.
    expect(new Set(teams.applied.values()).size).toBe(teams.applied.size);
    for (const run of runs) expect(run.view().usage.costUsd).toBeLessThanOrEqual(capUsd);
    const { work, overhead, usage, wall, queuedMs, retries, costPerTaskUsd = 0, stepsPerSecond = 0, byTopology } = figures;
    expect(work.usage.tokens + overhead.usage.tokens).toBe(usage.tokens);
    expect([work.activeMs > overhead.activeMs, queuedMs > 0, retries > 0]).toEqual([true, true, true]);
    expect(costPerTaskUsd).toBeGreaterThan(0);
    expect(costPerTaskUsd).toBeLessThanOrEqual(capUsd);
    expect(stepsPerSecond).toBeGreaterThan(0);
    expect(Object.keys(byTopology).sort()).toEqual(['graph', 'pipeline', 'supervisor-worker']);
    expect([wall!.p50Ms, wall!.p95Ms, wall!.p99Ms, wall!.maxMs]).toEqual(
      [wall!.p50Ms, wall!.p95Ms, wall!.p99Ms, wall!.maxMs].sort((a, b) => a - b),
    );
    // Minutes, and not as long as if they had gone one after the other.
    expect(wall!.p50Ms).toBeGreaterThan(60_000);
    const serialMs = runs.reduce((sum, run) => sum + runFigures(plans.get(run.runId)!, run.view()).serialMs, 0);
    expect(Math.max(...samples.map(({ endedAt = 0 }) => endedAt))).toBeLessThan(serialMs / 3);
    await clock.runUntil(second.close());
  },
  Math.max(60_000, count * 1_000),
);
