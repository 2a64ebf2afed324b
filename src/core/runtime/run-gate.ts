import type { ResourceRefusal } from '../limits/admission.js';
import type { Claim } from '../limits/resource-use.js';
import type { Clock } from '../ports/clock.js';
import { OrchestratorClosedError } from './errors.js';
import { OrchestratorBusyError } from './limit-errors.js';
import type { TenantOptions } from './orchestrator-options.js';
import { createWorkQueue, type Work } from './work-queue.js';

/** A run as it stands at the gate. */
export interface GatedRun {
  readonly runId: string;
  readonly tenant: string | undefined;
}

/** How many runs an orchestrator has under way at once. Whoever would be one too many waits for its turn, or is refused. */
export interface RunGate {
  /**
   * Resolves when the run may begin: tenants take turns, and of a tenant who came first goes first. From then on it counts, until it leaves.
   *
   * @throws OrchestratorBusyError, OrchestratorClosedError
   */
  enter(run: GatedRun): Promise<void>;
  /** A run that has begun before counts, but is never refused. */
  seize(run: GatedRun): void;
  /** It has ended, or did not begin. */
  leave(runId: string): void;
  /** Nobody waits any more. */
  close(): void;
  /** Runs that wait, of a tenant or in all. */
  waiting(tenant?: string): number;
}

export interface RunGateOptions {
  readonly clock: Clock;
  readonly tenants: Readonly<Record<string, TenantOptions>>;
  readonly maxRuns: number;
  readonly maxQueuedRuns: number;
  readonly maxRunWaitMs: number;
  readonly whenFull: 'wait' | 'refuse';
}

interface Waiter extends GatedRun {
  readonly giveUp: (error: Error) => void;
}

export function createRunGate({ clock, tenants, maxRuns, maxQueuedRuns, maxRunWaitMs, whenFull }: RunGateOptions): RunGate {
  const queue = createWorkQueue({ concurrency: Infinity, clock });
  const inside = new Map<string, { readonly tenant: string | undefined; readonly leave: () => void }>();
  const waiters = new Set<Waiter>();
  const ofTenant = <T extends { readonly tenant: string | undefined }>(runs: Iterable<T>, tenant: string | undefined): number =>
    [...runs].filter((run) => run.tenant === tenant).length;
  const mostOf = (tenant: string | undefined): number =>
    (tenant !== undefined && Object.hasOwn(tenants, tenant) ? tenants[tenant]?.maxRuns : undefined) ?? Infinity;

  const maxQueued = whenFull === 'refuse' ? 0 : maxQueuedRuns;
  const all: Claim = { resource: 'runs', amount: 1, limit: { concurrency: maxRuns, maxQueued, maxWaitMs: maxRunWaitMs } };
  const workOf = ({ tenant }: GatedRun, parts: Pick<Work, 'run' | 'refuse'>): Work => {
    const most = mostOf(tenant);
    const own = most < Infinity ? [{ resource: `runs\n${tenant}`, amount: 1, limit: { concurrency: most } }] : [];
    const claims = [all, ...own];
    return { ...{ tenant: tenant ?? '', owner: '', kind: '', claims, priority: 0, urgency: 0, since: clock.now() }, ...parts };
  };
  /** Resolves when the run leaves. */
  const stay = ({ runId, tenant }: GatedRun): Promise<void> =>
    new Promise((resolve) => void inside.set(runId, { tenant, leave: resolve }));
  const busy = ({ tenant }: GatedRun, { code }: ResourceRefusal): OrchestratorBusyError => {
    const isTenantFull = ofTenant(inside.values(), tenant) >= mostOf(tenant);
    const waited = code === 'RESOURCE_WAIT_EXCEEDED' ? maxRunWaitMs : undefined;
    return new OrchestratorBusyError({
      tenant: tenant ?? null,
      limit: isTenantFull ? mostOf(tenant) : maxRuns,
      running: isTenantFull ? ofTenant(inside.values(), tenant) : inside.size,
      // Itself apart.
      waiting: waiters.size - 1,
      ...(isTenantFull && { isOfTenant: true }),
      ...(waited !== undefined && { waitedMs: waited }),
    });
  };

  return {
    enter: (run) =>
      new Promise((resolve, reject) => {
        const waiter: Waiter = {
          ...run,
          giveUp(error) {
            if (!waiters.delete(waiter)) return;
            leaveLine();
            reject(error);
          },
        };
        waiters.add(waiter);
        const leaveLine = queue.addCall(
          workOf(run, {
            run() {
              waiters.delete(waiter);
              resolve();
              return stay(run);
            },
            refuse: (refusal) => waiter.giveUp(busy(run, refusal as ResourceRefusal)),
          }),
        );
      }),
    seize(run) {
      if (inside.has(run.runId)) return;
      const left = stay(run);
      queue.seize(workOf(run, { run: () => left, refuse: () => undefined }));
    },
    leave(runId) {
      inside.get(runId)?.leave();
      inside.delete(runId);
    },
    close() {
      for (const { giveUp } of [...waiters]) giveUp(new OrchestratorClosedError());
    },
    waiting: (tenant) => (tenant === undefined ? waiters.size : ofTenant(waiters, tenant)),
  };
}
