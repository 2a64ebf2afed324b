import type { Approval } from '../approval/approve-plan.js';
import type { Json } from '../shared/json.js';
import type { RunEvent } from '../ports/run-output.js';
import type { Actor, Gap, StoredError, TerminalRunStatus } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';
import type { RunView } from '../views/run-view.js';
import type { ReadOptions } from './event-log.js';
import type { DurabilityFigures } from './run-journal.js';

/** How a run ended. */
export interface RunResult {
  readonly status: TerminalRunStatus;
  /** Output of the synthesis; there when `completed`. */
  readonly deliverable?: Json;
  /** Whether the deliverable has passed a verification; there when `completed`. */
  readonly isVerified?: boolean;
  /** Tickets without an output, and why. */
  readonly gaps: readonly Gap[];
  readonly usage: UsageTotals;
  /**
   * Why it failed (`budget_exceeded`, `deadline_exceeded`, `all_tickets_failed`, `step_failed`, `synthesis_failed`,
   * `delivery_failed`, `provisioning_failed`), or the reason that its cancellation was given.
   */
  readonly reason?: string;
  /** The failure in full. */
  readonly error?: StoredError;
}

/** A person's word on a step that waits for one. */
export interface DecisionInput {
  readonly approve: boolean;
  /** Who decides: a user's id, or the actor in full. Not an agent. */
  readonly by: string | Actor;
  readonly note?: string;
  /** For a step in doubt that is approved: the output it is taken to have had. Default: `null`. */
  readonly output?: Json;
}

/** A person's word on a budget that is, or will be, exhausted. */
export interface BudgetRaise {
  /** The ceilings that change, as they shall be from now on: money in US dollars. Each must be above the present one. */
  readonly budget: {
    readonly maxCostUsd?: number;
    readonly maxTokens?: number;
    readonly maxAttempts?: number;
    /** Of the run only. */
    readonly maxSteps?: number;
    /** Of the run only, from its first start, in milliseconds. */
    readonly maxDurationMs?: number;
  };
  /** Who raises it: a user's id, or the actor in full. Not an agent. */
  readonly by: string | Actor;
  readonly note?: string;
  /** Key of the role whose budget it is. Default: the run's. */
  readonly role?: string;
  /** Id of the step whose budget it is. */
  readonly stepId?: string;
}

/** A handle on one run. Any number of handles may be held; none needs to be. */
export interface Run {
  readonly runId: string;
  /**
   * Resolves when the run has ended, also when it failed or was cancelled.
   *
   * @throws RunHaltedError when it cannot go on in this process.
   */
  result(): Promise<RunResult>;
  /** Everything known of the run at this moment, as plain data. */
  view(): RunView;
  /**
   * What it has cost to keep the run, in this process, and what that has spared: how often the run was taken up after its process was lost, and
   * how many steps had settled by the last time, which were not run again.
   */
  durability(): DurabilityFigures & { readonly recoveries: number; readonly stepsKept: number };
  /** The output of a step, also one that was let go from memory; `undefined` where it has none. */
  output(stepId: string): Promise<Json | undefined>;
  /** Events in order from a cursor on, then what comes, until the run has ended. */
  events(options?: ReadOptions): AsyncIterable<RunEvent>;
  /** No new step starts until `resume`; steps under way go on. Rejects with IllegalInputError when the run is not under way. */
  pause(): Promise<void>;
  /** Rejects with IllegalInputError when the run is not paused. */
  resume(): Promise<void>;
  /**
   * Ends the run: aborts what is under way and waits until it has ended or the grace time is over. Rejects with IllegalInputError
   * when the run is over already.
   */
  cancel(options?: {
    readonly reason?: string;
    /** Whether what succeeded is compensated. Default: as the orchestrator's `compensate` says. */
    readonly compensate?: boolean;
  }): Promise<RunResult>;
  /**
   * Approves more of a plan of which only a part was. Together with that part the steps must have all their dependencies.
   * Rejects with ApprovalRefusedError otherwise.
   */
  approveSteps(steps: readonly string[], options: { readonly approvedBy: Approval['approvedBy'] }): Promise<void>;
  /**
   * Raises ceilings of the run, or of a role or a step that has a budget. What waits for that goes on, and so does a run that paused for it. It is
   * on record who did. Rejects with ApprovalRefusedError where an agent asks, or for figures that are none, and with IllegalInputError where there
   * is no such ceiling, where it would not go up, or when the run is over.
   */
  raiseBudget(raise: BudgetRaise): Promise<void>;
  /** Answers a gate, or says of a step in doubt whether it happened. Rejects with IllegalInputError when the step does not wait. */
  decide(stepId: string, decision: DecisionInput): Promise<void>;
}
