import type { PlanEstimate, PlanStep, RetryPolicy, SpendCeiling } from '../ports/plan.js';
import type { Estimate, ExecutionSpec, ResourceUse, SpendLimit, Ticket } from '../ports/proposal.js';
import type { StepDraft } from '../ports/topology.js';
import { toMicroUsd } from '../shared/money.js';
import { copyJson } from '../shared/copy-json.js';

/** The policy of a step whose author said nothing about retries: one attempt. */
export const defaultRetry: RetryPolicy = { attempts: 1, backoffMs: 1_000, factor: 2, maxBackoffMs: 30_000, jitter: 0 };

/** The policy of a step whose agent chooses where the plan goes on: a choice that there is not is told to it, and it may choose again. */
const choosingRetry: RetryPolicy = { ...defaultRetry, attempts: 3 };

/** A ceiling in dollars as one in whole micro-dollars. */
export const spendCeiling = ({ maxCostUsd, maxTokens, maxAttempts }: SpendLimit): SpendCeiling => ({
  ...(maxCostUsd !== undefined && { maxCostMicroUsd: toMicroUsd(maxCostUsd) }),
  ...(maxTokens !== undefined && { maxTokens }),
  ...(maxAttempts !== undefined && { maxAttempts }),
});

const planEstimate = ({ costUsd, tokens, durationMs }: Estimate): PlanEstimate => ({
  ...(costUsd !== undefined && { costMicroUsd: toMicroUsd(costUsd) }),
  ...(tokens !== undefined && { tokens }),
  ...(durationMs !== undefined && { durationMs }),
});

/** Ids in one order whatever order they were listed in, each once, so that the order never moves the digest. */
export const inOrder = (ids: Iterable<string>): readonly string[] => [...new Set(ids)].sort();

/** What a ticket or a phase says about its execution, with its defaults. */
export function executionOf({ outputSchema, retry, estimate, budget, ...limits }: ExecutionSpec): StepExecution {
  const execution: Mutable<StepExecution> = { retry: retry === undefined ? defaultRetry : { ...defaultRetry, ...retry } };
  if (outputSchema !== undefined) execution.outputSchema = copyJson(outputSchema);
  Object.assign(execution, timeLimitsOf(limits));
  if (estimate !== undefined) execution.estimate = planEstimate(estimate);
  if (budget !== undefined) execution.budget = spendCeiling(budget);
  return execution;
}

type StepExecution = Pick<PlanStep, 'outputSchema' | 'retry' | 'estimate' | 'budget'> & TimeLimits;
type TimeLimits = Pick<PlanStep, 'timeoutMs' | 'totalTimeoutMs' | 'heartbeatTimeoutMs'>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How long a step may take, as far as it says so: what is left out must not be in the plan, or its digest would be another. */
export function timeLimitsOf(given: { readonly [Key in keyof TimeLimits]: TimeLimits[Key] | undefined }): TimeLimits {
  const { timeoutMs, totalTimeoutMs, heartbeatTimeoutMs } = given;
  const limits: Mutable<TimeLimits> = {};
  if (timeoutMs !== undefined) limits.timeoutMs = timeoutMs;
  if (totalTimeoutMs !== undefined) limits.totalTimeoutMs = totalTimeoutMs;
  if (heartbeatTimeoutMs !== undefined) limits.heartbeatTimeoutMs = heartbeatTimeoutMs;
  return limits;
}

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

export function resourceUses(resources: Ticket['resources'] = []): PlanStep['resources'] {
  if (resources.length === 0) return [];
  const amounts = new Map<string, number>();
  for (const use of resources) {
    const { name, amount = 1 }: ResourceUse = typeof use === 'string' ? { name: use } : use;
    amounts.set(name, (amounts.get(name) ?? 0) + amount);
  }
  return inOrder(amounts.keys()).map((name) => ({ name, amount: amounts.get(name) ?? 1 }));
}

/** A work step before its input is settled: where none is named, it follows from the dependencies. */
export type WorkStep = Omit<PlanStep, 'input'> & { readonly input?: readonly string[] };

/** A ticket as the step that carries it out; what its topology names in the draft stands above what the ticket says. */
export function ticketStep(ticket: Ticket, draft: StepDraft): WorkStep {
  const { role, instructions = '', reducer, writes, compensation, gate, input } = ticket;
  const step: Mutable<WorkStep> = {
    id: draft.id,
    kind: draft.kind,
    phase: 'work',
    title: ticket.title,
    ...(role !== undefined && { role }),
    instructions,
    dependsOn: ticket.dependsOn ?? [],
    join: reducer === undefined ? 'all-succeeded' : 'all-settled',
    effect: ticket.effect ?? (reducer === undefined ? 'idempotent' : 'none'),
    resources: resourceUses(ticket.resources),
    onFailure: ticket.onFailure ?? 'continue',
    priority: ticket.priority ?? 'normal',
    ...executionOf(ticket),
  };
  if (reducer !== undefined) step.reducer = reducer;
  if (writes !== undefined) step.writes = writes;
  if (input !== undefined) step.input = input.from;
  if (gate !== undefined) step.gate = { ...gate };
  if (compensation !== undefined) step.compensation = { ...compensation };
  return draft.expands === undefined ? overlaid(step, draft) : goalStep(overlaid(step, draft));
}

/** What says how a step is carried out is for those that carry out a part of it; the goal itself only waits for its end. */
function goalStep({ timeoutMs: _, totalTimeoutMs: _total, heartbeatTimeoutMs: _heartbeat, ...step }: WorkStep): WorkStep {
  return { ...step, effect: 'none', retry: defaultRetry, resources: [] };
}

/** A step that is no ticket, as a topology drafted it. A step with a reducer joins whatever its dependencies gave, failed ones left out. */
export function draftedStep(draft: StepDraft): WorkStep {
  const { input: _, ...defaults } = stepDefaults;
  const isJoining = draft.kind === 'reduce' || (draft.reducer !== undefined && draft.role === undefined);
  const join = isJoining ? 'all-settled' : 'all-succeeded';
  const retry = draft.kind === 'route' && draft.role !== undefined ? choosingRetry : defaults.retry;
  return overlaid({ ...defaults, retry, id: draft.id, kind: draft.kind, phase: 'work', title: draft.id, join }, draft);
}

/** Most drafts name nothing but their id and kind, which the step has already. */
const overlaid = (step: WorkStep, draft: StepDraft): WorkStep =>
  Object.keys(draft).length > 2 ? { ...step, ...copyJson(draft), phase: 'work' } : step;
