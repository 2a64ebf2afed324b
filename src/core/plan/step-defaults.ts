import type { PlanEstimate, PlanStep, RetryPolicy, SpendCeiling } from '../ports/plan.js';
import type { Estimate, ExecutionSpec, ResourceUse, RetrySpec, SpendLimit, Ticket } from '../ports/proposal.js';
import type { StepDraft } from '../ports/topology.js';
import { toMicroUsd } from '../shared/money.js';
import { copyJson } from './copy-json.js';

/** The policy of a step whose author said nothing about retries: one attempt. */
export const defaultRetry: RetryPolicy = { attempts: 1, backoffMs: 1_000, factor: 2, maxBackoffMs: 30_000, jitter: 0 };

const retryPolicy = (spec: RetrySpec = {}): RetryPolicy => ({ ...defaultRetry, ...spec });

/** A ceiling in dollars as one in whole micro-dollars. */
export const spendCeiling = ({ maxCostUsd, maxTokens }: SpendLimit): SpendCeiling => ({
  ...(maxCostUsd !== undefined && { maxCostMicroUsd: toMicroUsd(maxCostUsd) }),
  ...(maxTokens !== undefined && { maxTokens }),
});

const planEstimate = ({ costUsd, tokens, durationMs }: Estimate): PlanEstimate => ({
  ...(costUsd !== undefined && { costMicroUsd: toMicroUsd(costUsd) }),
  ...(tokens !== undefined && { tokens }),
  ...(durationMs !== undefined && { durationMs }),
});

/** Ids in one order whatever order they were listed in, each once, so that the order never moves the digest. */
export const inOrder = (ids: Iterable<string>): readonly string[] => [...new Set(ids)].sort();

/** What a ticket or a phase says about its execution, with its defaults. */
export const executionOf = ({ outputSchema, retry, timeoutMs, estimate, budget }: ExecutionSpec) => ({
  ...(outputSchema !== undefined && { outputSchema: copyJson(outputSchema) }),
  retry: retryPolicy(retry),
  ...(timeoutMs !== undefined && { timeoutMs }),
  ...(estimate !== undefined && { estimate: planEstimate(estimate) }),
  ...(budget !== undefined && { budget: spendCeiling(budget) }),
});

/** What every step has that its author, or its topology, did not speak of. */
export const stepDefaults = {
  instructions: '',
  dependsOn: [],
  join: 'all-succeeded',
  input: [],
  effect: 'none',
  retry: defaultRetry,
  resources: [],
  onFailure: 'continue',
  priority: 'normal',
} as const satisfies Partial<PlanStep>;

function resourceUses(resources: Ticket['resources'] = []): PlanStep['resources'] {
  const amounts = new Map<string, number>();
  for (const use of resources) {
    const { name, amount = 1 }: ResourceUse = typeof use === 'string' ? { name: use } : use;
    amounts.set(name, (amounts.get(name) ?? 0) + amount);
  }
  return inOrder(amounts.keys()).map((name) => ({ name, amount: amounts.get(name) ?? 1 }));
}

/** A ticket as the step that carries it out; what its topology names in the draft stands above what the ticket says. */
export function ticketStep(ticket: Ticket, draft: StepDraft): Omit<PlanStep, 'input'> & Pick<StepDraft, 'input'> {
  const { compensation, gate, input } = ticket;
  return {
    ...stepDefaults,
    title: ticket.title,
    role: ticket.role,
    instructions: ticket.instructions,
    dependsOn: ticket.dependsOn ?? [],
    ...executionOf(ticket),
    effect: ticket.effect ?? 'idempotent',
    resources: resourceUses(ticket.resources),
    onFailure: ticket.onFailure ?? 'continue',
    ...(gate !== undefined && { gate: { ...gate } }),
    priority: ticket.priority ?? 'normal',
    ...(compensation !== undefined && { compensation: { ...compensation } }),
    ...copyJson(draft),
    ...inputOf(draft.input ?? input?.from),
    phase: 'work',
  };
}

/** A step that is no ticket, as a topology drafted it. A `reduce` step joins whatever its dependencies gave, failed ones left out. */
export function draftedStep(draft: StepDraft): ReturnType<typeof ticketStep> {
  const join = draft.kind === 'reduce' ? 'all-settled' : 'all-succeeded';
  return { ...stepDefaults, title: draft.id, join, ...copyJson(draft), ...inputOf(draft.input), phase: 'work' };
}

const inputOf = (input: readonly string[] | undefined): Pick<StepDraft, 'input'> => (input === undefined ? {} : { input });
