import type { CustomReducers } from '../plan/reduce.js';
import type { Agent, AgentFunction } from '../ports/agent.js';
import type { Clock, IdSource } from '../ports/clock.js';
import type { ResourceLimit } from '../ports/proposal.js';
import type { CompensationPolicy } from '../ports/run.js';
import type { RunStore } from '../ports/store.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { Topology } from '../ports/topology.js';
import type { Workspace } from '../ports/workspace.js';
import type { ProposalLimits } from '../proposal/proposal-limits.js';
import type { ArtifactOptions, Artifacts } from './artifacts.js';
import type { BreakerOptions, BreakerSpecs } from './breaker-specs.js';
import type { Migration } from './run-state.js';

/** Ceilings on what several runs spend together. What is left out has none. */
export interface SharedCeilings {
  /** US dollars. */
  readonly maxCostUsd?: number;
  /** Input and output tokens. */
  readonly maxTokens?: number;
}

/** A budget that runs share. */
export interface TenantBudget extends SharedCeilings {
  /** Share of a ceiling that, once it is spent, is told of. Default: 0.8. */
  readonly warnAt?: number;
  /**
   * What becomes of a step for which nothing is left: its run is paused until somebody resumes it, or the step fails. What was only estimated never
   * fails a step. Default: `pause`.
   */
  readonly onExceeded?: 'fail' | 'pause';
}

/** What the runs of one tenant may take together, in this orchestrator. */
export interface TenantOptions {
  readonly budget?: TenantBudget;
  /** Attempts that may work at once. Default: no limit below that of the orchestrator. */
  readonly concurrency?: number;
  /** Runs that may be under way at once. Default: no limit below that of the orchestrator. */
  readonly maxRuns?: number;
}

/** What an orchestrator is made of. Only `agents` is required. */
export interface OrchestratorOptions {
  /** Agents by id; a plain async function is one. */
  readonly agents: Readonly<Record<string, Agent | AgentFunction>>;
  /** Default: memory, which ends with the process. */
  readonly store?: RunStore;
  /** The house around the runs: hires, tickets, channels. Default: none. */
  readonly workspace?: Workspace;
  /** Topologies besides the built-in ones; one of the same kind takes its place. */
  readonly topologies?: readonly Topology[];
  /** Reducers besides the built-in ones; a plan names them as `custom:<name>`. */
  readonly reducers?: CustomReducers;
  /** Shared resources besides those that proposals declare. */
  readonly resources?: Readonly<Record<string, ResourceLimit>>;
  /** Circuit breakers of agents, besides those that proposals declare. Those of resources stand in `resources`. */
  readonly breakers?: BreakerOptions;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Ids of new runs. Default: ULIDs. */
  readonly ids?: IdSource;
  /**
   * Name of this process, for stores that several processes share. A process that starts under the name of another takes its place at
   * once, so no two may have the same name at a time. Default: none; then a process takes over from one that has ended, or whose lease has run out.
   */
  readonly owner?: string;
  /** How long a process holds its runs without a sign of life, in milliseconds. Default: 30,000. */
  readonly leaseMs?: number;
  /** Starts of an attempt that may be lost with their process, before the step is in doubt and not started again. Default: 3. */
  readonly maxLostStarts?: number;
  /** What becomes of a step in doubt that no probe can tell of: it waits for `run.decide`, or fails. Default: `park`. */
  readonly whenInDoubt?: 'park' | 'fail';
  /** When steps that succeeded are compensated: their run failed, or was cancelled. Default: `always`. */
  readonly compensate?: CompensationPolicy;
  /** What becomes of timers that fell due while no process was there: they fire at once, or every deadline is put off by that time. Default: `fire`. */
  readonly missedTimers?: 'fire' | 'extend';
  /** Lets a run go on whose machines come out with another digest than it was started with. Default: such a run is refused. */
  readonly migrate?: Migration;
  readonly telemetry?: Telemetry;
  /** Where outputs go that are too big for a journal: what depends on them gets references. Default: every output stays in the journal. */
  readonly artifacts?: ArtifactOptions;
  /** Attempts of all runs that may work at once. Default: 1,000. */
  readonly concurrency?: number;
  /** Attempts of any one run that may work at once, whatever its plan allows. Default: no limit below `concurrency`. */
  readonly runConcurrency?: number;
  /** Runs that may be under way at once: approved, and not yet ended. Default: 10,000. */
  readonly maxRuns?: number;
  /** What `approve` does when there are as many: it waits for its turn, or rejects with OrchestratorBusyError. Default: `wait`. */
  readonly whenFull?: 'wait' | 'refuse';
  /** Approvals that may wait; beyond that, one of the tenant with most waiting is refused. Default: 10,000. */
  readonly maxQueuedRuns?: number;
  /** How long an approval may wait, in milliseconds. Default: 3,600,000, one hour. */
  readonly maxRunWaitMs?: number;
  /** What all runs of the store may spend together. Default: no ceiling. */
  readonly budget?: TenantBudget;
  /** What the runs of a tenant may take, by its name. A tenant that is not named has no limits of its own. */
  readonly tenants?: Readonly<Record<string, TenantOptions>>;
  /** How long aborted attempts may take to end when a run stops, in milliseconds. Default: 10,000. */
  readonly graceMs?: number;
  /** How long one call of the workspace may take, in milliseconds. Default: 60,000. */
  readonly workspaceTimeoutMs?: number;
  /**
   * About how much memory the outputs and events of one run may take, in bytes. Past that, outputs that no step needs any more and the oldest
   * events are read from the store when they are asked for. Default: 32 MiB.
   */
  readonly memoryLimitBytes?: number;
  /**
   * Entries that the journal of one run may have before it is compacted: what it led to is stored in its place, and readers of events find the
   * last 1,000. Never less than four for each step of the plan. Default: 50,000.
   */
  readonly journalLimit?: number;
  /** How large proposals may be, where that differs from the defaults. */
  readonly limits?: Partial<ProposalLimits>;
}

/** {@link OrchestratorOptions} with every default filled in, and what runs share. */
export interface OrchestratorSettings {
  readonly store: RunStore;
  readonly workspace: Workspace;
  readonly topologies: readonly Topology[];
  readonly reducers: CustomReducers;
  readonly resources: Readonly<Record<string, ResourceLimit>>;
  readonly breakerSpecs: BreakerSpecs;
  readonly runConcurrency: number | undefined;
  readonly tenants: Readonly<Record<string, TenantOptions>>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly telemetry: Telemetry | undefined;
  readonly artifacts: Artifacts | undefined;
  readonly graceMs: number;
  readonly leaseMs: number;
  readonly maxLostStarts: number;
  readonly whenInDoubt: 'park' | 'fail';
  readonly compensate: CompensationPolicy;
  readonly missedTimers: 'fire' | 'extend';
  readonly migrate: Migration | undefined;
  readonly workspaceTimeoutMs: number;
  readonly memoryLimitBytes: number;
  readonly journalLimit: number;
  readonly limits: Partial<ProposalLimits> | undefined;
}
