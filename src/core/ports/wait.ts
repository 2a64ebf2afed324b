import type { BreakerKey } from './breaker.js';
import type { StoredError } from './run.js';

/**
 * The figure that stands in the way of what waits in a line. `concurrency`: so much is in use of what may be at once, and it wants `amount`. `rate`: so many
 * have started within the interval. `pause`: its provider asked for a pause. `kept`: it is free, and kept for what was passed over for long. `funds`: attempts under way hold what is left of a budget that runs share, and may
 * give it back; `orchestrator.tenant()` has its figures.
 */
export type LimitFigure =
  | { readonly kind: 'concurrency'; readonly concurrency: number; readonly inUse: number; readonly amount: number }
  | { readonly kind: 'rate'; readonly limit: number; readonly intervalMs: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'kept' }
  | { readonly kind: 'funds' };

/**
 * A place in a line for what is limited: a shared `resource`, a `role`, the attempts of one `run`, of a `tenant`, or of the whole `process`, a `shared-budget`, or
 * those that have taken their process down before, one of which begins at a time (`suspects`). Times are milliseconds since the epoch.
 */
export interface LimitWait {
  readonly for: 'resource' | 'role' | 'run' | 'tenant' | 'process' | 'shared-budget' | 'suspects';
  /** Of the resource, the role, or the tenant. */
  readonly name?: string;
  readonly since: number;
  /** 1 for what goes next, if nothing else comes or goes. Tenants and runs take turns, so what came later may stand before it. */
  readonly place: number;
  /** How many wait for it in all, of all runs. */
  readonly of: number;
  /** What stands in the way. */
  readonly limit: LimitFigure;
  /** When that opens; absent where somebody has to let go first. */
  readonly opensAt?: number;
}

/** A circuit breaker that is open: of an agent that the step would call, or of a resource that it calls. */
export interface BreakerWait {
  readonly for: 'breaker';
  readonly key: BreakerKey;
  readonly since: number;
  /** When it is tried again; absent while somebody tries it. */
  readonly opensAt?: number;
}

/** A budget that attempts under way hold, and may give back. `error` has its figures, as they would stand in a refusal. */
export interface BudgetWait {
  readonly for: 'budget';
  readonly since: number;
  /** Steps start in the order of their priority: whoever stands before it waits for the budget too. */
  readonly place: number;
  readonly of: number;
  readonly error: StoredError;
}

/** Why a step is not at work. `since`: from when on it has waited for that, in milliseconds since the epoch. */
export type WaitReason =
  /** The run has not started: nobody has approved it yet, or it is being set up. */
  | { readonly for: 'run-start'; readonly since: number }
  /** Steps that have not ended. None: they have, and the run is about to come to it. */
  | { readonly for: 'dependencies'; readonly since: number; readonly steps: readonly string[] }
  /** A person, who answers by `run.decide`, or by `run.approveSteps` where only a part of the plan was approved. */
  | { readonly for: 'decision'; readonly since: number; readonly prompt?: string }
  /** Word of whether it has happened: from its agent's `probe`, or by `run.decide`. */
  | { readonly for: 'certainty'; readonly since: number }
  /** The pause before the next attempt, at the step or to undo it. */
  | { readonly for: 'retry'; readonly since: number; readonly opensAt: number }
  /** The run is paused: by a person, or because a budget is exhausted. */
  | { readonly for: 'resume'; readonly since: number; readonly reason: string }
  | BudgetWait
  | LimitWait
  | BreakerWait
  /** It is about to start. Where another process drives the run, that is all that is known here: its lines are in that process. */
  | { readonly for: 'start'; readonly since: number };
