import { IllegalInputError } from '../kernel/illegal-input-error.js';
import { approverIssues, type Approval, type Approver } from '../approval/approve-plan.js';
import { partialIssues } from '../approval/partial-approval.js';
import type { StepDefinition } from '../materializer/definition.js';
import type { Actor, Decision } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import { outcomeOf } from './attempt-outcome.js';
import { ApprovalRefusedError } from './errors.js';
import type { ManagedRun } from './managed-run.js';
import type { InputBody } from './run-driver.js';
import type { DecisionInput, Run } from './run-handle.js';

/** A handle on a managed run. Its verbs reject; a rejection that nobody waits for is no fault of the process. */
export function createRunHandle(run: ManagedRun): Run {
  return {
    runId: run.runId,
    result: () => run.ended,
    view: () => run.view(),
    events: (options = {}) => run.log.read(options),
    pause: () => unwatched(submit(run, { type: 'run.pause' })),
    resume: () => unwatched(submit(run, { type: 'run.resume' })),
    cancel: ({ reason = 'cancelled' } = {}) => unwatched(cancel(run, reason)),
    approveSteps: (steps, { approvedBy }) => unwatched(approveSteps(run, steps, approvedBy)),
    decide: (stepId, decision) => unwatched(decide(run, stepId, decision)),
  };
}

function unwatched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function submit(run: ManagedRun, input: InputBody): Promise<void> {
  if (run.engine) return run.engine.driver.submit(input);
  throw new IllegalInputError(input.type, run.status, undefined, 'the run is not under way');
}

async function cancel(run: ManagedRun, reason: string) {
  if (run.engine) await run.engine.driver.submit({ type: 'run.cancel', reason });
  else await run.cancelEarly(reason);
  return run.ended;
}

async function decide(run: ManagedRun, stepId: string, { approve, by, note, output }: DecisionInput): Promise<void> {
  const actor: Actor = typeof by === 'string' ? { kind: 'user', id: by } : by;
  checkDecider(run, actor);
  const { engine } = run;
  const isDoubtful = engine?.driver.kernel.statuses().some(({ id, status }) => id === stepId && status === 'in-doubt') ?? false;
  const stated = isDoubtful && approve ? statedOutput(run, stepId, output ?? null) : undefined;
  const decision: Decision = {
    approve,
    by: actor,
    ...(note !== undefined && { note }),
    ...(stated !== undefined && { output: stated }),
  };
  const taken = submit(run, { type: 'step.decided', stepId, decision });
  // Before anything that builds on it can start, which is as soon as the decision is durable.
  if (stated !== undefined) engine?.attempts.keep(stepId, stated);
  await taken;
}

/** @throws ApprovalRefusedError unless the actor is a user or a policy. */
function checkDecider({ runId }: ManagedRun, actor: unknown): asserts actor is Approver {
  const issues = approverIssues(actor);
  if (issues.length > 0) throw new ApprovalRefusedError(runId, issues);
}

async function approveSteps(run: ManagedRun, steps: readonly string[], approvedBy: Approval['approvedBy']): Promise<void> {
  checkDecider(run, approvedBy);
  const together = run.approvedSteps === null ? null : [...run.approvedSteps, ...steps];
  const issues = partialIssues(run.plan, together ?? steps);
  if (together !== null && issues.length > 0) throw new ApprovalRefusedError(run.runId, issues);
  const taken = submit(run, { type: 'run.widen', steps, approvedBy });
  if (!run.engine?.driver.halted) run.approvedSteps = together;
  await taken;
}

/** An output that a person states must fit like one that an agent gave. */
function statedOutput(run: ManagedRun, stepId: string, output: unknown): Json {
  const step: Pick<StepDefinition, 'outputSchema'> | undefined = run.plan.steps.find(({ id }) => id === stepId);
  const outcome = outcomeOf({ output }, step?.outputSchema);
  if (outcome.kind === 'succeeded') return outcome.output;
  throw new ApprovalRefusedError(run.runId, [{ code: 'output-invalid', pointer: '/output', message: outcome.error.message }]);
}
