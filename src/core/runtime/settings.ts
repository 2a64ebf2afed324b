import { createArtifacts } from './artifacts.js';
import { createBreakerSpecs } from './breaker-specs.js';
import type { OrchestratorOptions, OrchestratorSettings } from './orchestrator-options.js';
import { createRunIds } from './run-id.js';
import { systemClock } from './system-clock.js';

/** {@link OrchestratorOptions} of core: the front door adds the memory store and the built-in topologies. */
export type CoreOptions = OrchestratorOptions &
  Required<Pick<OrchestratorOptions, 'store' | 'topologies'>> & {
    /** Whether anyone else can have the store. Default: `true`. */
    readonly isStoreShared?: boolean;
  };

/** A lease that nobody else will ever look at need not be renewed. Thousands of years, in milliseconds. */
const unsharedLeaseMs = 1e14;

export const defaultConcurrency = 1_000;

/** How many runs may be under way, and what becomes of those that would be too many. */
export const gateOptionsOf = ({ maxRuns, maxQueuedRuns, maxRunWaitMs, whenFull }: OrchestratorOptions) => ({
  maxRuns: maxRuns ?? 10_000,
  maxQueuedRuns: maxQueuedRuns ?? 10_000,
  maxRunWaitMs: maxRunWaitMs ?? 3_600_000,
  whenFull: whenFull ?? ('wait' as const),
});

/** Fills in every default. */
export function settingsOf({ store, topologies, clock = systemClock, ...options }: CoreOptions): OrchestratorSettings {
  return {
    store,
    topologies,
    clock,
    reducers: options.reducers ?? {},
    workspace: options.workspace ?? {},
    resources: options.resources ?? {},
    breakerSpecs: createBreakerSpecs({ breakers: options.breakers, resources: options.resources ?? {} }),
    runConcurrency: options.runConcurrency,
    tenants: options.tenants ?? {},
    ids: options.ids ?? createRunIds(clock),
    telemetry: options.telemetry,
    artifacts: options.artifacts && createArtifacts({ ...options.artifacts, clock }),
    graceMs: options.graceMs ?? 10_000,
    leaseMs: options.isStoreShared === false ? unsharedLeaseMs : (options.leaseMs ?? 30_000),
    maxLostStarts: options.maxLostStarts ?? 3,
    whenInDoubt: options.whenInDoubt ?? 'park',
    compensate: options.compensate ?? 'always',
    missedTimers: options.missedTimers ?? 'fire',
    migrate: options.migrate,
    workspaceTimeoutMs: options.workspaceTimeoutMs ?? 60_000,
    memoryLimitBytes: options.memoryLimitBytes ?? 32 * 1024 * 1024,
    journalLimit: options.journalLimit ?? 50_000,
    limits: options.limits,
  };
}
