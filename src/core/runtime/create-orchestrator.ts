import { analyzePlan } from '../analysis/analyze-plan.js';
import { worstCase, type Bounds } from '../analysis/bounds.js';
import type { Diagnostic } from '../analysis/diagnostic.js';
import { approvePlan, type Approval, type ApprovedPlan } from '../approval/approve-plan.js';
import { planProposal } from '../plan/plan-proposal.js';
import { planTask, type Task } from '../plan/plan-task.js';
import type { Plan } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Actor } from '../ports/run.js';
import type { RunFilter, RunSummary } from '../ports/store.js';
import { parseProposal } from '../proposal/parse-proposal.js';
import { appendRevision, startHistory, type ProposalHistory } from '../proposal/proposal-history.js';
import type { Issue } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import type { Result } from '../shared/result.js';
import { createAgentDirectory } from './agent-directory.js';
import { checkPlan, checkTask } from './check-given.js';
import { createRunHandle } from './create-run-handle.js';
import {
  ApprovalRefusedError,
  OrchestratorClosedError,
  ProposalRejectedError,
  RunNotFoundError,
  RunStateError,
} from './errors.js';
import { isTerminal } from './is-terminal.js';
import { ManagedRun, type RunSurroundings } from './managed-run.js';
import type { OrchestratorOptions, OrchestratorSettings } from './orchestrator-options.js';
import { checkRoles } from './provision.js';
import type { Run, RunResult } from './run-handle.js';
import { createRunIds } from './run-id.js';
import { systemClock } from './system-clock.js';
import { withinLimit } from './within-limit.js';
import { createWorkQueue } from './work-queue.js';

/** What was proposed, and what an approver needs to know. Nothing has been executed. */
export interface Proposed {
  readonly runId: string;
  readonly revision: number;
  readonly digest: string;
  readonly plan: Plan;
  readonly diagnostics: readonly Diagnostic[];
  /** The worst case. */
  readonly bounds: Bounds;
}

/** Takes proposals, has them approved once, and runs them. */
export interface Orchestrator {
  /**
   * Stores and analyses a proposal: JSON text or a value. Nothing is executed, and no port but the store is called.
   *
   * @throws ProposalRejectedError with every issue.
   */
  propose(input: unknown, options?: { readonly author?: Actor }): Promise<Proposed>;
  /** Like {@link propose}, for a plan that `definePlan` made. */
  proposePlan(plan: Plan): Promise<Proposed>;
  /**
   * Replaces a proposal that nobody has approved yet. `baseRevision` is the revision that the change was made from.
   *
   * @throws ProposalRejectedError with every issue; `stale-revision` when the plan has moved on, `not-editable` when it is approved.
   */
  revise(runId: string, input: unknown, options: { readonly baseRevision: number; readonly author?: Actor }): Promise<Proposed>;
  /**
   * Approves what was shown and starts the run. The same approval again gives the same run; of several at once one starts it.
   *
   * @throws ApprovalRefusedError when revision or digest are stale, the approver is not entitled, or analysis finds an error.
   * @throws AgentNotFoundError, HireNotPossibleError when a role cannot be filled. The run stays proposed.
   */
  approve(runId: string, approval: Approval): Promise<Run>;
  /** A handle on a run. @throws RunNotFoundError */
  run(runId: string): Promise<Run>;
  /** All revisions of a run's proposal, to edit and hand to {@link revise}. @throws RunNotFoundError, RunStateError for a plan without proposal. */
  history(runId: string): Promise<ProposalHistory>;
  /** Runs in the order of their ids, which by default is that of their creation. The next page is `after` the last `runId` of this one. */
  list(filter?: RunFilter): Promise<readonly RunSummary[]>;
  /** Runs one task by one agent on the same engine, to its end. Resolves with the run and how it ended. */
  runOnce(agentId: string, task: string | Task): Promise<Run & RunResult>;
  /**
   * Takes no more work, lets attempts under way end within the grace time, and aborts the rest. Runs that have not ended reject
   * their `result()` with RunHaltedError. A store that was given stays open: it belongs to whoever made it.
   */
  close(): Promise<void>;
}

/** {@link OrchestratorOptions} of core: the front door adds the memory store and the built-in topologies. */
export type CoreOptions = OrchestratorOptions & Required<Pick<OrchestratorOptions, 'store' | 'topologies'>>;

const defaultConcurrency = 1_000;
const defaultGraceMs = 10_000;
const defaultWorkspaceTimeoutMs = 60_000;

/** Creates an orchestrator. It holds no timer and no handle while nothing runs. */
export function createOrchestrator(options: CoreOptions): Orchestrator {
  const settings = settingsOf(options);
  const runs = new Map<string, ManagedRun>();
  const approvals = new Map<string, Promise<void>>();
  let closing: Promise<void> | undefined;
  const surroundings: RunSurroundings = {
    ...settings,
    agents: createAgentDirectory(options.agents),
    queue: createWorkQueue(options.concurrency ?? defaultConcurrency),
    isClosing: () => closing !== undefined,
  };
  const { topologies, limits, store, clock } = settings;

  const expectOpen = (): void => {
    if (closing) throw new OrchestratorClosedError();
  };
  const find = (runId: string): ManagedRun => {
    const run = runs.get(runId);
    if (run) return run;
    throw new RunNotFoundError(runId);
  };
  const add = async (
    what: { readonly plan: Plan; readonly history?: ProposalHistory },
    author: Actor | null,
  ): Promise<ManagedRun> => {
    const { plan } = what;
    const run = new ManagedRun(settings.ids(), surroundings, what);
    const at = clock.now();
    const proposal = what.history?.revisions.at(-1)?.proposal;
    const entry = proposal
      ? ({ type: 'run.proposed', at, proposal: asJson(proposal), author } as const)
      : ({ type: 'run.planned', at, plan: asJson(plan) } as const);
    await run.record(entry, { type: 'run.proposed', revision: plan.revision, digest: plan.digest });
    runs.set(run.runId, run);
    return run;
  };
  const planOf = (proposal: OrchestrationProposal, revision: number): Plan =>
    accepted(planProposal(proposal, { topologies, revision }));

  const approve = async (runId: string, approval: Approval): Promise<Run> => {
    expectOpen();
    const run = find(runId);
    const approved = approvePlan(run.plan, approval);
    if (!approved.ok) throw new ApprovalRefusedError(runId, approved.error);
    let starting = approvals.get(runId);
    if (!starting) {
      if (run.status !== 'proposed') throw new RunStateError(runId, run.status, 'be approved');
      checkRoles({ ...surroundings, plan: run.plan });
      starting = run.start(approved.value);
      approvals.set(runId, starting);
      // A run that cannot write its first entries cannot go on, and whoever waits for its result must hear of it.
      starting.catch((error: unknown) => run.halt(error));
    }
    if (exceeds(run, approved.value)) throw new ApprovalRefusedError(runId, [anotherPart]);
    await starting;
    return createRunHandle(run);
  };

  return {
    async propose(input, { author } = {}) {
      expectOpen();
      const proposal = accepted(parseProposal(input, { topologies, limits }));
      const plan = planOf(proposal, 1);
      const history = startHistory(proposal, { at: clock.now(), ...(author && { author }) });
      return describe(await add({ plan, history }, author ?? null));
    },
    async proposePlan(plan) {
      expectOpen();
      return describe(await add({ plan: accepted(checkPlan(plan)) }, null));
    },
    async revise(runId, input, { baseRevision, author }) {
      expectOpen();
      const run = find(runId);
      const history = historyOf(run);
      const proposal = accepted(parseProposal(input, { topologies, limits }));
      const at = clock.now();
      const next = accepted(appendRevision(history, { proposal, baseRevision, at, ...(author && { author }) }));
      const plan = planOf(proposal, baseRevision + 1);
      const { revision } = plan;
      await run.replan(
        { plan, history: next },
        { type: 'run.revised', at, proposal: asJson(proposal), revision, author: author ?? null },
      );
      return describe(run);
    },
    approve,
    run: (runId) => Promise.resolve(runId).then((id) => createRunHandle(find(id))),
    history: (runId) => Promise.resolve(runId).then((id) => historyOf(find(id))),
    async list(filter) {
      return (await store.list(filter)).runs;
    },
    async runOnce(agentId, given) {
      expectOpen();
      const task = typeof given === 'string' ? { instructions: given } : given;
      accepted(checkTask(task));
      surroundings.agents.require(agentId);
      const { runId, plan } = await add({ plan: planTask(agentId, task) }, null);
      const { revision, digest } = plan;
      const run = await approve(runId, { revision, digest, approvedBy: { kind: 'policy', id: 'run-once' } });
      return { ...run, ...(await run.result()) };
    },
    close() {
      closing ??= closeDown({ runs, surroundings });
      return closing;
    },
  };
}

function settingsOf({ store, topologies, clock = systemClock, ...options }: CoreOptions): OrchestratorSettings {
  return {
    store,
    topologies,
    clock,
    workspace: options.workspace ?? {},
    resources: Object.keys(options.resources ?? {}),
    ids: options.ids ?? createRunIds(clock),
    telemetry: options.telemetry,
    graceMs: options.graceMs ?? defaultGraceMs,
    workspaceTimeoutMs: options.workspaceTimeoutMs ?? defaultWorkspaceTimeoutMs,
    limits: options.limits,
  };
}

/** Whether an approval covers more than the one that the run was started with. */
function exceeds({ approvedSteps }: ManagedRun, { steps }: ApprovedPlan): boolean {
  if (approvedSteps === null) return false;
  const covered = new Set(approvedSteps);
  return steps === null || steps.some((id) => !covered.has(id));
}
const anotherPart: Issue = {
  code: 'approved-in-part',
  pointer: '/steps',
  message: 'The run was started with a smaller part of the plan. Approve more of it with run.approveSteps().',
};

function historyOf({ runId, status, history }: ManagedRun): ProposalHistory {
  if (history) return { ...history, status };
  throw new RunStateError(runId, status, 'show revisions, because it has no proposal');
}

function describe({ runId, plan }: ManagedRun): Proposed {
  const { revision, digest } = plan;
  return { runId, revision, digest, plan, diagnostics: analyzePlan(plan), bounds: worstCase(plan) };
}

function accepted<T>(result: Result<T, readonly Issue[]>): T {
  if (result.ok) return result.value;
  throw new ProposalRejectedError(result.error);
}

/** Plans and proposals are plain data by construction; their interfaces have no index signature to say so. */
const asJson = (data: Plan | OrchestrationProposal): Json => data as unknown as Json;

interface Closing {
  readonly runs: ReadonlyMap<string, ManagedRun>;
  readonly surroundings: RunSurroundings;
}

async function closeDown({ runs, surroundings: { clock, queue, graceMs } }: Closing): Promise<void> {
  // Once `closing` is set, what is queued ends without starting; only attempts under way are waited for, and what follows from them.
  const drained = queue.idle().then(() => Promise.all(Array.from(runs.values(), (run) => run.settled())));
  await withinLimit(clock, graceMs, drained);
  const cause = new OrchestratorClosedError();
  for (const run of runs.values()) if (!isTerminal(run.status)) run.halt(cause);
}
