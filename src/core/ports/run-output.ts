import type { Json } from '../shared/json.js';
import type { BreakerChange } from './breaker.js';
import type { Allowance, Spend } from './usage.js';
import type { Phase, StepKind } from './plan.js';
import type { BudgetFact, SharedBudgetFigure } from './budget.js';
import type { AppliedPolicy } from './policy.js';
import type { Conflict } from './reducer.js';
import type { TerminalRunStatus, Actor, StoredError, Decision, Branch, RunInput } from './run.js';

/**
 * What the kernel asks of the world. `id` is `seq.n`: the journal entry that caused it, and its place among that entry's
 * commands. It follows from the journal alone, so a replay gives the same ids.
 */
export type Command = { readonly id: string } & (
  | {
      readonly type: 'step.start';
      readonly stepId: string;
      readonly attempt: number;
      readonly allowance: Allowance;
      /** Starts of this attempt that were lost with their process; absent for none. Its start is then made durable before it begins. */
      readonly lostStarts?: number;
    }
  /** Undo what the step did. `attempt` counts on from the attempts at the step itself; `effort` is 1 for the first attempt to undo. */
  | {
      readonly type: 'step.compensate';
      readonly stepId: string;
      readonly attempt: number;
      readonly effort: number;
      readonly allowance: Allowance;
    }
  /** Ask the agent whether the effect of a step in doubt has happened. */
  | {
      readonly type: 'step.probe';
      readonly stepId: string;
      readonly attempt: number;
      /** Id of the command that the attempt was started with: the key under which its effect is known. */
      readonly startId: string;
    }
  /** `isOutOfTime`: because it took too long; absent where it is not wanted any more. */
  | {
      readonly type: 'step.abort';
      readonly stepId: string;
      readonly attempt: number;
      readonly reason: string;
      readonly isOutOfTime?: true;
    }
  | { readonly type: 'timer.set'; readonly timer: string; readonly dueAt: number; readonly input: RunInput }
  | { readonly type: 'timer.clear'; readonly timer: string }
  | { readonly type: 'run.deliver' }
  | { readonly type: 'continue' }
  | { readonly type: 'run.ended'; readonly status: TerminalRunStatus }
  /** What a run had left to do after its end is done: nothing more comes of it. Absent where there was nothing left. */
  | { readonly type: 'run.settled' }
  | { readonly type: 'publish'; readonly event: RunFact }
);

/** What is told of a step that is added while the run is under way. */
export interface AddedStepFact {
  readonly kind: StepKind;
  readonly phase: Phase;
  readonly title: string;
  /** Absent for a step that calls no agent. */
  readonly role?: string;
  readonly agentId?: string;
  /** The step that it was added for. */
  readonly goal: string;
  /** The step that decided on it, or the goal. */
  readonly parent: string;
  /** Delegations that it lies in, its own included. */
  readonly depth: number;
  /** Present on one that others are added for: no agent carries it out itself. */
  readonly isGoal?: true;
  /** Steps that must have ended before it starts. */
  readonly dependsOn: readonly string[];
}

/** What is told of a plan that has taken the place of another while the run is under way. */
export interface ReplannedFact {
  readonly revision: number;
  /** Digest of what was approved before. */
  readonly from: string;
  /** Digest of what was approved now. */
  readonly digest: string;
  readonly approvedBy: Actor;
  readonly running: 'finish' | 'cancel';
  /** Steps that the new plan would have otherwise, or not at all, and that stay because they had begun. */
  readonly retained: readonly string[];
  /** Steps of the old plan that will not be. */
  readonly dropped: readonly string[];
  /** All steps as they are planned from now on, in their order. */
  readonly steps: readonly PlannedStepFact[];
}

/** A step of a plan that has taken the place of another. */
export interface PlannedStepFact {
  readonly id: string;
  readonly kind: StepKind;
  readonly title: string;
  readonly role?: string;
  readonly agentId?: string;
  readonly isGoal?: true;
  /** Absent in what was stored by versions that did not tell. */
  readonly dependsOn?: readonly string[];
  readonly wave: number;
  /** `kept`: it is as it was. `fresh`: it waits for its turn. `new`: it was not there before. */
  readonly standing: 'kept' | 'fresh' | 'new';
}

/** Something that became true of a run; what {@link RunEvent} carries. */
export type RunFact =
  | BudgetFact
  /** `tenant`: who pays for the run; absent for nobody in particular. */
  | { readonly type: 'run.proposed'; readonly revision: number; readonly digest: string; readonly tenant?: string }
  | { readonly type: 'run.revised'; readonly revision: number; readonly digest: string }
  | {
      readonly type: 'run.approved';
      readonly revision: number;
      readonly digest: string;
      readonly approvedBy: Actor;
      /** The work steps that were approved; `null` for all. */
      readonly steps: readonly string[] | null;
    }
  | { readonly type: 'run.widened'; readonly steps: readonly string[]; readonly approvedBy: Actor }
  /** Another plan for the run lies there; nothing has changed. */
  | { readonly type: 'run.replan-proposed'; readonly revision: number; readonly digest: string }
  | ({ readonly type: 'run.replanned' } & ReplannedFact)
  | { readonly type: 'run.hired'; readonly role: string; readonly agentId: string }
  | {
      readonly type: 'run.provisioned';
      readonly teamId: string | null;
      readonly projectId: string | null;
      /** Agents by role key. */
      readonly roles: Readonly<Record<string, { readonly agentId: string }>>;
    }
  | { readonly type: 'run.released'; readonly role: string; readonly agentId: string }
  | { readonly type: 'run.started' }
  | { readonly type: 'run.synthesizing' }
  /** `error`: what it waits for, where it has paused by itself. */
  | { readonly type: 'run.paused'; readonly reason: string; readonly error?: StoredError }
  /** What this run has just spent has brought a budget that it shares with others close to its ceiling. */
  | ({ readonly type: 'run.tenant-warned' } & SharedBudgetFigure)
  | { readonly type: 'run.resumed' }
  /** Taken up by a process after another was lost, or let it go; `lost` are the steps whose starts count as lost. */
  | { readonly type: 'run.recovered'; readonly lost: readonly string[] }
  | { readonly type: 'run.stopping'; readonly to: 'failed' | 'cancelled'; readonly reason: string }
  | { readonly type: 'run.completed' }
  | { readonly type: 'run.failed'; readonly reason: string; readonly error: StoredError }
  /** `error`: what went wrong on the way out; absent for nothing. */
  | { readonly type: 'run.cancelled'; readonly reason: string; readonly error?: StoredError }
  | { readonly type: 'step.ready'; readonly stepId: string }
  | { readonly type: 'step.gated'; readonly stepId: string; readonly prompt: string }
  | { readonly type: 'step.decided'; readonly stepId: string; readonly decision: Decision }
  /** `agentId`: who carries it out, where that is not the agent of the step's role. */
  | { readonly type: 'step.started'; readonly stepId: string; readonly attempt: number; readonly agentId?: string }
  /** A circuit breaker that the run has to do with stands elsewhere than was told before. */
  | ({ readonly type: 'breaker.changed' } & BreakerChange)
  | { readonly type: 'step.progress'; readonly stepId: string; readonly attempt: number; readonly message: string }
  | {
      readonly type: 'step.backing-off';
      readonly stepId: string;
      readonly attempt: number;
      readonly error: StoredError;
      readonly retryAt: number;
      /** How often in a row its provider has asked for a pause, this time included: no failure. Absent for a failed attempt. */
      readonly throttled?: number;
      readonly spend: Spend;
    }
  | {
      readonly type: 'step.succeeded';
      readonly stepId: string;
      readonly attempt: number;
      readonly output: Json;
      readonly spend: Spend;
      /** The step that made the output, where steps were added for this one. */
      readonly outputFrom?: string;
      /** It has passed its verification. */
      readonly isVerified?: true;
      /** What the writers did not agree on whose outputs were joined to this one; absent where they did. */
      readonly conflicts?: readonly Conflict[];
    }
  | {
      readonly type: 'step.failed';
      readonly stepId: string;
      readonly attempt: number;
      readonly error: StoredError;
      readonly spend: Spend;
    }
  /** Where a `route` step leads, or which steps were added because of what a step has decided. */
  | ({ readonly type: 'step.routed'; readonly stepId: string } & Branch)
  /** What of an agent's route was not followed, and why. */
  | { readonly type: 'step.route-refused'; readonly stepId: string; readonly refusals: readonly StoredError[] }
  /** What a policy has decided for a step. One that allows is told of too. */
  | ({ readonly type: 'policy.applied'; readonly stepId: string } & AppliedPolicy)
  | ({ readonly type: 'step.added'; readonly stepId: string } & AddedStepFact)
  | { readonly type: 'step.overdue'; readonly stepId: string }
  /** What an attempt has given that nobody waited for any more. */
  | { readonly type: 'step.late'; readonly stepId: string; readonly attempt: number; readonly output: Json }
  | { readonly type: 'step.spent'; readonly stepId: string; readonly attempt: number; readonly spend: Spend }
  | { readonly type: 'step.skipped'; readonly stepId: string; readonly error: StoredError }
  | { readonly type: 'step.cancelled'; readonly stepId: string; readonly error: StoredError }
  | { readonly type: 'step.in-doubt'; readonly stepId: string; readonly attempt: number; readonly error: StoredError }
  | { readonly type: 'step.compensating'; readonly stepId: string; readonly attempt: number }
  | { readonly type: 'step.compensated'; readonly stepId: string; readonly attempt: number; readonly spend: Spend }
  /** `retryAt`: when it is tried again; absent when it is not, and a person has to see to it. */
  | {
      readonly type: 'step.compensation-failed';
      readonly stepId: string;
      readonly attempt: number;
      readonly error: StoredError;
      readonly spend: Spend;
      readonly retryAt?: number;
      /** As for `step.backing-off`. */
      readonly throttled?: number;
    };

/** {@link RunFact} with its place in the run's own order: `seq` is 1 for the first event and grows by one. */
export type RunEvent = RunFact & { readonly seq: number; readonly at: number; readonly runId: string };
