import type { ResourceRefusal } from '../limits/admission.js';
import { listIssues, PlanwrightError } from '../shared/error.js';
import { quote, type Issue } from '../shared/issue.js';
import type { Run } from './run-handle.js';

/** A proposal or a revision was not taken. Nothing was stored. */
export class ProposalRejectedError extends PlanwrightError {
  readonly code = 'PROPOSAL_REJECTED';
  constructor(readonly issues: readonly Issue[]) {
    super(`The proposal was not taken: ${issues.length} ${issues.length === 1 ? 'issue' : 'issues'}.${listIssues(issues)}`);
  }
}

/** An approval was not taken. Nothing was stored, nothing started. */
export class ApprovalRefusedError extends PlanwrightError {
  readonly code = 'APPROVAL_REFUSED';
  constructor(
    readonly runId: string,
    readonly issues: readonly Issue[],
  ) {
    super(`The approval of run ${runId} was not taken.${listIssues(issues)}`);
  }
}

/** There is no such run, neither here nor in the store. */
export class RunNotFoundError extends PlanwrightError {
  readonly code = 'RUN_NOT_FOUND';
  constructor(readonly runId: string) {
    super(`There is no run "${runId}". list() gives those that the store holds.`);
  }
}

/** A run was asked for something that its status does not allow. */
export class RunStateError extends PlanwrightError {
  readonly code = 'RUN_STATE';
  constructor(
    readonly runId: string,
    readonly status: string,
    wanted: string,
  ) {
    super(`Run ${runId} is ${status}: it cannot ${wanted}.`);
  }
}

/** An agent id that the orchestrator does not know. */
export class AgentNotFoundError extends PlanwrightError {
  readonly code = 'AGENT_NOT_FOUND';
  constructor(
    readonly agentId: string,
    readonly role: string | undefined,
    readonly known: readonly string[],
  ) {
    const who = role === undefined ? `Agent "${agentId}"` : `Agent "${agentId}" of role "${role}"`;
    const names =
      known.length === 0
        ? 'none'
        : known
            .slice(0, 20)
            .map((id) => `"${id}"`)
            .join(', ');
    super(`${who} is not among the agents given to createOrchestrator (${names}). Add it there, or give the role another agent.`);
  }
}

/** A `hire` role that nobody can fill. */
export class HireNotPossibleError extends PlanwrightError {
  readonly code = 'HIRE_NOT_POSSIBLE';
  constructor(
    readonly role: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`Role "${role}" could not be hired: ${detail}`, options);
  }
}

/** A hook of the workspace did not answer. */
export class WorkspaceTimeoutError extends PlanwrightError {
  readonly code = 'WORKSPACE_TIMEOUT';
  constructor(
    readonly hook: string,
    readonly limitMs: number,
  ) {
    super(`The workspace's ${hook}() did not end within ${limitMs} ms (createOrchestrator's workspaceTimeoutMs).`);
  }
}

/** A hook of the workspace answered with something else than what it promises. */
export class WorkspaceAnswerError extends PlanwrightError {
  readonly code = 'WORKSPACE_ANSWER';
  constructor(
    readonly hook: string,
    readonly member: string,
    found: string,
  ) {
    super(`The workspace's ${hook}() gave ${found} as its ${member} instead of a text.`);
  }
}

/** The run cannot go on in this process: the store failed, or the orchestrator was closed. What was committed is safe. */
export class RunHaltedError extends PlanwrightError {
  readonly code = 'RUN_HALTED';
  constructor(
    readonly runId: string,
    options: ErrorOptions,
  ) {
    const cause = options.cause instanceof Error ? options.cause.message : String(options.cause);
    super(`Run ${runId} was halted before its end: ${cause}`, options);
  }
}

/** A run would go on with other machines than those that were approved: its plan, or the way planwright makes machines of it, has changed. */
export class DigestMismatchError extends PlanwrightError {
  readonly code = 'DIGEST_MISMATCH';
  constructor(
    readonly runId: string,
    readonly storedDigest: string,
    readonly foundDigest: string,
    readonly what: 'plan' | 'machines' = 'machines',
  ) {
    super(
      `Run ${runId} was started with the ${what} "${storedDigest}", but now they come out as "${foundDigest}". ` +
        "Run it with the version that started it, or let it go on with createOrchestrator's `migrate`.",
    );
  }
}

/** A run that another process drives has moved on too far to be followed step by step. `orchestrator.run(runId)` reads it as it is now. */
export class RunMovedOnError extends PlanwrightError {
  readonly code = 'RUN_MOVED_ON';
  constructor(readonly runId: string) {
    super(
      `Run ${runId} has moved on while it was not looked at, and its journal was compacted. Ask the orchestrator for it again.`,
    );
  }
}

/** A run is driven by another process that shares the store: what changes it has to be asked for there. */
export class RunElsewhereError extends PlanwrightError {
  readonly code = 'RUN_ELSEWHERE';
  constructor(
    readonly runId: string,
    readonly owner: string,
  ) {
    super(`Run ${runId} is driven by another process ("${owner}"). Ask there, or call recover() once that process is gone.`);
  }
}

/** Some of the interrupted runs could not be taken up. The others are going on: `runs` are their handles. */
export class RecoveryError extends PlanwrightError {
  readonly code = 'RECOVERY_INCOMPLETE';
  constructor(
    readonly runs: readonly Run[],
    readonly failures: readonly { readonly runId: string; readonly error: unknown }[],
  ) {
    const lines = failures.map(({ runId, error }) => `\n  ${runId}: ${error instanceof Error ? error.message : String(error)}`);
    super(`${failures.length} of ${failures.length + runs.length} interrupted runs could not be taken up.${lines.join('')}`, {
      cause: failures[0]?.error,
    });
  }
}

/** Events that a reader asks for are no longer stored: the run's journal was compacted since. `run.view()` tells what they led to. */
export class EventsGoneError extends PlanwrightError {
  readonly code = 'EVENTS_GONE';
  constructor(
    readonly runId: string,
    readonly after: number,
    readonly firstSeq: number,
  ) {
    super(
      `Run ${runId} has no events from ${after + 1} to ${firstSeq - 1} any more: its journal was compacted. ` +
        `Read view(), and go on with events({ after: view.seq }), or with { after: ${firstSeq - 1} } for the oldest that is left.`,
    );
  }
}

/** The orchestrator is closed, or closing. */
export class OrchestratorClosedError extends PlanwrightError {
  readonly code = 'ORCHESTRATOR_CLOSED';
  constructor() {
    super('The orchestrator is closed. Create a new one to go on.');
  }
}

/** A run is to be driven by a process that does not have a reducer which its plan names. It stays as it is. */
export class ReducerMissingError extends PlanwrightError {
  readonly code = 'REDUCER_MISSING';
  constructor(
    readonly runId: string,
    readonly issues: readonly Issue[],
  ) {
    super(`Run ${runId} cannot go on here. Give the reducer to createOrchestrator's \`reducers\`.${listIssues(issues)}`);
  }
}

/** `context.call` named a resource that neither the proposal nor the orchestrator declares. */
export class UnknownResourceError extends PlanwrightError {
  readonly code = 'UNKNOWN_RESOURCE';
  constructor(
    readonly resource: string,
    readonly known: readonly string[],
  ) {
    super(`There is no resource "${resource}". Declared are: ${known.length === 0 ? 'none' : known.join(', ')}.`);
  }
}

/** An attempt was aborted: its time was up, or its run has stopped. The `reason` of the agent's signal. */
export class AttemptAbortedError extends PlanwrightError {
  readonly code = 'ATTEMPT_ABORTED';
  constructor(
    readonly stepId: string,
    readonly attempt: number,
    readonly reason: string,
  ) {
    super(`Attempt ${attempt} at step "${stepId}" was aborted: ${reason}`);
  }
}

/** A resource had as many waiting for it as it may, or was waited for as long as it may be. Nothing was called. */
export class ResourceRefusedError extends PlanwrightError {
  readonly code = 'RESOURCE_REFUSED';
  readonly resource: string;
  readonly reason: ResourceRefusal['code'];
  /** `maxQueued`, or `maxWaitMs`. */
  readonly limit: number;
  /** How many waited for the resource, this one among them. */
  readonly waiting: number;
  /** Since when it had waited, in milliseconds since the epoch, and how long that was. */
  readonly since: number;
  readonly waitedMs: number;
  constructor({ code, resource, limit, waiting, since, at }: ResourceRefusal) {
    super(
      code === 'RESOURCE_QUEUE_FULL'
        ? `${limit} wait for the resource ${quote(resource)} already (maxQueued). Try again later, or raise it.`
        : `The resource ${quote(resource)} was not free within ${limit} ms (maxWaitMs); ${waiting} waited for it. Try again later, or raise it.`,
    );
    this.resource = resource;
    this.reason = code;
    this.limit = limit;
    this.waiting = waiting;
    this.since = since;
    this.waitedMs = at - since;
  }
}
