import type { Json } from '../shared/json.js';
import type { BudgetUnit } from '../ports/budget.js';
import type { StepKind } from '../ports/plan.js';
import type { AppliedPolicy } from '../ports/policy.js';
import type { Conflict } from '../ports/reducer.js';
import type { Branch, StepStatus, StoredError } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';
import type { BreakerWait, LimitWait, WaitReason } from '../ports/wait.js';

/** One step as it stands. Times are milliseconds since the epoch, on the run's one clock. */
export interface StepView {
  readonly id: string;
  readonly title: string;
  readonly kind: StepKind;
  readonly role?: string;
  /** Who fills the role; known once the run is set up. */
  readonly agentId?: string;
  /** Its level in the plan, from 0; of a step that was added, the level of the step that it was added for. */
  readonly wave: number;
  /** Present on a step that others are added for: no agent carries it out itself. */
  readonly isGoal?: true;
  /** Where it was added while the run was under way: the step that it was added for, the one that decided on it, and what it waits for. */
  readonly goal?: string;
  readonly parent?: string;
  readonly dependsOn?: readonly string[];
  /** Delegations that it lies in, its own included. */
  readonly depth?: number;
  /** Where it leads, or which steps were added because of what it has decided, and why. */
  readonly decision?: Branch;
  /** What of its agent's route was not followed. */
  readonly refusals?: readonly StoredError[];
  /** What a policy has decided for it last. */
  readonly policy?: AppliedPolicy;
  /** It has not ended in the time in which it was expected to. */
  readonly overdue?: true;
  /** What an attempt has given that nobody waited for any more. */
  readonly late?: { readonly attempt: number; readonly output: Json };
  readonly status: StepStatus;
  /** Why it is not at work, where it has not ended and is not. */
  readonly waiting?: WaitReason;
  /** Calls of shared resources that its agent has made and that wait for their turn. Known where the run is driven. */
  readonly callsWaiting?: readonly (LimitWait | BreakerWait)[];
  /** Attempts at the step itself that have started. */
  readonly attempts: number;
  /** Revision of the plan by which its last attempt was started. */
  readonly revision?: number;
  /** When its dependencies were met. */
  readonly queuedAt?: number;
  /** When its first attempt started. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Time in attempts, those to undo it included, without queues and pauses between them, in milliseconds. */
  readonly activeMs: number;
  /**
   * Time for which it could have been at work and was not begun, before any of its attempts, in milliseconds: in lines for what is limited, for budget, and
   * while the run was paused. Gates and pauses between attempts are not in it, nor is the time without a process.
   */
  readonly queuedMs: number;
  /** Attempts that were begun once more under the same key, because their process was gone; absent for none. */
  readonly repeats?: number;
  readonly output?: Json;
  /** Its output has passed a verification. */
  readonly isVerified?: true;
  /** What the writers did not agree on whose outputs it has joined; absent where they did. */
  readonly conflicts?: readonly Conflict[];
  /** Its output was let go from memory. `run.output(stepId)` reads it from the store. */
  readonly outputReleased?: true;
  readonly error?: StoredError;
  /** When the next attempt is due, at the step or to undo it, while there is a pause before it. */
  readonly retryAt?: number;
  /** The last line of progress that its agent reported. */
  readonly progress?: string;
  readonly usage: UsageTotals;
  /** The last attempt that spent more than it was allowed to. */
  readonly overrun?: {
    readonly attempt: number;
    readonly unit: BudgetUnit;
    readonly allowed: number;
    readonly spent: number;
  };
}
