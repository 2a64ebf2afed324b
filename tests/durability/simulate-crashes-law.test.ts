import { type AgentFunction, type Json, type OrchestrationProposal, parseProposal, planProposal } from 'planwright';
import {
  type CrashLife,
  expectNoCrashDamage,
  outcomesArbitrary,
  type Outcomes,
  proposalArbitrary,
  scriptedAgent,
  scriptOf,
  simulateCrashes,
} from 'planwright/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';

/** Agents for every role of a proposal that do what the outcomes say, and one thing to the world whenever they succeed. */
function agentsOf(proposal: OrchestrationProposal, outcomes: Outcomes) {
  const planned = planProposal(proposal);
  if (!planned.ok) throw new TypeError(JSON.stringify(planned.error));
  const script = scriptOf(planned.value.steps, outcomes);
  return ({ clock, effects }: CrashLife) => {
    const scripted = scriptedAgent(script, { clock });
    const run: AgentFunction = async (request, context) => {
      const result = await scripted(request, context);
      const output: Json = await effects.apply(request.idempotencyKey, result.output);
      return { ...result, output };
    };
    const probe = async ({ idempotencyKey }: { readonly idempotencyKey: string }) => {
      const found = await effects.find(idempotencyKey);
      return found === undefined ? { happened: false as const } : { happened: true as const, output: found };
    };
    return Object.fromEntries(
      proposal.roles.map((role) => [role.kind === 'existing' ? role.agentId : role.key, { run, probe }] as const),
    );
  };
}

describe('CC-22 HB-04 HB-13 HB-55 HB-56: wherever its process is lost, any plan comes to the same end', () => {
  it.each([
    ['with attempts that fail, or take too long', { failures: true, budgets: false }],
    // Not both: what an attempt has spent that timed out and then lost its process nobody knows, and so it has spent all that it held.
    ['with ceilings', { failures: false, budgets: true }],
  ])(
    '%s',
    async (_, { failures, budgets }) => {
      const totals = { runs: 0, crashes: 0 };
      const proposals = proposalArbitrary({ maxTickets: 6, gates: true, reducers: true, failures, budgets });
      const law = fc.asyncProperty(proposals, outcomesArbitrary({ failures }), fc.integer(), fc.boolean(), async (...given) => {
        const [proposal, outcomes, seed, isTight] = given;
        expect(parseProposal(proposal).ok).toBe(true);
        // Journals that are compacted as early as can be, and memory for nothing.
        const orchestrator = isTight ? { journalLimit: 1, memoryLimitBytes: 1 } : {};
        const report = await simulateCrashes({ proposal, agents: agentsOf(proposal, outcomes), at: 12, seed, orchestrator });
        totals.runs += report.runs;
        totals.crashes += report.crashes;
        expectNoCrashDamage(report);
      });
      await fc.assert(law, { numRuns: isLong ? 500 : 12 });
      console.info('Crashes simulated on plans by chance:', totals);
    },
    600_000,
  );
});
