import type { ApprovedPlan } from '../approval/approve-plan.js';
import { createKernel } from '../kernel/create-kernel.js';
import { nextRunStatus } from '../kernel/run-lifecycle.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import type { Plan } from '../ports/plan.js';
import type { RunFact, RunStatus } from '../ports/run.js';
import type { ProposalHistory } from '../proposal/proposal-history.js';
import type { RunView } from '../views/run-view.js';
import type { AgentDirectory } from './agent-directory.js';
import { createDeferred } from './deferred.js';
import { deliver } from './deliver.js';
import { RunHaltedError } from './errors.js';
import { createEventLog } from './event-log.js';
import { isTerminal } from './is-terminal.js';
import { createLiveView, type LiveView } from './live-view.js';
import type { OrchestratorSettings } from './orchestrator-options.js';
import { provision, type Hire, type Provision } from './provision.js';
import { releaseHires } from './release-hires.js';
import { createRunAttempts, type RunAttempts } from './run-attempts.js';
import { createRunDriver, type CommandHandlers, type RunDriver } from './run-driver.js';
import type { RunResult } from './run-handle.js';
import { createRunJournal, type EntryBody, type RunJournal } from './run-journal.js';
import { tellOutside } from './tell-outside.js';
import { codeOf, messageOf } from './thrown.js';
import type { WorkQueue } from './work-queue.js';

/** What the runs of one orchestrator share. */
export interface RunSurroundings extends OrchestratorSettings {
  readonly agents: AgentDirectory;
  readonly queue: WorkQueue;
  readonly isClosing: () => boolean;
}

/** The machines of a run at work. */
interface Engine {
  readonly driver: RunDriver;
  readonly attempts: RunAttempts;
}

/** One run inside its orchestrator, from its proposal to its end. What a user holds is a `Run`. */
export class ManagedRun {
  readonly log;
  plan: Plan;
  history: ProposalHistory | undefined;
  engine: Engine | undefined;
  /** Asked for before there were machines to tell. */
  #cancelReason: string | undefined;
  #status: RunStatus = 'proposed';
  #provision: Provision | undefined;
  /** Hires on record that have not been let go. */
  readonly #hires: Hire[] = [];
  #halted: RunHaltedError | undefined;
  #isDelivering = false;
  /** Fires when the run is on its way to another end: nothing more is set up or delivered for it. */
  readonly #stopping = new AbortController();
  readonly #agents: AgentDirectory;
  readonly #ended = createDeferred<RunResult>();
  /** Work steps that were approved; `null` for all. */
  approvedSteps: readonly string[] | null = null;
  readonly #journal: RunJournal;
  readonly #view: LiveView;
  readonly #createdAt: number;

  constructor(
    readonly runId: string,
    readonly surroundings: RunSurroundings,
    what: { readonly plan: Plan; readonly history?: ProposalHistory },
  ) {
    const { store, clock, workspace, telemetry } = surroundings;
    this.#agents = surroundings.agents.fork();
    this.plan = what.plan;
    this.history = what.history;
    this.log = createEventLog(runId);
    this.#view = createLiveView(this.log, () => this.plan);
    this.#createdAt = clock.now();
    this.#journal = createRunJournal({ runId, store, clock, seq: 0, summary: () => this.#summary() });
    this.log.subscribe((event) => {
      if (event.type === 'run.stopping') this.#stopping.abort();
      tellOutside(event, { workspace, telemetry, context: this.plan.context });
    });
  }

  get status(): RunStatus {
    return this.engine?.driver.kernel.status ?? this.#status;
  }

  /** Settles when the run has ended and its hires are released, or cannot go on. */
  get ended(): Promise<RunResult> {
    return this.#ended.promise;
  }

  view(): RunView {
    return this.#view.read();
  }

  /** Makes an entry durable, then tells of it. A run that cannot write does not go on. */
  async record(entry: EntryBody, fact?: RunFact): Promise<void> {
    if (this.#halted) throw this.#halted;
    this.#journal.add(entry);
    try {
      await this.#journal.flush();
    } catch (error) {
      this.halt(error);
      throw error;
    }
    if (fact) this.log.append(fact, entry.at);
  }

  /** Resolves when nothing of the run is on its way any more but its attempts. */
  async settled(): Promise<void> {
    await this.engine?.driver.idle();
    if (this.#isDelivering || isTerminal(this.status)) await this.#ended.promise.catch(() => undefined);
  }

  /** Puts a revision in the place of the plan. */
  async replan(next: { readonly plan: Plan; readonly history: ProposalHistory }, entry: EntryBody): Promise<void> {
    this.#status = nextRunStatus(this.#status, 'REVISE');
    this.plan = next.plan;
    this.history = next.history;
    this.#view.reset();
    await this.record(entry, { type: 'run.revised', revision: next.plan.revision, digest: next.plan.digest });
  }

  /** Takes the approval, sets up what the run needs, makes its machines and lets them go. */
  async start(approved: ApprovedPlan): Promise<void> {
    const { revision, digest } = this.plan;
    const { approvedBy, steps } = approved;
    this.#status = nextRunStatus(this.#status, 'APPROVE');
    this.approvedSteps = steps;
    const approval = { type: 'run.approved', revision, digest, approvedBy, steps } as const;
    await this.record({ ...approval, at: this.#now() }, approval);
    const materialized = await this.#provisioned(approved);
    if (!materialized || this.#halted) return;
    const engine = this.#createEngine(materialized);
    this.engine = engine;
    await engine.driver.submit(
      this.#cancelReason === undefined
        ? { type: 'run.start', graceMs: this.surroundings.graceMs, ...(steps && { steps }) }
        : { type: 'run.cancel', reason: this.#cancelReason },
    );
  }

  /** Ends a run that has no machines yet: at once while proposed, as soon as it is set up while approved. */
  async cancelEarly(reason: string): Promise<void> {
    if (this.#status === 'approved') {
      this.#cancelReason ??= reason;
      this.#stopping.abort();
      return;
    }
    await this.#withdraw(reason);
  }

  async #withdraw(reason: string): Promise<void> {
    this.#status = nextRunStatus(this.#status, 'CANCEL');
    await this.record({ type: 'run.withdrawn', at: this.#now(), reason }, { type: 'run.cancelled', reason });
    await this.#release();
    this.#end();
  }

  /** Leaves the run where it is, in this process. */
  halt(cause: unknown): void {
    if (this.engine) this.engine.driver.halt(cause);
    else this.#haltNow(new RunHaltedError(this.runId, { cause }));
  }

  #now(): number {
    return this.surroundings.clock.now();
  }

  #summary() {
    const { plan, runId, status } = this;
    const { goal, revision, context } = plan;
    const { parentTicket, scope } = context;
    const open = status !== 'proposed' && !isTerminal(status);
    return { runId, status, goal, revision, parentTicket, scope, createdAt: this.#createdAt, open };
  }

  /** Hires, team, project and machines; or nothing, and the run is over. */
  async #provisioned(approved: ApprovedPlan): Promise<MaterializedRun | undefined> {
    const { runId, plan, surroundings } = this;
    const { workspace, clock, graceMs, workspaceTimeoutMs: limitMs } = surroundings;
    try {
      const record = (entry: EntryBody) => this.#recordHire(entry);
      const { signal } = this.#stopping;
      const options = { runId, plan, workspace, agents: this.#agents, clock, limitMs, graceMs, signal, record };
      this.#provision = await provision(options);
      const { roles, teamId, projectId } = this.#provision;
      const materialized = materialize(approved, roles);
      const entry = { type: 'run.provisioned', at: this.#now(), roles, digest: materialized.digest } as const;
      await this.record(entry, { type: 'run.provisioned', teamId, projectId, roles });
      return materialized;
    } catch (cause) {
      if (this.#halted) throw this.#halted;
      if (this.#cancelReason === undefined) await this.#refuse(cause);
      else await this.#withdraw(this.#cancelReason);
      return undefined;
    }
  }

  async #recordHire(entry: EntryBody): Promise<void> {
    if (entry.type !== 'role.hired') return this.record(entry);
    const { role, agentId } = entry;
    this.#hires.push({ role, agentId });
    await this.record(entry, { type: 'run.hired', role, agentId });
  }

  /** What an approved run needs could not be set up. */
  async #refuse(cause: unknown): Promise<void> {
    const error = { code: codeOf(cause, 'PROVISIONING_FAILED'), message: messageOf(cause, 'The workspace') };
    this.#status = nextRunStatus(this.#status, 'FAIL');
    await this.record(
      { type: 'run.refused', at: this.#now(), error },
      { type: 'run.failed', reason: 'provisioning_failed', error },
    );
    await this.#release();
    this.#end();
  }

  #createEngine(materialized: MaterializedRun): Engine {
    const { runId, log, surroundings } = this;
    const { clock, queue, graceMs, isClosing } = surroundings;
    const { teamId = null, projectId = null } = this.#provision ?? {};
    const attempts = createRunAttempts({
      runId,
      materialized,
      queue,
      isClosing,
      clock,
      graceMs,
      driver: () => driver,
      agentOf: this.#agents.find,
      resources: new Set([...surroundings.resources, ...Object.keys(materialized.definition.resources)]),
      place: { teamId, projectId },
    });
    const kernel = createKernel(materialized);
    const driver = createRunDriver({ runId, kernel, journal: this.#journal, log, clock, handlers: this.#handlers(attempts) });
    return { driver, attempts };
  }

  #handlers(attempts: RunAttempts): CommandHandlers {
    return {
      start: attempts.start,
      abort: ({ stepId, reason }) => attempts.abort(stepId, reason),
      resumed: attempts.release,
      deliver: () => void this.#deliver(),
      ended: () => void this.#release().then(() => this.#end()),
      halted: (error) => {
        attempts.abortAll(error.message);
        this.#haltNow(error);
      },
    };
  }

  async #deliver(): Promise<void> {
    const { workspace, clock, workspaceTimeoutMs: limitMs } = this.surroundings;
    const { runId, plan, engine } = this;
    if (!engine) return;
    this.#isDelivering = true;
    const deliverable = engine.attempts.outputs.get(engine.driver.kernel.deliverableStep) ?? null;
    const { parentTicket } = plan.context;
    const { signal } = this.#stopping;
    try {
      await deliver({ workspace, clock, limitMs, signal, runId, idempotencyKey: `${runId}:deliver`, parentTicket, deliverable });
      engine.driver.offer({ type: 'run.delivered' });
    } catch (cause) {
      const error = { code: 'DELIVERY_FAILED', message: messageOf(cause, 'The workspace') };
      engine.driver.offer({ type: 'run.delivery-failed', error });
    }
  }

  async #release(): Promise<void> {
    const { runId, surroundings } = this;
    const { workspace, clock, graceMs } = surroundings;
    const record = ({ role, agentId }: Hire) => {
      const entry = { type: 'role.released', at: this.#now(), role, agentId } as const;
      return this.record(entry, { type: 'run.released', role, agentId });
    };
    await releaseHires(this.#hires.splice(0), { runId, workspace, clock, limitMs: graceMs, record });
  }

  #end(): void {
    this.log.end();
    this.#ended.resolve(this.#result());
  }

  #haltNow(error: RunHaltedError): void {
    this.#halted ??= error;
    this.#stopping.abort();
    this.log.end();
    this.#ended.reject(error);
  }

  #result(): RunResult {
    const { status, gaps, usage, reason, error, steps } = this.view();
    if (status !== 'completed') {
      const ended = status === 'cancelled' ? status : 'failed';
      return { status: ended, gaps, usage, ...(reason !== undefined && { reason }), ...(error && { error }) };
    }
    const id = this.engine?.driver.kernel.deliverableStep;
    return { status, deliverable: steps.find((step) => step.id === id)?.output ?? null, gaps, usage };
  }
}
