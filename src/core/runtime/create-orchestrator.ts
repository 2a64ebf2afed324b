import type { Approval } from '../approval/approve-plan.js';
import { planProposal } from '../plan/plan-proposal.js';
import { planTask, type Task } from '../plan/plan-task.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { BreakerView } from '../ports/breaker-view.js';
import type { Plan } from '../ports/plan.js';
import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Actor, RunRecordInput } from '../ports/run.js';
import type { RunFilter, RunSummary } from '../ports/store.js';
import { diffProposals } from '../proposal/diff-proposals.js';
import { parseProposal } from '../proposal/parse-proposal.js';
import { appendRevision, type ProposalHistory } from '../proposal/proposal-history.js';
import type { Issue } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { err, ok, type Result } from '../shared/result.js';
import { StoreConflictError } from '../shared/store-error.js';
import { ArtifactStoreMissingError } from './artifact-errors.js';
import { createAgentDirectory } from './agent-directory.js';
import { closeDown } from './close-down.js';
import { createApproveRun } from './approve-run.js';
import { checkPlan, checkTask, checkTenant } from './check-given.js';
import { checkLimits } from './check-options.js';
import { reducerIssues } from './check-reducers.js';
import { createBreakers } from './breakers.js';
import { createRunHandle } from './create-run-handle.js';
import { OrchestratorClosedError, RecoveryError, RunStateError } from './errors.js';
import type { ManagedRun } from './managed-run.js';
import { previewReplan } from './replan-run.js';
import { accepted, describe, type Proposed } from './proposed.js';
import { createProcessOwner } from './process-owner.js';
import { createRecovery, type RecoveryFailure } from './recover-runs.js';
import { planParts } from './plan-part.js';
import type { Run, RunResult } from './run-handle.js';
import { createRunHold } from './run-hold.js';
import { createRunRegistry } from './run-registry.js';
import type { RunSurroundings } from './run-surroundings.js';
import { createSharedBudgets, type RaiseBudgetOptions, type TenantFigures } from './shared-budgets.js';
import { createRunGate } from './run-gate.js';
import { defaultConcurrency, gateOptionsOf, settingsOf, type CoreOptions } from './settings.js';
import { createWorkQueue } from './work-queue.js';

/** Who pays for a run. Whoever proposes it says so, never the proposal: a planner must not choose who pays. */
export interface ForTenant {
  /** Any text with a character that can be seen. Default: nobody in particular. */
  readonly tenant?: string;
}

/** Takes proposals, has them approved once, and runs them. */
export interface Orchestrator {
  /**
   * Stores and analyses a proposal: JSON text or a value. Nothing is executed, and no port but the store is called.
   *
   * @throws ProposalRejectedError with every issue.
   */
  propose(input: unknown, options?: { readonly author?: Actor } & ForTenant): Promise<Proposed>;
  /** Like {@link propose}, for a plan that `definePlan` made. */
  proposePlan(plan: Plan, options?: ForTenant): Promise<Proposed>;
  /**
   * Replaces a proposal that nobody has approved yet. For a run that is executing it proposes another plan, which changes nothing until {@link approve} is
   * called with its revision and digest. `baseRevision` is the revision that the change was made from, the newest.
   *
   * @throws ProposalRejectedError with every issue; `stale-revision` when the plan has moved on, `not-editable` when the run is past that.
   */
  revise(runId: string, input: unknown, options: { readonly baseRevision: number; readonly author?: Actor }): Promise<Proposed>;
  /**
   * Approves what was shown and starts the run. The same approval again gives the same run; of several at once one starts it.
   *
   * @throws ApprovalRefusedError when revision or digest are stale, the approver is not entitled, or analysis finds an error.
   * @throws AgentNotFoundError, HireNotPossibleError when a role cannot be filled. The run stays proposed.
   * @throws OrchestratorBusyError when too many runs are under way, and it may not wait, or no longer. The run stays proposed.
   */
  approve(runId: string, approval: Approval): Promise<Run>;
  /** A handle on a run. @throws RunNotFoundError */
  run(runId: string): Promise<Run>;
  /** All revisions of a run's proposal, to edit and hand to {@link revise}. @throws RunNotFoundError, RunStateError for a plan without proposal. */
  history(runId: string): Promise<ProposalHistory>;
  /** Runs in the order of their ids, which by default is that of their creation. The next page is `after` the last `runId` of this one. */
  list(filter?: RunFilter): Promise<readonly RunSummary[]>;
  /**
   * What an `ArtifactRef` of a run stands for: in its deliverable, its view, its events.
   *
   * @throws ArtifactNotFoundError for what leads to nothing in that run; ArtifactUnavailableError, StoreCorruptError, ArtifactStoreMissingError.
   */
  artifact(runId: string, ref: Json): Promise<Json>;
  /** Where the circuit breakers stand that anything was asked of since this orchestrator was made. */
  breakers(): readonly BreakerView[];
  /**
   * Closes a circuit breaker by hand: from now on everything is let through again, and what is under way counts for nothing. Who has done so is kept with
   * it. Resolves when that is durable, where the store keeps notes.
   */
  resetBreaker(key: BreakerKey, options: { readonly by: Actor }): Promise<void>;
  /** What the runs of a tenant take together in this process, or all runs. Reads the store once, where there are budgets. */
  tenant(name?: string): Promise<TenantFigures>;
  /**
   * Raises ceilings of a budget that runs share, in this process, for as long as it lives: what waits for money goes on, and paused runs can be
   * resumed. Gives the figures as they are then.
   *
   * @throws BudgetRaiseRefusedError when there is no such budget, a figure is not above the present one, or an agent asks for it.
   */
  raiseBudget(options: RaiseBudgetOptions): Promise<TenantFigures>;
  /** Runs one task by one agent on the same engine, to its end. Resolves with the run and how it ended. */
  runOnce(agentId: string, task: string | Task, options?: ForTenant): Promise<Run & RunResult>;
  /**
   * Takes up every run that was approved and has not ended, or has not told everyone so, and that no process drives any more: one
   * crashed, was closed, or has lost its lease. Gives handles on them. From then on the orchestrator keeps looking, so that the
   * runs of a process that dies later are taken over once its lease has run out. Safe to call in several processes at once.
   *
   * @throws RecoveryError when some could not be taken up, with handles on the others; where `onFailure` is given, it hears of them instead.
   */
  recover(options?: { readonly onFailure?: (failure: RecoveryFailure) => void }): Promise<Run[]>;
  /**
   * Takes no more work, lets attempts under way end within the grace time, and aborts the rest. Runs that have not ended reject
   * their `result()` with RunHaltedError, and are there for `recover()`. A store that was given stays open: it belongs to whoever made it.
   */
  close(): Promise<void>;
}

/** Creates an orchestrator. It keeps no process alive while nothing runs. */
export function createOrchestrator(options: CoreOptions): Orchestrator {
  checkLimits(options);
  const settings = settingsOf(options);
  const { topologies, reducers, limits, store, clock, leaseMs } = settings;
  const parsing = { topologies, reducers: Object.keys(reducers), limits };
  let closing: Promise<void> | undefined;
  const queue = createWorkQueue({ concurrency: options.concurrency ?? defaultConcurrency, clock });
  const suspects = createWorkQueue({ concurrency: 1, clock });
  const onFreed = (): void => {
    queue.recheck();
    suspects.recheck();
  };
  const budgets = createSharedBudgets({ budget: options.budget, tenants: settings.tenants, store, clock, onFreed });
  const surroundings: RunSurroundings = {
    ...settings,
    agents: createAgentDirectory(options.agents),
    queue,
    suspects,
    budgets,
    breakers: createBreakers({ clock, notes: store.notes }),
    gate: createRunGate({ ...gateOptionsOf(options), clock, tenants: settings.tenants }),
    hold: createRunHold({ store, clock, leaseMs, owner: createProcessOwner(options.owner) }),
    isClosing: () => closing !== undefined,
  };
  const runs = createRunRegistry(surroundings);
  const recovery = createRecovery(runs, surroundings);
  const approveRun = createApproveRun(runs, surroundings);
  const handleOn = (run: ManagedRun): Run => createRunHandle(run, runs);

  const expectOpen = (): void => {
    if (closing) throw new OrchestratorClosedError();
  };
  const add = async (plan: Plan, entry: RunRecordInput): Promise<ManagedRun> => {
    const run = runs.create(plan);
    await run.record(entry, planParts(plan, topologies));
    runs.add(run);
    return run;
  };
  const withReducers = (plan: Plan): Result<Plan, readonly Issue[]> => {
    const issues = reducerIssues(plan, reducers);
    return issues.length > 0 ? err(issues) : ok(plan);
  };
  const planOf = (proposal: OrchestrationProposal, revision: number): Plan =>
    accepted(withReducers(accepted(planProposal(proposal, { topologies, revision }))));
  const revise: Orchestrator['revise'] = async (runId, input, { baseRevision, author = null }) => {
    const opened = await runs.open(runId);
    const isUnderWay = opened.status === 'executing';
    const proposal = accepted(parseProposal(input, parsing));
    const at = clock.now();
    const history = historyOf(opened);
    accepted(appendRevision(isUnderWay ? { ...history, status: 'proposed' } : history, { proposal, baseRevision, at, author }));
    const plan = planOf(proposal, baseRevision + 1);
    const { revision, digest } = plan;
    const revised = { at, proposal: asJson(proposal), revision, author, digest };
    if (!isUnderWay) {
      await opened.revise(plan, { type: 'run.revised', ...revised }, planParts(plan, topologies));
      return describe(opened);
    }
    const run = await runs.drive(runId);
    await run.record({ type: 'run.replan-proposed', ...revised });
    const before = history.revisions.find((known) => known.revision === run.state.record.revision)!.proposal;
    return { ...describe({ runId, plan }), replan: { ...previewReplan(run, plan), diff: diffProposals(before, proposal) } };
  };

  const figuresOf = async (tenant?: string): Promise<TenantFigures> => {
    await budgets.load();
    const driven = [...runs.all.values()].filter(({ isDriven, isOpen, halted }) => isDriven && isOpen && !halted);
    const budget = budgets.figures(tenant);
    return {
      tenant: tenant ?? null,
      runs: driven.filter(({ state }) => tenant === undefined || state.record.tenant === tenant).length,
      waiting: surroundings.gate.waiting(tenant),
      ...(budget && { budget }),
    };
  };

  return {
    async propose(input, { author = null, ...options } = {}) {
      expectOpen();
      const paidBy = accepted(checkTenant(options));
      const proposal = accepted(parseProposal(input, parsing));
      const plan = planOf(proposal, 1);
      const { digest } = plan;
      return describe(
        await add(plan, { type: 'run.proposed', at: clock.now(), proposal: asJson(proposal), author, digest, ...paidBy }),
      );
    },
    async proposePlan(given, options = {}) {
      expectOpen();
      const paidBy = accepted(checkTenant(options));
      const plan = accepted(withReducers(accepted(checkPlan(given))));
      const { digest, revision } = plan;
      return describe(await add(plan, { type: 'run.planned', at: clock.now(), digest, revision, ...paidBy }));
    },
    async revise(runId, input, options) {
      expectOpen();
      try {
        return await revise(runId, input, options);
      } catch (error) {
        if (!(error instanceof StoreConflictError)) throw error;
        // Another process has revised or claimed the run since this one looked.
        return revise(runId, input, options);
      }
    },
    async approve(runId, approval) {
      expectOpen();
      return handleOn(await approveRun(runId, approval));
    },
    async run(runId) {
      return handleOn(await runs.open(runId));
    },
    async history(runId) {
      return historyOf(await runs.open(runId));
    },
    async list(filter) {
      return (await store.list(filter)).runs;
    },
    async recover({ onFailure } = {}) {
      expectOpen();
      const { runs: taken, failures } = await recovery.now();
      const handles = taken.map(handleOn);
      if (onFailure) failures.forEach(onFailure);
      else if (failures.length > 0) throw new RecoveryError(handles, failures);
      return handles;
    },
    async artifact(runId, ref) {
      if (!settings.artifacts) throw new ArtifactStoreMissingError();
      return settings.artifacts.read(runId, ref);
    },
    breakers: () => surroundings.breakers.views(),
    async resetBreaker(key, { by }) {
      expectOpen();
      await surroundings.breakers.reset(key, by);
    },
    tenant: figuresOf,
    async raiseBudget(given) {
      expectOpen();
      await budgets.load();
      budgets.raise(given);
      return figuresOf(given.tenant);
    },
    async runOnce(agentId, given, options = {}) {
      expectOpen();
      const paidBy = accepted(checkTenant(options));
      const task = typeof given === 'string' ? { instructions: given } : given;
      accepted(checkTask(task));
      surroundings.agents.require(agentId);
      const plan = planTask(agentId, task);
      const { revision, digest } = plan;
      const { runId } = await add(plan, { type: 'run.planned', at: clock.now(), digest, revision, ...paidBy });
      const run = handleOn(await approveRun(runId, { revision, digest, approvedBy: { kind: 'policy', id: 'run-once' } }));
      return { ...run, ...(await run.result()) };
    },
    close() {
      closing ??= closeDown({ runs, recovery, surroundings });
      return closing;
    },
  };
}

function historyOf({ runId, status, state }: ManagedRun): ProposalHistory {
  const { revisions } = state.record;
  if (revisions.length === 0) throw new RunStateError(runId, status, 'show revisions, because it has no proposal');
  // What is stored was parsed before it was.
  return { status, revisions: revisions as readonly unknown[] as ProposalHistory['revisions'] };
}

/** Plans and proposals are plain data by construction; their interfaces have no index signature to say so. */
const asJson = (data: Plan | OrchestrationProposal): Json => data as unknown as Json;
