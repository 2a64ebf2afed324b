import { IllegalInputError } from '../kernel/illegal-input-error.js';
import { approverIssues, type Approval, type Approver } from '../approval/approve-plan.js';
import { partialIssues } from '../approval/partial-approval.js';
import type { RunEvent } from '../ports/run-output.js';
import type { Actor, Decision } from '../ports/run.js';
import type { Json } from '../shared/json.js';
import { outcomeOf } from './attempt-outcome.js';
import { ApprovalRefusedError } from './errors.js';
import type { ReadOptions } from './event-log.js';
import { withLiveWaits } from './live-waits.js';
import type { ManagedRun } from './managed-run.js';
import type { RunRegistry } from './run-registry.js';
import type { InputBody } from './run-driver.js';
import { ownerOf, raisedCeilings } from './raise-budget.js';
import type { BudgetRaise, DecisionInput, Run, RunResult } from './run-handle.js';

/** A handle on a managed run. Its verbs reject; a rejection that nobody waits for is no fault of the process. */
export function createRunHandle(given: ManagedRun, runs: RunRegistry): Run {
  const { runId } = given;
  const current = (): ManagedRun => runs.now(given);
  const followed = ({ isWaitedFor = true } = {}): ManagedRun => {
    const run = current();
    runs.follow(run, { isWaitedFor });
    return run;
  };
  /** Another may take a run's place while it is waited for: one that is followed, and has moved on too far. */
  const ended = async (run: ManagedRun): Promise<RunResult> => {
    try {
      return await run.ended;
    } catch (error) {
      if (current() === run) throw error;
      return ended(followed());
    }
  };
  const read = async function* (run: ManagedRun, { after, signal }: ReadOptions): AsyncGenerator<RunEvent, void> {
    let cursor = after ?? 0;
    for (let log = run.state.log; ; log = followed().state.log) {
      for await (const event of log.read({ after: cursor, ...(signal && { signal }) })) {
        cursor = event.seq;
        yield event;
      }
      if (signal?.aborted || current().state.log === log) return;
    }
  };
  /** The run as it is by now, driven here where somebody has something to do for it. */
  const atHand = async (): Promise<ManagedRun> => {
    const run = await runs.open(runId);
    return mayBeTakenUp(run) ? runs.drive(runId) : run;
  };
  /** At once where the run is at work here, so that what a verb does is done when it returns. */
  const act = <T>(verb: (run: ManagedRun) => Promise<T>): Promise<T> => {
    const run = current();
    const acted = run.isDriven || run.halted ? attempt(() => verb(run)) : atHand().then(verb);
    acted.catch(() => undefined);
    return acted;
  };
  return {
    runId,
    result() {
      const result = ended(followed());
      result.catch(() => undefined);
      return result;
    },
    view() {
      const run = followed({ isWaitedFor: false });
      return withLiveWaits(run.view(), run.engine, run.surroundings);
    },
    events: (options = {}) => read(followed(), options),
    output: (stepId) => outputOf(current(), { stepId, runs }),
    durability: () => ({ ...current().journal.figures, ...current().state.recovery }),
    pause: () => act((run) => submit(run, { type: 'run.pause' })),
    resume: () => act((run) => submit(run, { type: 'run.resume' })),
    cancel: ({ reason = 'cancelled', compensate } = {}) =>
      act((run) => cancel(run, { reason, ...(compensate !== undefined && { compensate }) })),
    approveSteps: (steps, { approvedBy }) => act((run) => approveSteps(run, steps, approvedBy)),
    raiseBudget: (raise) => act((run) => raiseBudget(run, raise)),
    decide: (stepId, decision) => act((run) => decide(run, stepId, decision)),
  };
}

/** A run that somebody has to do something for, here or elsewhere. */
const mayBeTakenUp = (run: ManagedRun): boolean => run.isOpen && !run.halted;

async function attempt<T>(verb: () => Promise<T>): Promise<T> {
  return verb();
}

async function submit(run: ManagedRun, input: InputBody): Promise<void> {
  if (run.engine) return run.engine.driver.submit(input);
  throw new IllegalInputError(input.type, run.status, undefined, 'the run is not under way');
}

/** A step's output, from memory or from the store. */
async function outputOf(run: ManagedRun, { stepId, runs }: { readonly stepId: string; readonly runs: RunRegistry }) {
  const step = run.view().steps.find(({ id }) => id === stepId);
  return step?.outputReleased ? runs.output(run, stepId) : step?.output;
}

async function cancel(run: ManagedRun, options: { readonly reason: string; readonly compensate?: boolean }) {
  if (run.engine) await run.engine.driver.submit({ type: 'run.cancel', ...options });
  else await run.cancelEarly(options.reason);
  return run.ended;
}

async function raiseBudget(run: ManagedRun, raise: BudgetRaise): Promise<void> {
  const { by, note } = raise;
  const actor: Actor = typeof by === 'string' ? { kind: 'user', id: by } : by;
  checkDecider(run, actor);
  const ceilings = raisedCeilings(raise);
  if (!ceilings.ok) throw new ApprovalRefusedError(run.runId, ceilings.error);
  const raised = { owner: ownerOf(raise), ceilings: ceilings.value, by: actor };
  await submit(run, { type: 'run.budget-raised', ...raised, ...(note !== undefined && { note }) });
}

async function decide(run: ManagedRun, stepId: string, { approve, by, note, output }: DecisionInput): Promise<void> {
  const actor: Actor = typeof by === 'string' ? { kind: 'user', id: by } : by;
  checkDecider(run, actor);
  const { kernel } = run.state;
  const isDoubtful = kernel?.statuses().some(({ id, status }) => id === stepId && status === 'in-doubt') ?? false;
  const stated = isDoubtful && approve ? statedOutput(run, stepId, output ?? null) : undefined;
  const decision: Decision = {
    approve,
    by: actor,
    ...(note !== undefined && { note }),
    ...(stated !== undefined && { output: stated }),
  };
  await submit(run, { type: 'step.decided', stepId, decision });
}

/** @throws ApprovalRefusedError unless the actor is a user or a policy. */
function checkDecider({ runId }: ManagedRun, actor: unknown): asserts actor is Approver {
  const issues = approverIssues(actor);
  if (issues.length > 0) throw new ApprovalRefusedError(runId, issues);
}

async function approveSteps(run: ManagedRun, steps: readonly string[], approvedBy: Approval['approvedBy']): Promise<void> {
  checkDecider(run, approvedBy);
  const { approvedSteps } = run.state;
  const issues = approvedSteps === null ? [] : partialIssues(run.plan, [...approvedSteps, ...steps]);
  if (issues.length > 0) throw new ApprovalRefusedError(run.runId, issues);
  await submit(run, { type: 'run.widen', steps, approvedBy });
}

/** An output that a person states must fit like one that an agent gave. */
function statedOutput(run: ManagedRun, stepId: string, output: unknown): Json {
  const outcome = outcomeOf({ output }, run.state.kernel?.step(stepId).outputSchema);
  if (outcome.kind === 'succeeded') return outcome.output;
  throw new ApprovalRefusedError(run.runId, [{ code: 'output-invalid', pointer: '/output', message: outcome.error.message }]);
}
