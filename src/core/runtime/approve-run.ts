import { approvePlan, type Approval, type ApprovedPlan } from '../approval/approve-plan.js';
import type { Issue } from '../shared/issue.js';
import { ApprovalRefusedError, RunStateError } from './errors.js';
import type { ManagedRun } from './managed-run.js';
import { checkRoles } from './provision.js';
import type { RunRegistry } from './run-registry.js';
import type { RunSurroundings } from './run-surroundings.js';

/** Takes approvals: of several for one run, one starts it, and the others get the same run. */
export type ApproveRun = (runId: string, approval: Approval) => Promise<ManagedRun>;

/** An approval that is starting its run. */
interface Starting {
  readonly steps: readonly string[] | null;
  readonly started: Promise<void>;
}

export function createApproveRun(runs: RunRegistry, surroundings: RunSurroundings): ApproveRun {
  const starting = new Map<string, Starting>();

  /** Starts the run, unless another process is at it. */
  const begin = async (
    run: ManagedRun,
    { approved, approval }: { approved: ApprovedPlan; approval: Approval },
  ): Promise<void> => {
    const claimed = await runs.claim(run.runId);
    if ('heldBy' in claimed) return;
    if (claimed.status !== 'proposed') return runs.takeUp(claimed);
    // Another process may have revised it since this one looked.
    const current = claimed.plan === run.plan && claimed === run ? approved : acceptedBy(claimed, approval);
    try {
      await claimed.start(current);
    } catch (error) {
      // A run that cannot write its first entries cannot go on, and whoever waits for its result must hear of it.
      claimed.halt(error);
      throw error;
    }
  };

  return async (runId, approval) => {
    const run = await runs.open(runId);
    const approved = acceptedBy(run, approval);
    const first = starting.get(runId);
    if (first) {
      if (exceeds(first.steps, approved)) throw new ApprovalRefusedError(runId, [anotherPart]);
      await first.started;
    } else if (run.status === 'proposed') {
      checkRoles({ ...surroundings, plan: run.plan });
      const started = begin(run, { approved, approval }).finally(() => starting.delete(runId));
      starting.set(runId, { steps: approved.steps, started });
      await started;
    } else {
      const { record, approvedSteps } = run.state;
      if (!record.approval) throw new RunStateError(runId, run.status, 'be approved');
      if (exceeds(approvedSteps, approved)) throw new ApprovalRefusedError(runId, [anotherPart]);
      // One that a crash has left behind goes on from where it was.
      if (run.isOpen && !run.isDriven) await begin(run, { approved, approval });
    }
    return runs.open(runId);
  };
}

/** @throws ApprovalRefusedError with every reason. */
function acceptedBy({ runId, plan }: ManagedRun, approval: Approval): ApprovedPlan {
  const approved = approvePlan(plan, approval);
  if (approved.ok) return approved.value;
  throw new ApprovalRefusedError(runId, approved.error);
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
