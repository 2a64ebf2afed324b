import type { Refusal } from '../limits/admission.js';
import type { Shortfall } from '../limits/funds.js';
import type { DeadlockLink } from '../limits/holder.js';
import type { StoredError } from '../ports/run.js';
import { InvariantError, listIssues, PlanwrightError } from '../shared/error.js';
import { quote, type Issue } from '../shared/issue.js';
import { toUsd } from '../shared/money.js';
import { ResourceRefusedError } from './errors.js';
import { refusalFactsOf } from './refusal-facts.js';

/** Options of an orchestrator that make no sense. Nothing was created. */
export class OptionsInvalidError extends PlanwrightError {
  readonly code = 'OPTIONS_INVALID';
  constructor(readonly issues: readonly Issue[]) {
    super(`The options of createOrchestrator make no sense.${listIssues(issues)}`);
  }
}

/** A shared budget was not raised. Nothing has changed. */
export class BudgetRaiseRefusedError extends PlanwrightError {
  readonly code = 'BUDGET_RAISE_REFUSED';
  constructor(
    /** `null` for the budget of all runs together. */
    readonly tenant: string | null,
    readonly issues: readonly Issue[],
  ) {
    super(`The budget of ${whose(tenant)} was not raised.${listIssues(issues)}`);
  }
}

/** A call would have waited for ever: whoever holds what it wants waits for what its own step holds. Nothing was called. */
export class ResourceDeadlockError extends PlanwrightError {
  readonly code = 'RESOURCE_DEADLOCK';
  /** Steps that wait for one another; the one that was refused comes first. */
  constructor(readonly cycle: readonly DeadlockLink[]) {
    const links = cycle.map(
      ({ stepId, holds, waitsFor }) => `${quote(stepId)} holds ${quote(holds)} and waits for ${quote(waitsFor)}`,
    );
    super(
      `Steps would wait for one another for ever: ${links.join('; ')}. Name in \`resources\` all that a step needs, or call in one order.`,
    );
  }
}

/** Why a run did not begin. */
export interface BusyFacts {
  /** Who pays for it; `null` for nobody in particular. */
  readonly tenant: string | null;
  /** Runs that may be under way at once, in all or of the tenant. */
  readonly limit: number;
  readonly isOfTenant?: true;
  readonly running: number;
  readonly waiting: number;
  /** Present where it has waited as long as it may. */
  readonly waitedMs?: number;
}

/** As many runs are under way as may be, and this one may not wait, or not any longer. Nothing of its approval was stored: it stays proposed. */
export class OrchestratorBusyError extends PlanwrightError {
  readonly code = 'ORCHESTRATOR_BUSY';
  readonly tenant: string | null;
  readonly limit: number;
  readonly running: number;
  readonly waiting: number;
  readonly waitedMs: number | undefined;
  constructor({ tenant, limit, isOfTenant, running, waiting, waitedMs }: BusyFacts) {
    const option = isOfTenant ? `tenants[${quote(tenant)}].maxRuns` : 'maxRuns';
    const waited = waitedMs === undefined ? `${waiting} wait` : `it has waited ${waitedMs} ms (maxRunWaitMs)`;
    super(
      `${running} runs are under way of ${limit} that may be (${option}), and ${waited}. Approve it again later, or raise the limit.`,
    );
    this.tenant = tenant;
    this.limit = limit;
    this.running = running;
    this.waiting = waiting;
    this.waitedMs = waitedMs;
  }
}

const whose = (tenant: string | null): string => (tenant === null ? 'all runs together' : `tenant ${quote(tenant)}`);

/** Why a step cannot begin that a shared budget has to pay for, as it is stored. Money in US dollars. */
export function budgetError({ tenant, unit, ceiling, spent, reserved }: Shortfall): StoredError {
  const isMoney = unit === 'costMicroUsd';
  const figure = (amount: number): number => (isMoney ? toUsd(amount) : amount);
  const [most, gone] = isMoney
    ? [`$${figure(ceiling)} (maxCostUsd)`, `$${figure(spent)}`]
    : [`${ceiling} tokens (maxTokens)`, `${spent} tokens`];
  const message = `The budget of ${whose(tenant)} is used up: ${gone} of ${most} are spent. Raise it with orchestrator.raiseBudget(), then go on.`;
  return {
    ...{ code: 'TENANT_BUDGET_EXCEEDED', message, tenant },
    ...{ unit: isMoney ? 'USD' : 'tokens', ceiling: figure(ceiling), spent: figure(spent), reserved: figure(reserved) },
  };
}

/** Why a step was not let in, as it is stored. Another attempt would find a budget as used up as this one did. */
export function refusalOf(refusal: Refusal): { readonly error: StoredError; readonly retryable: boolean } {
  if (refusal.code === 'BUDGET_USED_UP') return { error: budgetError(refusal.shortfall), retryable: false };
  const error = callError(refusal);
  const { code, message } = error;
  return { error: { code, message, ...refusalFactsOf(error) }, retryable: true };
}

/** Why a call was not let in, as it is thrown. */
export function callError(refusal: Refusal): PlanwrightError {
  if (refusal.code === 'RESOURCE_DEADLOCK') return new ResourceDeadlockError(refusal.cycle);
  return refusal.code === 'BUDGET_USED_UP' ? new InvariantError('A call draws on no budget.') : new ResourceRefusedError(refusal);
}
