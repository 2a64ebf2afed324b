import { backoffMs } from '../plan/backoff.js';
import { estimatedDurationsMs, longestPath } from '../plan/critical-path.js';
import { createTimeoutLookup } from '../plan/step-timeout.js';
import { createStepGraph } from '../plan/step-graph.js';
import type { Plan, PlanStep, RetryPolicy } from '../ports/plan.js';
import { toUsd } from '../shared/money.js';
import { agentsOf } from './agents-of.js';
import { createAgentsPerStep } from './agents-per-step.js';
import { createGrowth, goalsOf } from './growth.js';
import { expectedFigures, type ExpectedFigures } from './expected-figures.js';
import { worstSpend } from './worst-spend.js';

/**
 * The most that a plan can take, as an approver is shown it. `null` is unknown: the plan sets no bound. Time spent waiting for
 * shared resources, for a circuit breaker, or for a provider that asks for a pause, does not count, and agents are trusted to keep to the allowance they
 * are given.
 */
export interface Bounds {
  /** Steps that may start. */
  readonly steps: number;
  /** Calls of agents, every retry counted. */
  readonly attempts: number;
  /** Distinct agents that take part. */
  readonly agents: number;
  /** Delegations and handoffs that may come about while the run is under way; 0 for a plan whose steps are all known. */
  readonly delegations: number;
  /** Input and output tokens together. */
  readonly tokens: number | null;
  readonly costUsd: number | null;
  /** Along the longest chain: every attempt up to its timeout, and the pauses between them. */
  readonly durationMs: number | null;
  /** What the plan's own estimates come to. */
  readonly expected: ExpectedFigures;
}

/**
 * The worst case of a plan, and what its estimates come to. Every figure is capped by the run's ceiling where there is one. A
 * step's cost is bounded by its budget, for all attempts together, or by its estimate for each.
 */
export function worstCase(plan: Plan): Bounds {
  const { steps, budget, expansion } = plan;
  const growth = createGrowth(plan);
  const agentsOfStep = createAgentsPerStep(plan);
  /** Calls of an agent; none for a goal, which is carried out by the steps that are added for it. */
  const attemptsOf = (step: Pick<PlanStep, 'role' | 'expands' | 'retry' | 'effect'>): number =>
    step.role === undefined || step.expands !== undefined ? 0 : step.retry.attempts * agentsOfStep(step);
  const costMicroUsd = worstSpend(plan, {
    ceilingOf: (limit) => limit?.maxCostMicroUsd,
    estimateOf: ({ estimate }) => estimate?.costMicroUsd,
  });
  return {
    steps: Math.min(
      sumOf(steps, (step) => 1 + growth(step, () => 1)),
      budget.maxSteps ?? Infinity,
    ),
    attempts: sumOf(steps, (step) => attemptsOf(step) + growth(step, attemptsOf)),
    agents: Math.min(agentsOf(plan, { possible: true }).size, budget.maxAgents ?? Infinity),
    delegations: expansion ? goalsOf(plan) * (expansion.bounds.delegations + expansion.bounds.handoffs) : 0,
    tokens: worstSpend(plan, { ceilingOf: (limit) => limit?.maxTokens, estimateOf: ({ estimate }) => estimate?.tokens }),
    costUsd: costMicroUsd === null ? null : toUsd(costMicroUsd),
    durationMs: worstDurationMs(plan),
    expected: expectedFigures(plan, longestPath(createStepGraph(steps), estimatedDurationsMs(steps)).durationMs),
  };
}

const sumOf = <T>(items: readonly T[], figureOf: (item: T) => number): number =>
  items.reduce((sum, item) => sum + figureOf(item), 0);

function worstDurationMs(plan: Plan): number | null {
  const { steps, budget } = plan;
  const { maxDurationMs = Infinity } = budget;
  const timeoutOf = createTimeoutLookup(plan);
  const growth = createGrowth(plan);
  const agentsOfStep = createAgentsPerStep(plan);
  const durations = Float64Array.from(steps, (step) => {
    // At worst, what is added comes one after another.
    const addedMs = growth(step, (template) =>
      worstStepMs(template, { timeoutMs: timeoutOf(template) ?? 0, agents: agentsOfStep(template) }),
    );
    return worstStepMs(step, { timeoutMs: timeoutOf(step) ?? 0, agents: agentsOfStep(step) }) + addedMs;
  });
  // Every step lies on a way to the end, so one without a bound leaves the run without one.
  const isBounded = durations.every((durationMs) => durationMs < Infinity);
  const longestMs = isBounded ? longestPath(createStepGraph(steps), durations).durationMs : Infinity;
  const worstMs = Math.min(longestMs, maxDurationMs);
  return worstMs === Infinity ? null : worstMs;
}

/** Infinite for a step that waits for a person, however long that takes. */
function worstStepMs(
  { gate, retry, totalTimeoutMs = Infinity }: Pick<PlanStep, 'gate' | 'retry' | 'totalTimeoutMs'>,
  { timeoutMs, agents }: { readonly timeoutMs: number; readonly agents: number },
): number {
  const gateMs = gate === undefined ? 0 : (gate.expiresAfterMs ?? Infinity);
  const attemptsMs = timeoutMs === 0 ? 0 : agents * (retry.attempts * timeoutMs + allPausesMs(retry));
  return gateMs + Math.min(totalTimeoutMs, attemptsMs);
}

function allPausesMs(policy: RetryPolicy): number {
  const steady = { ...policy, jitter: 0 };
  let sumMs = 0;
  for (let attempt = 1; attempt < policy.attempts; attempt++) {
    const pauseMs = backoffMs(steady, { attempt, seed: '' });
    // From the longest pause on all are equal, however many attempts there may be.
    if (pauseMs >= policy.maxBackoffMs || policy.factor === 1) return sumMs + (policy.attempts - attempt) * pauseMs;
    sumMs += pauseMs;
  }
  return sumMs;
}
