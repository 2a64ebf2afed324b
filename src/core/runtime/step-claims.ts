import type { Kernel } from '../kernel/create-kernel.js';
import type { Claim } from '../limits/resource-use.js';
import type { StepDefinition } from '../materializer/definition.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import { remainingPathMs } from '../plan/critical-path.js';
import type { ResourceLimit } from '../ports/proposal.js';
import type { LimitWait } from '../ports/wait.js';
import type { TenantOptions } from './orchestrator-options.js';

/** What the steps of one run claim of what they share, with others of the run and of the process. */
export interface StepClaims {
  of(step: StepDefinition): { readonly claims: readonly Claim[]; readonly kind: string; readonly urgency: number };
  /** For one call of a resource by a step; one that holds it has it already. */
  ofCall(resource: string, step: StepDefinition): { readonly claims: readonly Claim[]; readonly kind: string };
}

export interface StepClaimsOptions {
  readonly runId: string;
  readonly kernel: () => Kernel;
  /** Limits of the orchestrator, which no plan can widen. */
  readonly limits: Readonly<Record<string, ResourceLimit>>;
  /** Attempts of any one run at once; no plan can widen it either. */
  readonly runConcurrency: number | undefined;
  readonly tenant: () => string | undefined;
  readonly tenants: Readonly<Record<string, TenantOptions>>;
}

interface Claimed {
  readonly claims: readonly Claim[];
  readonly kind: string;
}

/** What was found out of a plan. */
interface Known {
  readonly of: MaterializedRun;
  readonly limits: Map<string, ResourceLimit>;
  /** By role, resources and tenant. */
  readonly claims: Map<string, Claimed>;
  urgency: ReadonlyMap<string, number> | undefined;
}

export function createStepClaims({ runId, kernel, limits, runConcurrency, tenant, tenants }: StepClaimsOptions): StepClaims {
  let found: Known | undefined;
  /** What follows from the plan, as it is now. */
  const known = (): Known => {
    const { materialized } = kernel();
    if (found?.of !== materialized) found = { of: materialized, limits: new Map(), claims: new Map(), urgency: undefined };
    return found;
  };
  const limitOf = (resource: string): ResourceLimit => {
    const now = known();
    let limit = now.limits.get(resource);
    if (!limit) now.limits.set(resource, (limit = tighter(now.of.definition.resources[resource] ?? {}, limits[resource] ?? {})));
    return limit;
  };
  const urgencyOf = ({ id, added }: StepDefinition): number => {
    const now = known();
    const urgency = (now.urgency ??= urgencies(now.of, limitOf));
    return urgency.get(id) ?? urgency.get(added?.goal ?? '') ?? 0;
  };

  /** Attempts of this run at once; infinite where only the orchestrator's own limit holds. */
  const mostAtOnce = (): number =>
    Math.min(kernel().materialized.definition.budget.maxConcurrency ?? Infinity, runConcurrency ?? Infinity);

  const claim = ({ role, resources }: StepDefinition): Claimed => {
    const concurrency = kernel().materialized.definition.roles.find(({ key }) => key === role)?.concurrency;
    const claims = resources.map(({ name, amount }): Claim => ({ resource: name, amount, limit: limitOf(name) }));
    if (concurrency !== undefined) claims.push({ resource: roleName(runId, role ?? ''), amount: 1, limit: { concurrency } });
    const concurrencyOfRun = mostAtOnce();
    if (concurrencyOfRun < Infinity)
      claims.push({ resource: runName(runId), amount: 1, limit: { concurrency: concurrencyOfRun } });
    const paidBy = tenant();
    const concurrencyOfTenant = paidBy === undefined ? undefined : ownOf(tenants, paidBy)?.concurrency;
    if (concurrencyOfTenant !== undefined)
      claims.push({ resource: tenantName(paidBy ?? ''), amount: 1, limit: { concurrency: concurrencyOfTenant } });
    // Another plan may have changed a limit since others of the kind came.
    return { claims, kind: JSON.stringify([role, resources, concurrency, concurrencyOfRun]) };
  };

  return {
    of(step) {
      const key = JSON.stringify([step.role, step.resources, tenant()]);
      const { claims } = known();
      let claimed = claims.get(key);
      // Steps are many, and what they claim is mostly the same.
      if (!claimed) claims.set(key, (claimed = claim(step)));
      return { ...claimed, urgency: urgencyOf(step) };
    },
    ofCall(resource, { resources }) {
      const isHeld = resources.some(({ name }) => name === resource);
      const claims = [{ resource, amount: isHeld ? 0 : 1, limit: limitOf(resource) }];
      return { claims, kind: JSON.stringify(['call', resource, isHeld, resources.length > 0]) };
    },
  };
}

const ownOf = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** Keys have no newline, and no resource has such a name. */
const roleName = (runId: string, role: string): string => `role\n${runId}\n${role}`;

const runName = (runId: string): string => `run\n${runId}`;

const tenantName = (tenant: string): string => `tenant\n${tenant}`;

/** What a claim is on: a resource by its name, or what the names above stand for. */
export function claimedBy(resource: string): Pick<LimitWait, 'for' | 'name'> {
  const [kind, name, role] = resource.split('\n');
  if (kind === 'role' && role !== undefined) return { for: 'role', name: role };
  if (kind === 'tenant' && name !== undefined) return { for: 'tenant', name: resource.slice(tenantName('').length) };
  return kind === 'run' && name !== undefined ? { for: 'run' } : { for: 'resource', name: resource };
}

/**
 * The longest way from each step to the end. A step without an estimate counts as a moment, and one that takes much of what is scarce counts
 * for more, because it is harder to fit in later. On 60 projects of PSPLIB that came out shorter than the longest way alone.
 */
function urgencies({ plan, graph }: MaterializedRun, limitOf: (resource: string) => ResourceLimit): ReadonlyMap<string, number> {
  const weights = Float64Array.from(plan.steps, ({ estimate, resources }) => {
    const shares = resources.map(({ name, amount }) => amount / (limitOf(name).concurrency ?? Infinity));
    return (estimate?.durationMs ?? 1) * shares.reduce((sum, share) => sum + share, 1);
  });
  const ways = remainingPathMs(graph, weights);
  return new Map(graph.ids.map((id, index) => [id, ways[index]!]));
}

/** Of two limits what both allow. */
function tighter(one: ResourceLimit, other: ResourceLimit): ResourceLimit {
  const least = (name: 'concurrency' | 'maxQueued' | 'maxWaitMs'): object => {
    const value = Math.min(one[name] ?? Infinity, other[name] ?? Infinity);
    return value === Infinity ? {} : { [name]: value };
  };
  return { ...least('concurrency'), ...least('maxQueued'), ...least('maxWaitMs'), ...slower(one, other) };
}

const rateOf = ({ limit = Infinity, intervalMs = 1 }: ResourceLimit): number => limit / intervalMs;

function slower(one: ResourceLimit, other: ResourceLimit): ResourceLimit {
  const { limit, intervalMs } = rateOf(one) <= rateOf(other) ? one : other;
  return limit === undefined || intervalMs === undefined ? {} : { limit, intervalMs };
}
