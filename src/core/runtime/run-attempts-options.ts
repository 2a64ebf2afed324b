import type { SessionEnd } from '../ports/agent.js';
import type { Clock } from '../ports/clock.js';
import type { ResourceLimit } from '../ports/proposal.js';
import type { Command } from '../ports/run-output.js';
import type { AgentDirectory } from './agent-directory.js';
import type { Artifacts } from './artifacts.js';
import type { AttemptCallees } from './attempt-callees.js';
import type { ProbeCommand, StartCommand } from './attempt-command.js';
import type { BreakerSpecs } from './breaker-specs.js';
import type { Breakers } from './breakers.js';
import type { TenantOptions } from './orchestrator-options.js';
import type { ResourceCalls } from './resource-calls.js';
import type { RunDriver } from './run-driver.js';
import type { RunState } from './run-state.js';
import type { WorkQueue } from './work-queue.js';

/** Carries out the attempts of one run: waits for a place, calls the agent, and tells the kernel how it went. */
export interface RunAttempts {
  start(command: StartCommand): void;
  abort(command: AbortCommand): void;
  /** Asks the agent of a step in doubt what has happened. */
  probe(command: ProbeCommand): void;
  /** Takes up what was held back while the run was paused. */
  release(): void;
  abortAll(reason: string): void;
  readonly putOffs: AttemptCallees['putOffs'];
  readonly pausedCalls: ResourceCalls['paused'];
  /** Tells agents that their conversations are over; `undefined` where none wants to know. */
  endSessions(reason: SessionEnd['reason']): Promise<unknown> | undefined;
}

export interface RunAttemptsOptions {
  readonly state: RunState;
  readonly driver: () => RunDriver;
  readonly queue: WorkQueue;
  /** Where attempts wait that have taken their process down before: one of them begins at a time. */
  readonly suspects: WorkQueue;
  readonly agents: AgentDirectory;
  /** Limits of what all runs share. */
  readonly resources: Readonly<Record<string, ResourceLimit>>;
  /** Circuit breakers of what all runs share, and which there are. */
  readonly breakers: Breakers;
  readonly breakerSpecs: BreakerSpecs;
  /** Attempts of any one run at once. */
  readonly runConcurrency: number | undefined;
  readonly tenants: Readonly<Record<string, TenantOptions>>;
  readonly isClosing: () => boolean;
  readonly clock: Clock;
  /** How long an attempt that was aborted keeps its place in the queue. */
  readonly graceMs: number;
  /** What becomes of a step in doubt that no probe can tell of. */
  readonly whenInDoubt: 'park' | 'fail';
  readonly artifacts: Artifacts | undefined;
}

/** What an attempt is called off by. */
export type AbortCommand = Pick<Extract<Command, { readonly type: 'step.abort' }>, 'stepId' | 'reason' | 'isOutOfTime'>;
