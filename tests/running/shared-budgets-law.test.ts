import fc from 'fast-check';
import { AgentError, type AgentContext, type AgentRequest, createOrchestrator, type Run } from 'planwright';
import { createSequentialIds, createVirtualClock, proposalArbitrary } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { ada } from './support/world.js';

/** What one call of an agent does. `share`: how much of its allowance it spends. */
const call = fc.record({
  share: fc.constantFrom(0, 0.3, 0.5, 1, 1),
  delayMs: fc.nat({ max: 30 }),
  fails: fc.boolean(),
  provenance: fc.constantFrom('measured', 'provider-reported', 'estimated'),
});
const ceilings = fc.record({ maxTokens: fc.integer({ min: 0, max: 3_000 }), maxCostUsd: fc.integer({ min: 0, max: 40 }) });
const budget = fc.tuple(ceilings, fc.constantFrom('fail', 'pause')).map(([limits, onExceeded]) => ({ ...limits, onExceeded }));

const world = fc.record({
  all: budget,
  acme: budget,
  bolt: fc.option(budget, { nil: undefined }),
  concurrency: fc.integer({ min: 1, max: 6 }),
  runs: fc.array(
    fc.record({
      proposal: proposalArbitrary({ maxTickets: 5 }),
      tenant: fc.constantFrom('acme', 'acme', 'bolt', undefined),
      afterMs: fc.nat({ max: 40 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  calls: fc.array(call, { minLength: 1, maxLength: 30 }),
});

describe('budgets over runs', () => {
  it('CC-12 law: what is spent and set aside never passes a ceiling of a tenant or of all, whatever runs, fails and waits', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ all, acme, bolt, concurrency, runs, calls }) => {
        const clock = createVirtualClock({ startAt: 0 });
        const samples: Promise<unknown>[] = [];
        const sample = (): void => void samples.push(...[undefined, 'acme', 'bolt'].map(within));
        const within = async (tenant: string | undefined): Promise<void> => {
          const { budget: figures } = await orchestrator.tenant(tenant);
          if (!figures) return;
          const { ceilings: most, spent, reserved } = figures;
          expect(spent.tokens + reserved.tokens).toBeLessThanOrEqual(most.maxTokens!);
          expect(Math.round((spent.costUsd + reserved.costUsd) * 1e6)).toBeLessThanOrEqual(most.maxCostUsd! * 1e6);
        };
        let nth = 0;
        const told = { tokens: 0, costUsd: 0 };
        const agent = async ({ allowance, kind }: AgentRequest, { signal }: AgentContext) => {
          const { share, delayMs, fails, provenance } = calls[nth++ % calls.length]!;
          sample();
          // Every attempt is told of both ceilings, because all runs have both.
          const tokens = Math.floor(allowance.tokens! * share);
          const costUsd = Math.floor(allowance.costUsd! * share * 1e6) / 1e6;
          await clock.sleep(delayMs, { signal }).catch(() => undefined);
          told.tokens += tokens;
          told.costUsd += costUsd;
          const usage = { inputTokens: tokens, costUsd, provenance } as const;
          if (fails && kind !== 'synthesis') throw new AgentError('No.', { usage });
          return { output: {}, usage };
        };
        const orchestrator = createOrchestrator({
          ...{ clock, ids: createSequentialIds(), concurrency, budget: all },
          tenants: { acme: { budget: acme }, ...(bolt && { bolt: { budget: bolt } }) },
          agents: Object.fromEntries(agentIdsOf(runs.map(({ proposal }) => proposal)).map((id) => [id, agent])),
          workspace: { hire: () => Promise.resolve({ agentId: 'hired' }) },
          telemetry: { event: sample },
        });
        const started = await clock.runUntil(
          Promise.all(
            runs.map(async ({ proposal, tenant, afterMs }) => {
              const { runId, revision, digest } = await orchestrator.propose(proposal, tenant === undefined ? {} : { tenant });
              await clock.sleep(afterMs);
              return orchestrator.approve(runId, { revision, digest, approvedBy: ada });
            }),
          ),
        );
        await clock.advanceAsync(10 * 86_400_000);
        // What is paused, gated or in doubt by then waits for a person; nothing is under way.
        for (const run of started) if (!isOver(run)) await clock.runUntil(run.cancel());
        await Promise.all(samples);
        const { budget: end } = await orchestrator.tenant();
        expect(end!.reserved).toEqual({ costUsd: 0, tokens: 0 });
        expect(end!.spent.tokens).toBe(told.tokens);
        expect(end!.spent.costUsd).toBeCloseTo(told.costUsd, 5);
        const usage = started.map((run) => run.view().usage.tokens);
        expect(usage.reduce((sum, tokens) => sum + tokens, 0)).toBe(told.tokens);
        await orchestrator.close();
      }),
      { numRuns: 60 },
    );
  });
});

const isOver = (run: Run): boolean => ['completed', 'failed', 'cancelled'].includes(run.view().status);

const agentIdsOf = (proposals: readonly { readonly roles: readonly object[] }[]): string[] => [
  'hired',
  ...proposals.flatMap(({ roles }) => roles.flatMap((role) => ('agentId' in role ? [String(role.agentId)] : []))),
];
