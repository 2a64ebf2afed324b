import type { Json, JsonObject, JsonSchema } from '../shared/json.js';
import type { ArtifactRef } from './artifact.js';
import type { StepKind } from './plan.js';
import type { ErrorClass } from '../shared/error-class.js';
import type { Gap, StoredError } from './run.js';
import type { Allowance, Usage } from './usage.js';

/** One attempt at one step, as its agent gets it. */
export interface AgentRequest {
  readonly runId: string;
  readonly stepId: string;
  readonly kind: StepKind;
  /** Key of the role; `''` in a run without a proposal that names none. */
  readonly role: string;
  /** The step that decided on this one, where it was added while the run was under way. */
  readonly parent?: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Why the attempt before came to nothing; absent for the first. */
  readonly previous?: StoredError;
  /** The same for the same attempt, also after a crash. Hand it to whatever the step changes in the world. */
  readonly idempotencyKey: string;
  /** The role's template, a blank line, `## Task`, a blank line, the task; the task alone where there is no template. */
  readonly instructions: string;
  /**
   * Outputs by the id of the step they came from; a synthesis also finds `gaps`. Nothing undeclared is in it. A step that decides finds
   * `reports`, what came since its last decision, and `board`, where its goal stands. Who was handed a task finds what was handed with it.
   * In place of an output that is too big for a journal stands an `ArtifactRef`: `context.artifact` reads it.
   */
  readonly input: Readonly<Record<string, Json>>;
  /** What synthesis (and any step that waits for all to settle) will not get. Empty elsewhere. */
  readonly gaps: readonly Gap[];
  readonly outputSchema?: JsonSchema;
  /** Tools that the role may use. `context.tool` keeps an agent to them; to what it calls otherwise, the application must. */
  readonly tools: readonly string[];
  /** Equal for steps that share a conversation: a role with `clear: false` has one, else each step has its own. */
  readonly session: string;
  readonly allowance: Allowance;
  readonly context: {
    readonly parentTicket: string | null;
    readonly channel: string | null;
    readonly repositories: readonly string[];
    readonly scope: JsonObject;
    /** What the workspace set up for the run, if anything. */
    readonly teamId: string | null;
    readonly projectId: string | null;
  };
}

export interface AgentContext {
  /** Fires when the attempt is no longer wanted: cancelled, timed out, the run over. */
  readonly signal: AbortSignal;
  /** Runs `fn` once for this step and name and keeps its result, so that a later attempt gets that and runs nothing. */
  once<T extends Json>(name: string, fn: () => Promise<T> | T): Promise<T>;
  /**
   * Reads what an `ArtifactRef` of this run stands for, whole. Every call gives a value of its own.
   *
   * @throws ArtifactNotFoundError for what leads to nothing in this run; ArtifactUnavailableError when the store fails; StoreCorruptError for
   * content that does not have the digest; ArtifactStoreMissingError where there is no store; the reason of `signal` once that fires.
   */
  artifact(ref: Json): Promise<Json>;
  /**
   * Puts a value aside and gives a reference to hand on: in an output, or with a delegation. Durable when it resolves; the same value again is the
   * same artifact. `name` is a label. At most 1,000 in one attempt.
   *
   * @throws ArtifactUnavailableError when the store fails; ArtifactStoreMissingError where there is none; CanonicalJsonError for what is not JSON.
   */
  putArtifact(name: string, content: Json): Promise<ArtifactRef>;
  /** Calls a shared resource under its limits. */
  call<T>(resource: string, fn: (signal: AbortSignal) => Promise<T> | T): Promise<T>;
  /**
   * Calls a tool: one of the role's, by its name, as far as the policies of the plan allow. `input` is what they look at; give them what the
   * tool is given.
   *
   * @throws ToolNotAllowedError when it is not among the role's tools, ToolDeniedError when a policy denies it, ToolApprovalNeededError when a
   * person has to approve it: then the attempt is over, and begun once more after that, with this call let through.
   */
  tool<T>(name: string, fn: (signal: AbortSignal) => Promise<T> | T, input?: Json): Promise<T>;
  /**
   * Says that the attempt is alive. Costs next to nothing, and nothing of it is stored; where the step has a `heartbeatTimeoutMs` and the attempt
   * falls silent, `details` of the last beat stand in the error. So do `progress`, `once`, `call`, `tool` and artifacts, without details.
   */
  heartbeat(details?: Json): void;
  /** Shows a line of progress in the run's events. */
  progress(message: string): void;
}

/**
 * What a deciding step (supervisor, peer) chose: to hand tasks to others and hear of them (none: to wait for what is under way), to hand
 * control over, or to finish with its output.
 */
export type Route = { readonly delegate: readonly Assignment[] } | { readonly handoff: Assignment } | { readonly finish: true };

/** What the agent of a `route` step chose: one or more of `request.input.board.choices`. */
export interface Choice {
  readonly choose: string | readonly string[];
  /** For the record. */
  readonly reason?: string;
}

/** A task for another role. */
export interface Assignment {
  readonly role: string;
  readonly task: string;
  /** What the other is given with it, as its `request.input`; a value that is no object stands there under `input`. */
  readonly input?: Json;
  /** Ids of delegations whose outputs the other is given too, by their ids. */
  readonly from?: readonly string[];
  /** Id of a delegation that this one replaces: it is aborted, and reported as `superseded`. */
  readonly supersedes?: string;
}

export interface AgentResult {
  /** A step that decides may leave it out. */
  readonly output: Json;
  /** Default: `completed`. The other two count as a failed attempt, with the output as its reason. */
  readonly outcome?: 'completed' | 'needs-context' | 'rejected';
  readonly usage?: Usage;
  /** For a step that decides, and for a `route` step. Of any other it is not followed, and that is on record. */
  readonly route?: Route | Choice;
}

/** A plain async function is an agent. */
export type AgentFunction = (request: AgentRequest, context: AgentContext) => Promise<AgentResult>;

/** What a probe found out. */
export type ProbeResult =
  | { readonly happened: true; readonly output: Json; readonly usage?: Usage }
  /** The step may be run again. */
  | { readonly happened: false }
  | { readonly happened: 'unknown' };

/** A conversation that nothing more will be said in. */
export interface SessionEnd {
  readonly runId: string;
  /** Key of the role; `''` in a run without a proposal that names none. */
  readonly role: string;
  /** What its requests named as their `session`. */
  readonly session: string;
  /** `run-ended`: for good. `closed`: the orchestrator was closed; another process may take the run up, and go on under the same name. */
  readonly reason: 'run-ended' | 'closed';
}

/** An agent with more than one verb. */
export interface Agent {
  run: AgentFunction;
  /**
   * Finds out whether the effect of an attempt has happened that nobody knows the end of: its process died, or it was cut off. Gets the
   * request that the attempt got, with the same idempotency key. Must change nothing.
   */
  probe?(request: AgentRequest, context: Pick<AgentContext, 'signal'>): Promise<ProbeResult>;
  /**
   * Says what kind of failure something is that `run` threw; `undefined` leaves it to what planwright makes of it. Asked once for each failed
   * attempt; what it throws counts as `undefined`.
   */
  classify?(error: unknown): ErrorClass | undefined;
  /**
   * Hears that a conversation is over, once for each when its run has ended, and once when the orchestrator is closed before that. The run, and
   * `close()`, wait for it no longer than the grace time; what it throws counts for nothing. After a crash it may hear of one again.
   */
  endSession?(end: SessionEnd): Promise<void> | void;
}
