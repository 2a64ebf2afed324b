import type { Json, JsonObject, JsonSchema } from '../shared/json.js';
import type { PolicySpec } from './policy.js';
import type { Autonomy, Effect } from './step-traits.js';

export type { Autonomy, Effect } from './step-traits.js';
export type Priority = 'low' | 'normal' | 'high';

/** Ceilings on spend. Money in US dollars, with at most six decimals. */
export interface SpendLimit {
  readonly maxCostUsd?: number;
  readonly maxTokens?: number;
  /** Attempts in all, retries included. */
  readonly maxAttempts?: number;
}

/** Tickets that are left out when a ceiling of the run is near, unless they have begun, or something that stays depends on them. */
export interface ShedPolicy {
  /** Share of a ceiling from which on, above 0 and at most 1. */
  readonly at: number;
  /** Priorities of those tickets. Default: `low`. */
  readonly priorities?: readonly Priority[];
}

/** The hard ceilings of a run. What is left out has no ceiling of its own. */
export interface ProposalBudget extends SpendLimit {
  /** Steps that may start in all: tickets, phases, and later delegations. */
  readonly maxSteps?: number;
  /** Distinct agents that may take part. */
  readonly maxAgents?: number;
  readonly maxDelegationDepth?: number;
  /** Attempts of this run that may work at once. */
  readonly maxConcurrency?: number;
  /** From the first start of the run, in milliseconds. */
  readonly maxDurationMs?: number;
  /** What reaching a ceiling does: the run, or the step whose own or role's ceiling it is, fails, or waits for a person. Default: `fail`. */
  readonly onExceeded?: 'fail' | 'pause';
  /** Share of any ceiling from which on there is a warning, above 0 and at most 1. Default: 0.8. */
  readonly warnAt?: number;
  /** A way out when a ceiling is near. Default: none. */
  readonly shed?: ShedPolicy;
}

/**
 * When what keeps failing is left alone for a while: after so many failures in a row nothing is let through, then one call at a time as a probe, whose
 * success lets everything through again.
 */
export interface CircuitBreakerSpec {
  /** Failures in a row after which it opens. Default: 5. */
  readonly failures?: number;
  /** How long it stays open the first time, in milliseconds. Default: 30,000. */
  readonly openMs?: number;
  /** Each further pause, after a probe that failed, is this many times the one before. Default: 2. */
  readonly factor?: number;
  /** Longest pause, in milliseconds. Default: 300,000, or `openMs` where that is more. */
  readonly maxOpenMs?: number;
  /** What becomes of a call while it is open: it fails at once, or waits. Default: `fail`. */
  readonly whenOpen?: 'fail' | 'wait';
}

export interface HireSpec {
  readonly name: string;
  readonly title?: string;
  readonly persona?: string;
  readonly skills?: readonly string[];
}

interface RoleBase {
  readonly key: string;
  /** What the role is good for; a supervisor sees it. */
  readonly description?: string;
  /** Put before every task of the role: template, blank line, `## Task`, blank line, task. */
  readonly promptTemplate?: string;
  /** Whether each step gets a fresh session. Default: true. */
  readonly clear?: boolean;
  readonly tools?: readonly string[];
  readonly budget?: SpendLimit;
  /** Steps of this role that may run at once. */
  readonly concurrency?: number;
  /** For one attempt at a step of this role that names none itself, in milliseconds. */
  readonly timeoutMs?: number;
  /** For whoever fills the role. An agent has one breaker, whatever roles and runs it works for. Left out: none. */
  readonly breaker?: CircuitBreakerSpec;
  /**
   * Ids of existing agents that take over, in this order: where the one before is left alone by its breaker, has used up its attempts, or says that to ask
   * it again is of no use.
   */
  readonly fallbacks?: readonly string[];
  /** How long an attempt may give no sign of life at a step of this role that says nothing of it itself, in milliseconds. */
  readonly heartbeatTimeoutMs?: number;
  /** How far it may go by itself; it can hand work to no role that may go farther. Default: `act-freely`. */
  readonly autonomy?: Autonomy;
  /** What it must be given with a task that another role hands to it. Left out: anything, or nothing. */
  readonly inputSchema?: JsonSchema;
}
export interface ExistingRole extends RoleBase {
  readonly kind: 'existing';
  readonly agentId: string;
}
export interface HireRole extends RoleBase {
  readonly kind: 'hire';
  readonly hire: HireSpec;
}
export type Role = ExistingRole | HireRole;

export interface RetrySpec {
  /** Attempts in all, the first included. Default: 1. */
  readonly attempts?: number;
  /** Pause before the second attempt. Default: 1,000. */
  readonly backoffMs?: number;
  /** Each further pause is this many times the one before. Default: 2. */
  readonly factor?: number;
  /** Default: 30,000. */
  readonly maxBackoffMs?: number;
  /** Share of a pause that is spread at random, 0 to 1. Default: 0. */
  readonly jitter?: number;
  /** How often in a row a provider may ask for a pause before that is a failed attempt. Default: 20. */
  readonly maxThrottled?: number;
}

export interface Estimate {
  readonly costUsd?: number;
  readonly tokens?: number;
  readonly durationMs?: number;
}

export interface ResourceUse {
  readonly name: string;
  /** How much of the resource's concurrency the step takes. Default: 1. */
  readonly amount?: number;
}

/** A person must approve before the step starts. */
export interface GateSpec {
  readonly kind: 'before';
  readonly prompt: string;
  /** How long the step waits for an answer, in milliseconds. Left out, it waits for ever. */
  readonly expiresAfterMs?: number;
  /** What no answer in that time means. Default: `refuse`. */
  readonly onExpiry?: 'refuse' | 'approve';
}

export interface CompensationSpec {
  readonly role: string;
  readonly instructions: string;
}

/**
 * What a step makes is checked before anything else gets to see it. What does not pass is done again, with the reasons; what still does not pass
 * fails the step.
 */
export interface VerificationSpec {
  /** Who checks. Answers `{ verified: boolean, reasons?: string[] }`. */
  readonly role: string;
  /** What to look for. `{{input.result}}` stands for what was made. */
  readonly instructions: string;
  /** How often what did not pass is done again. Default: 2. */
  readonly maxReworks?: number;
  readonly retry?: RetrySpec;
  /** For one attempt at a check, in milliseconds. Default: the role's, else 24 hours. */
  readonly timeoutMs?: number;
}

/** How a step is carried out. Shared by tickets and by the phases around them. */
export interface ExecutionSpec {
  readonly outputSchema?: JsonSchema;
  readonly retry?: RetrySpec;
  /** For one attempt, in milliseconds, not counting time in queues. Default: the role's, else 24 hours. */
  readonly timeoutMs?: number;
  /** For all attempts and what lies between them, in milliseconds, from the first start. Default: no limit. */
  readonly totalTimeoutMs?: number;
  /** An attempt that gives no sign of life for so long, in milliseconds, is given up. Default: the role's, else no limit. */
  readonly heartbeatTimeoutMs?: number;
  readonly estimate?: Estimate;
  readonly budget?: SpendLimit;
}

export interface Ticket extends ExecutionSpec {
  /** Unique in the proposal; the id of the ticket's step. */
  readonly key: string;
  readonly title: string;
  /** Required, unless it has a `reducer`. */
  readonly role?: string;
  /** Required, unless it has a `reducer`. */
  readonly instructions?: string;
  /**
   * Calls no agent, but joins the outputs of its inputs as soon as all of them have ended: `collect`, `first`, `majority`, `merge`, `positions`, `ranked`,
   * `sum`, or `custom:<name>`. Those that have no output are left out. Nothing else that says how an agent works may stand beside it.
   */
  readonly reducer?: string;
  /**
   * Name of a shared value that its output is for. Several tickets may write one only where nothing is left open: a ticket with a `reducer` reads all
   * that they wrote, or each reads what the one before it wrote.
   */
  readonly writes?: string;
  /** Keys of tickets that must have succeeded before this one starts; with a `reducer`, that must have ended. */
  readonly dependsOn?: readonly string[];
  /**
   * What the agent sees. `from` names tickets upstream, `research` or `discussion`; left out, it sees the outputs of its
   * dependencies, of the research and of the discussion.
   */
  readonly input?: { readonly from: readonly string[] };
  /** Default: `idempotent`. */
  readonly effect?: Effect;
  readonly compensation?: CompensationSpec;
  readonly resources?: readonly (string | ResourceUse)[];
  /** What a failure does to the run. Default: `continue`: dependents are skipped, the rest goes on. */
  readonly onFailure?: 'continue' | 'fail-run';
  readonly gate?: GateSpec;
  /** Default: `normal`. */
  readonly priority?: Priority;
  readonly verify?: VerificationSpec;
}

export interface ResearchSpec extends ExecutionSpec {
  readonly role: string;
  readonly instructions: string;
}
export interface DiscussionSpec {
  readonly instructions: string;
  /** Default: 1. In a later round each role sees the positions of those before. */
  readonly rounds?: number;
}
export interface SynthesisSpec extends ExecutionSpec {
  /** Required, unless it has a `reducer`. */
  readonly role?: string;
  /** Required, unless it has a `reducer`. */
  readonly instructions?: string;
  /** Calls no agent, but joins the outputs of the tickets on which no other depends, as a ticket's `reducer` does. */
  readonly reducer?: string;
  readonly outputSchema: JsonSchema;
  /** Then only a verified deliverable is released. */
  readonly verify?: VerificationSpec;
}

/** The limits of a shared tool or model provider. */
export interface ResourceLimit {
  readonly concurrency?: number;
  /** Starts per `intervalMs`. */
  readonly limit?: number;
  readonly intervalMs?: number;
  readonly maxQueued?: number;
  readonly maxWaitMs?: number;
  /** For calls of it by `context.call`. Left out: none. */
  readonly breaker?: CircuitBreakerSpec;
}

export interface ProposalContext {
  /** The work item that the run answers to. Left out, the run has none, and its record says so. */
  readonly parentTicket?: string;
  readonly channel?: string;
  readonly repositories?: readonly string[];
  readonly scope?: JsonObject;
}

/** How the work is arranged. The options beside `kind` are the topology's own. */
export interface TopologyChoice {
  readonly kind: string;
  readonly [option: string]: Json | undefined;
}

/**
 * A plan for a whole team as plain data, before anyone approved it. Made by `parseProposal`, which is the only check that it
 * is sound; the pure edits keep it so.
 */
export interface OrchestrationProposal {
  readonly schemaVersion: 1;
  readonly goal: string;
  readonly context?: ProposalContext;
  readonly roles: readonly Role[];
  readonly tickets: readonly Ticket[];
  /** Default: `single` for one ticket, `pipeline` for a chain, `graph` otherwise. */
  readonly topology?: TopologyChoice;
  readonly research?: ResearchSpec;
  readonly discussion?: DiscussionSpec;
  readonly synthesis: SynthesisSpec;
  readonly budget?: ProposalBudget;
  readonly resources?: Readonly<Record<string, ResourceLimit>>;
  /** Rules on what the run may do: of those on the same, the first that applies decides. */
  readonly policies?: readonly PolicySpec[];
  /** Never hashed, never seen by an agent. */
  readonly metadata?: JsonObject;
}
