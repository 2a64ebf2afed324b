import { approvePlan, approverIssues, type Approval, type ApprovedPlan } from '../approval/approve-plan.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan } from '../ports/plan.js';
import type { DoneTicket } from '../ports/run.js';
import { pointerOf, quote, type Issue } from '../shared/issue.js';
import { outcomeOf } from './attempt-outcome.js';
import { reducerIssues } from './check-reducers.js';
import { ApprovalRefusedError, OrchestratorClosedError, RunElsewhereError, RunStateError } from './errors.js';
import type { ManagedRun } from './managed-run.js';
import { checkRoles } from './provision.js';
import { acceptReplan, isOfPending } from './replan-run.js';
import type { RunRegistry } from './run-registry.js';
import type { RunSurroundings } from './run-surroundings.js';

/** Takes approvals: of several for one run, one starts it, and the others get the same run. */
export type ApproveRun = (runId: string, approval: Approval) => Promise<ManagedRun>;

/** An approval that is starting its run. */
interface Starting {
  readonly steps: readonly string[] | null;
  readonly started: Promise<void>;
}

interface Begin {
  readonly approved: ApprovedPlan;
  readonly approval: Approval;
}

/** How often a run is looked at that another process is about to start, in milliseconds. */
const lookMs = 100;

export function createApproveRun(
  runs: RunRegistry,
  { clock, leaseMs, isClosing, gate, ...surroundings }: RunSurroundings,
): ApproveRun {
  const { reducers } = surroundings;
  const starting = new Map<string, Starting>();

  /** The run, claimed; nothing where another process has started it. */
  const claim = async (runId: string): Promise<ManagedRun | undefined> => {
    for (const giveUpAt = clock.now() + 2 * leaseMs; ;) {
      const claimed = await runs.claim(runId);
      if (!('heldBy' in claimed)) return claimed;
      if ((await runs.open(runId)).status !== 'proposed') return undefined;
      // Whoever holds it is about to start it, or has died before it could; then its lease runs out.
      if (clock.now() > giveUpAt) throw new RunElsewhereError(runId, claimed.heldBy);
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + lookMs, resolve));
      if (isClosing()) throw new OrchestratorClosedError();
    }
  };

  /** Another process may have revised the run before it was claimed. */
  const stillAccepted = async (run: ManagedRun, { approved, approval }: Begin): Promise<ApprovedPlan> => {
    try {
      return isSamePlan(run.plan, approved.plan) ? approved : acceptedBy(run, approval, reducers);
    } catch (error) {
      await runs.unclaim(run);
      throw error;
    }
  };

  /** Starts the run, or goes on with it, unless another process is at it. */
  const begin = async ({ runId }: ManagedRun, { approved, approval }: Begin): Promise<void> => {
    const claimed = runs.atWork(runId) ? undefined : await claim(runId);
    if (!claimed) return;
    if (claimed.status !== 'proposed') return runs.takeUp(claimed);
    const current = await stillAccepted(claimed, { approved, approval });
    try {
      await claimed.start(current, doneTickets(claimed, approval.done));
    } catch (error) {
      // A run that cannot write its first entries cannot go on, and whoever waits for its result must hear of it.
      await runs.giveUp(claimed, error);
      throw error;
    }
  };

  /** {@link begin}, when it is the run's turn. Where it does not come to that, nothing has happened to it. */
  const beginInTurn = async (run: ManagedRun, wanted: Begin): Promise<void> => {
    const { runId, state } = run;
    await gate.enter({ runId, tenant: state.record.tenant });
    const leave = (): void => gate.leave(runId);
    try {
      await runs.take(runId, () => begin(run, wanted));
    } catch (error) {
      leave();
      throw error;
    }
    // Another process may have started it meanwhile.
    const begun = runs.atWork(runId);
    if (begun) begun.ended.then(leave, leave);
    else leave();
  };

  /** Another plan for a run under way: of several approvals at once, one changes it. */
  const replan = async (runId: string, approval: Approval): Promise<ManagedRun> => {
    const run = await runs.drive(runId);
    await runs.take(runId, async () => {
      if (!isOfPending(run, approval)) return;
      await run.goBy(acceptReplan(run, approval, surroundings), approval.running ?? 'finish');
    });
    expectReplanned(run, approval);
    return run;
  };

  return async (runId, approval) => {
    const run = await runs.open(runId);
    if (isOfPending(run, approval)) {
      acceptReplan(run, approval, surroundings);
      return replan(runId, approval);
    }
    if (wasReplanned(run, approval)) return run;
    const approved = acceptedBy(run, approval, reducers);
    // What is wrong with them is said before anything is claimed.
    doneTickets(run, approval.done);
    const first = starting.get(runId);
    if (first) {
      if (exceeds(first.steps, approved)) throw new ApprovalRefusedError(runId, [anotherPart]);
      await first.started;
    } else if (run.status === 'proposed') {
      checkRoles({ ...surroundings, plan: run.plan });
      const started = beginInTurn(run, { approved, approval }).finally(() => starting.delete(runId));
      starting.set(runId, { steps: approved.steps, started });
      await started;
    } else {
      expectCovered(run, approved);
      // One that a crash has left behind goes on from where it was.
      if (run.isOpen && !run.isDriven) await runs.take(runId, () => begin(run, { approved, approval }));
    }
    const now = await runs.open(runId);
    // Another process may have approved another revision, or another part of it.
    expectCovered(now, isSamePlan(now.plan, approved.plan) ? approved : acceptedBy(now, approval, reducers));
    return now;
  };
}

/** @throws ApprovalRefusedError when the run was started with less than that. */
function expectCovered({ runId, status, state: { record, approvedSteps } }: ManagedRun, approved: ApprovedPlan): void {
  if (!record.approval) throw new RunStateError(runId, status, 'be approved');
  if (exceeds(approvedSteps, approved)) throw new ApprovalRefusedError(runId, [anotherPart]);
}

/** Whether the approval is of the plan that has taken the place of another since the run began. */
function wasReplanned({ runId, state: { record } }: ManagedRun, { revision, digest, approvedBy }: Approval): boolean {
  if (record.mergedDigest === undefined || record.revision !== revision || record.digest !== digest) return false;
  const issues = approverIssues(approvedBy);
  if (issues.length > 0) throw new ApprovalRefusedError(runId, issues);
  return true;
}

/** @throws RunStateError when the run has ended, or another plan was proposed, while it was approved. */
function expectReplanned({ runId, status, state: { record } }: ManagedRun, { revision }: Approval): void {
  if (record.revision < revision) throw new RunStateError(runId, status, `go by revision ${revision} of its plan`);
}

const isSamePlan = (one: Plan, other: Plan): boolean => one.digest === other.digest && one.revision === other.revision;

/** @throws ApprovalRefusedError with every reason. */
function acceptedBy({ runId, plan }: ManagedRun, approval: Approval, reducers: CustomReducers): ApprovedPlan {
  const approved = approvePlan(plan, approval);
  const issues = [...(approved.ok ? [] : approved.error), ...reducerIssues(plan, reducers)];
  if (approved.ok && issues.length === 0) return approved.value;
  throw new ApprovalRefusedError(runId, issues);
}

/** Tickets that are said to be done, each with an output that fits. @throws ApprovalRefusedError */
function doneTickets({ runId, plan }: ManagedRun, done: Approval['done'] = {}): DoneTicket[] {
  const tickets = new Map(plan.steps.filter(({ kind }) => kind === 'ticket').map((step) => [step.id, step]));
  const issues: Issue[] = [];
  const found = Object.entries(done).map(([stepId, given]) => {
    const pointer = pointerOf(['done', stepId]);
    const step = tickets.get(stepId);
    const outcome = outcomeOf({ output: given }, step?.outputSchema);
    if (!step)
      issues.push({ code: 'unknown-step', pointer, message: `The plan has no ticket ${quote(stepId)} that could be done.` });
    else if (outcome.kind === 'failed') issues.push({ code: 'output-invalid', pointer, message: outcome.error.message });
    return { stepId, output: outcome.kind === 'succeeded' ? outcome.output : null };
  });
  if (issues.length > 0) throw new ApprovalRefusedError(runId, issues);
  return found;
}

/** Whether an approval covers more than the one that the run was started with. */
function exceeds(approvedSteps: readonly string[] | null, { steps }: ApprovedPlan): boolean {
  if (approvedSteps === null) return false;
  const covered = new Set(approvedSteps);
  return steps === null || steps.some((id) => !covered.has(id));
}

const anotherPart: Issue = {
  code: 'approved-in-part',
  pointer: '/steps',
  message: 'The run was started with a smaller part of the plan. Approve more of it with run.approveSteps().',
};
