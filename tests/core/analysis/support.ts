import { analyzePlan } from '../../../src/core/analysis/analyze-plan.js';
import type { Plan, PlanStep } from '../../../src/core/ports/plan.js';
import type { OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import { planOf } from '../plan/support.js';

/** The codes that the analysis of a proposal's plan gives, in order. */
export const codesOf = (sound: OrchestrationProposal): string[] => analyzePlan(planOf(sound)).map(({ code }) => code);

/** The diagnostics of one code. */
export const found = (plan: Plan, code: string) => analyzePlan(plan).filter((diagnostic) => diagnostic.code === code);

/** A plan as a third party could hand it in: with some steps changed past all checks. */
export const withSteps = (plan: Plan, change: (step: PlanStep) => PlanStep): Plan => ({ ...plan, steps: plan.steps.map(change) });

/** What a proposal must say for the analysis to have nothing to add. */
export const bounded = { budget: { maxCostUsd: 5, maxDurationMs: 3_600_000 } } satisfies Partial<OrchestrationProposal>;
