import type { Json } from '../shared/json.js';
import type { Actor } from './actor.js';
import type { BreakerChange } from './breaker.js';
import type { BudgetOwner, RaisedCeilings, SharedBudgetFigure } from './budget.js';
import type { Conflict } from './reducer.js';
import type { Spend } from './usage.js';

export type RunStatus = 'proposed' | 'approved' | 'executing' | 'synthesizing' | 'completed' | 'failed' | 'cancelled';
export type TerminalRunStatus = 'completed' | 'failed' | 'cancelled';
export type StepStatus =
  | 'blocked'
  | 'ready'
  | 'gated'
  | 'running'
  | 'backing-off'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled'
  | 'in-doubt'
  | 'compensating'
  | 'compensated';

export type { Actor } from './actor.js';

/** A fault as it is stored: plain data that survives a restart. `code` is stable, `message` is for people. */
export interface StoredError {
  readonly code: string;
  readonly message: string;
  readonly [fact: string]: Json | undefined;
}

/** An output that synthesis will not get, and why. */
export interface Gap {
  readonly key: string;
  readonly status: 'failed' | 'skipped' | 'cancelled' | 'in-doubt';
  readonly reason: StoredError;
}

/** A person's word on a gated or doubtful step. */
export interface Decision {
  readonly approve: boolean;
  readonly by: Actor;
  readonly note?: string;
  /** For a step in doubt that is approved: the output it is taken to have had. Default: `null`. */
  readonly output?: Json;
}

/** A ticket of a project that was done already when its run was approved, and what came of it. */
export interface DoneTicket {
  readonly stepId: string;
  readonly output: Json;
}

/** When steps that succeeded are compensated: their run failed, or was cancelled. */
export type CompensationPolicy = 'always' | 'on-failure' | 'on-cancel' | 'never';

/** Whether an effect that is in doubt has happened. */
export type ProbeFinding =
  | { readonly kind: 'happened'; readonly output: Json; readonly spend: Spend }
  | { readonly kind: 'not-happened' }
  | { readonly kind: 'unknown'; readonly error?: StoredError };

/** The dependents that a `route` step chose, and why. */
export interface Branch {
  readonly to: readonly string[];
  readonly reason: string;
  /** Who chose: a rule of the plan, or the step's agent. Absent for the steps that a decision has added. */
  readonly by?: 'rule' | 'model';
}

interface StepInput {
  readonly stepId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/**
 * Everything that can happen to a running plan, as the outside world tells the kernel. `at` is when, in milliseconds since the
 * epoch; the kernel has no other clock.
 */
export type RunInput = { readonly at: number } &
  /**
   * `graceMs`: how long aborted steps may take to end when the run stops. `steps`: the work steps that may start, where only a
   * part was approved.
   */
  (
    | {
        readonly type: 'run.start';
        readonly graceMs: number;
        readonly steps?: readonly string[];
        /** Tickets that were done before, with their outputs: they are not started. */
        readonly done?: readonly DoneTicket[];
        /** When steps that succeeded are compensated because the run did not. Default: `always`. */
        readonly compensate?: CompensationPolicy;
      }
    /** More of the plan was approved. */
    | { readonly type: 'run.widen'; readonly steps: readonly string[]; readonly approvedBy: Actor }
    /**
     * Another plan was approved while the run is under way, as JSON, with who fills its roles from now on. `from` and `digest` are what was approved before
     * and now; `running` says what becomes of steps under way that it changes or drops.
     */
    | {
        readonly type: 'run.replanned';
        readonly revision: number;
        readonly from: string;
        readonly digest: string;
        readonly plan: Json;
        readonly roles: Readonly<Record<string, { readonly agentId: string }>>;
        readonly running: 'finish' | 'cancel';
        readonly approvedBy: Actor;
      }
    /** Goes on with a fan-out that one step was too much for; the answer to a `continue` command. */
    | { readonly type: 'run.continue' }
    /** `reason` and `error`: why, where nobody asked for it. */
    | { readonly type: 'run.pause'; readonly reason?: string; readonly error?: StoredError }
    | { readonly type: 'run.resume' }
    /** `compensate`: whether steps that succeeded are compensated, where that differs from the policy of the run. */
    | { readonly type: 'run.cancel'; readonly reason: string; readonly compensate?: boolean }
    /**
     * A process has taken the run up after the one before it was lost, or let it go. Attempts that were under way are asked for again under
     * the same ids, or are in doubt; timers are set again.
     */
    | {
        readonly type: 'run.recovered';
        /** Steps whose start counts as lost: they may be what took the process down. */
        readonly lost: readonly string[];
        /** A step that has lost so many starts is not started again: it is in doubt. */
        readonly maxLostStarts: number;
        /** How much later every deadline is due, in milliseconds: 0, or how long no process was there. */
        readonly shiftMs: number;
      }
    | { readonly type: 'run.deadline' }
    /** So much of the run's time is used up that it is told. */
    | { readonly type: 'run.time-used' }
    /** Somebody who may has raised ceilings. */
    | {
        readonly type: 'run.budget-raised';
        readonly owner: BudgetOwner;
        readonly ceilings: RaisedCeilings;
        readonly by: Actor;
        readonly note?: string;
      }
    | { readonly type: 'run.grace-over' }
    | { readonly type: 'run.delivered' }
    | { readonly type: 'run.delivery-failed'; readonly error: StoredError }
    /** `agentId`: who carries it out, where that is not the agent of the step's role. */
    | ({ readonly type: 'step.started'; readonly agentId?: string } & StepInput)
    /**
     * `branch`: where a `route` step leads; its other dependents are skipped. `route`: what its agent wants to be done next, as it was given;
     * only a step that decides is listened to. `conflicts`: what writers did not agree on whose outputs the step has joined.
     */
    | ({
        readonly type: 'step.succeeded';
        readonly output: Json;
        readonly spend: Spend;
        readonly branch?: Branch;
        readonly route?: Json;
        readonly conflicts?: readonly Conflict[];
      } & StepInput)
    /** `notBefore`: another attempt is of no use before then, in milliseconds since the epoch. */
    | ({
        readonly type: 'step.failed';
        readonly error: StoredError;
        readonly retryable: boolean;
        /** Its agent does not know whether it has happened all the same. */
        readonly inDoubt?: true;
        readonly spend: Spend;
        readonly notBefore?: number;
      } & StepInput)
    /**
     * The agent was turned away by a provider that asks for a pause. No failure: the same attempt is made again at `retryAt`; without it, after
     * the pause before another attempt.
     */
    | ({
        readonly type: 'step.throttled';
        readonly error: StoredError;
        readonly retryAt?: number;
        readonly spend: Spend;
      } & StepInput)
    | ({ readonly type: 'step.timed-out' } & StepInput)
    /** The attempt has given no sign of life for as long as it may. `details`: what it said with the last. */
    | ({ readonly type: 'step.heartbeat-missed'; readonly lastBeatAt: number; readonly details?: Json } & StepInput)
    /** The time is over that all attempts at a step have together. */
    | { readonly type: 'step.time-over'; readonly stepId: string }
    | ({ readonly type: 'step.retry-due' } & StepInput)
    | ({ readonly type: 'step.spent'; readonly spend: Spend } & StepInput)
    /** An attempt that was aborted has not ended in its grace time: it is taken to have spent what it held. */
    | ({ readonly type: 'step.given-up' } & StepInput)
    | ({ readonly type: 'step.progress'; readonly message: string } & StepInput)
    /** An attempt that nobody waits for any more has given this after all. It changes nothing, and is not lost. */
    | ({ readonly type: 'step.late'; readonly output: Json } & StepInput)
    /** What was decided of a tool that the attempt wants to call. */
    | ({
        readonly type: 'step.tool-ruled';
        readonly policy: string;
        readonly verdict: 'allow' | 'deny';
        readonly reason: string;
        readonly tool: string;
      } & StepInput)
    /** The attempt has ended because a tool that it wants to call needs a person. `call`: digest of that call. */
    | ({
        readonly type: 'step.interrupted';
        readonly policy: string;
        readonly reason: string;
        readonly tool: string;
        readonly call: string;
        readonly spend: Spend;
      } & StepInput)
    /** A step that was added has not ended in the time in which it was expected to. It goes on. */
    | { readonly type: 'step.overdue'; readonly stepId: string }
    | { readonly type: 'step.decided'; readonly stepId: string; readonly decision: Decision }
    /** A gate that nobody answered in its time. */
    | { readonly type: 'step.gate-expired'; readonly stepId: string }
    /** What the agent's `probe` found out about a step in doubt. */
    | ({ readonly type: 'step.probed'; readonly finding: ProbeFinding } & StepInput)
    | { readonly type: 'effect.recorded'; readonly stepId: string; readonly name: string; readonly value: Json }
  );

/** What happens to a run before and around its machines. Not for the kernel, but in the same journal. */
export type RunRecordInput = { readonly at: number } &
  /** `digest`: of the plan that was made of it, which is kept beside the journal. */
  (
    | {
        readonly type: 'run.proposed';
        readonly proposal: Json;
        readonly author: Actor | null;
        readonly digest: string;
        /** Who pays for the run; absent for nobody in particular. */
        readonly tenant?: string;
      }
    /** A plan that was written by hand, without a proposal. */
    | { readonly type: 'run.planned'; readonly digest: string; readonly revision: number; readonly tenant?: string }
    | {
        readonly type: 'run.revised';
        readonly proposal: Json;
        readonly revision: number;
        readonly author: Actor | null;
        readonly digest: string;
      }
    /** Another plan for a run that is under way. It changes nothing before it is approved. */
    | {
        readonly type: 'run.replan-proposed';
        readonly proposal: Json;
        readonly revision: number;
        readonly author: Actor | null;
        readonly digest: string;
      }
    | {
        readonly type: 'run.approved';
        readonly revision: number;
        readonly digest: string;
        readonly approvedBy: Actor;
        /** The work steps that were approved; `null` for all. */
        readonly steps: readonly string[] | null;
        /** Tickets that were done before; absent where there are none. */
        readonly done?: readonly DoneTicket[];
      }
    | { readonly type: 'role.hired'; readonly role: string; readonly agentId: string }
    | { readonly type: 'team.created'; readonly teamId: string }
    | { readonly type: 'project.created'; readonly projectId: string }
    | {
        readonly type: 'run.provisioned';
        readonly roles: Readonly<Record<string, { readonly agentId: string }>>;
        /** Digest of the machines that were made. */
        readonly digest: string;
      }
    /** Its machines have another digest than before, and a migration said that it may go on with them. */
    | { readonly type: 'run.migrated'; readonly from: string; readonly to: string }
    /** A circuit breaker that the run has to do with stands elsewhere than the run knew. */
    | ({ readonly type: 'breaker.changed' } & BreakerChange)
    /** Its process has stopped in good order: attempts that were under way have ended or were aborted, none of them took it down. */
    | { readonly type: 'run.let-go' }
    | { readonly type: 'run.refused'; readonly error: StoredError }
    | { readonly type: 'run.withdrawn'; readonly reason: string }
    | { readonly type: 'role.released'; readonly role: string; readonly agentId: string }
    /** What this run has just spent has brought a budget that it shares with others close to its ceiling. */
    | ({ readonly type: 'run.tenant-warned' } & SharedBudgetFigure)
    /** The end of the run has reached everyone who had to hear of it. */
    | { readonly type: 'run.landed' }
  );

/** One entry of a run's journal. `seq` is 1 for the first and grows by one. */
export type JournalEntry = { readonly seq: number } & (RunInput | RunRecordInput);
