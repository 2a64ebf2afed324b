import type { Json } from '../shared/json.js';
import type { StepKind } from '../ports/plan.js';
import type { StepStatus, StoredError } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';

/** One step as it stands. Times are milliseconds since the epoch, on the run's one clock. */
export interface StepView {
  readonly id: string;
  readonly title: string;
  readonly kind: StepKind;
  readonly role?: string;
  /** Who fills the role; known once the run is set up. */
  readonly agentId?: string;
  /** Its level in the plan, from 0. */
  readonly wave: number;
  readonly status: StepStatus;
  /** Attempts at the step itself that have started. */
  readonly attempts: number;
  /** When its dependencies were met. */
  readonly queuedAt?: number;
  /** When its first attempt started. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Time in attempts, those to undo it included, without queues and pauses between them, in milliseconds. */
  readonly activeMs: number;
  readonly output?: Json;
  /** Its output was let go from memory. `run.output(stepId)` reads it from the store. */
  readonly outputReleased?: true;
  readonly error?: StoredError;
  /** When the next attempt is due, at the step or to undo it, while there is a pause before it. */
  readonly retryAt?: number;
  /** The last line of progress that its agent reported. */
  readonly progress?: string;
  readonly usage: UsageTotals;
}
