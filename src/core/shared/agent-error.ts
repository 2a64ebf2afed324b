import type { ErrorClass } from './error-class.js';
import { PlanwrightError } from './error.js';

/** What an {@link AgentError} carries besides its message. */
export interface AgentErrorOptions extends ErrorOptions {
  /** Stable code of what went wrong, as the agent names it. Default: `failed`. */
  readonly reason?: string;
  /** Whether another attempt may succeed. Default: true, unless the class is `fatal`. */
  readonly retryable?: boolean;
  /** What kind of failure it is, where that is more than whether another attempt may succeed. Default: `retryable` or `fatal`, as `retryable` says. */
  readonly class?: ErrorClass;
  /** For the class `throttled`: how long the provider asks to be left alone, in milliseconds. Default: the pause before another attempt. */
  readonly retryAfterMs?: number;
  /** What the failed attempt spent, in the shape of `Usage`. Left out, nothing is charged for it. */
  readonly usage?: AgentErrorUsage;
}

/** `Usage` of the ports, which shared may not import. */
interface AgentErrorUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costUsd?: number;
  readonly provenance?: 'measured' | 'provider-reported' | 'estimated';
}

/**
 * Thrown by an agent to say what kind of failure this was, whether another attempt is worth it, and what it cost. Anything
 * else that an agent throws is read by its HTTP status, if it has one, or else counts as retryable; its cost is not known.
 *
 * @example
 * throw new AgentError('The model refused the task.', { reason: 'refused', retryable: false, usage: { costUsd: 0.02 } });
 */
export class AgentError extends PlanwrightError {
  readonly code = 'AGENT_FAILED';
  readonly reason: string;
  readonly retryable: boolean;
  readonly class: ErrorClass;
  readonly retryAfterMs: number | undefined;
  readonly usage: AgentErrorUsage | undefined;

  constructor(message: string, options: AgentErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.reason = options.reason ?? 'failed';
    this.retryable = options.retryable ?? options.class !== 'fatal';
    this.class = options.class ?? (this.retryable ? 'retryable' : 'fatal');
    this.retryAfterMs = options.retryAfterMs;
    this.usage = options.usage;
  }
}
