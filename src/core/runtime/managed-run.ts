import type { ApprovedPlan } from '../approval/approve-plan.js';
import type { RoleMap } from '../materializer/definition.js';
import { nextRunStatus } from '../kernel/run-lifecycle.js';
import type { RunningPolicy } from '../plan/merge-plans.js';
import type { Plan } from '../ports/plan.js';
import type { DoneTicket, JournalEntry, RunRecordInput, RunStatus } from '../ports/run.js';
import type { CheckpointParts } from '../ports/store.js';
import type { RunView } from '../views/run-view.js';
import type { AgentDirectory } from './agent-directory.js';
import { createDeferred } from './deferred.js';
import { deliver } from './deliver.js';
import { RunHaltedError } from './errors.js';
import { isTerminal } from './is-terminal.js';
import { createLanding, mustLand, type Landing } from './land-run.js';
import { rehire, rolesAtHand, type ProvisionOptions } from './provision.js';
import { prepareReplan } from './replan-run.js';
import { createRunEngine, type RunEngine } from './run-engine.js';
import type { RunResult } from './run-handle.js';
import { createRunJournal, type RunJournal } from './run-journal.js';
import { resultOf } from './run-result.js';
import type { RunOrigin } from './run-origin.js';
import type { RunMachines, RunState, TakeUp } from './run-state.js';
import { createRunUpkeep, type RunUpkeep } from './run-upkeep.js';
import type { RunSurroundings } from './run-surroundings.js';
import { setUpRun, startOf } from './set-up-run.js';
import { summaryOf } from './run-summary.js';
import { tellOutside } from './tell-outside.js';

interface Start {
  readonly approval: RunRecordInput;
  readonly roles: RoleMap;
}

/** One run inside its orchestrator, from its proposal to its end. What a user holds is a `Run`. */
export class ManagedRun {
  engine: RunEngine | undefined;
  /** Whether this process drives it: it alone may write. */
  isDriven = false;
  /** Asked for before there were machines to tell. */
  #cancelReason: string | undefined;
  halted: RunHaltedError | undefined;
  #isDelivering = false;
  readonly #landing: Landing;
  /** Fires when the run is on its way to another end: nothing more is set up or delivered for it. */
  readonly #stopping = new AbortController();
  readonly #agents: AgentDirectory;
  readonly #ended = createDeferred<RunResult>();
  readonly journal: RunJournal;
  readonly #upkeep: RunUpkeep;

  constructor(
    readonly state: RunState,
    readonly surroundings: RunSurroundings,
    from: RunOrigin,
  ) {
    const { store, clock, workspace, telemetry } = surroundings;
    const { runId, log } = state;
    this.#agents = surroundings.agents.fork();
    this.journal = createRunJournal({ runId, store, clock, ...from, summary: () => summaryOf(this) });
    const record = (entry: RunRecordInput) => this.record(entry);
    this.#landing = createLanding({ state, workspace, clock, limitMs: surroundings.graceMs, record });
    this.#upkeep = createRunUpkeep({ state, journal: this.journal, ...surroundings, ...from });
    log.subscribe((event) => {
      if (event.type === 'run.stopping') this.#stopping.abort();
      if (!state.isReplaying) tellOutside(event, { workspace, telemetry, context: this.plan.context });
    });
  }

  get runId(): string {
    return this.state.runId;
  }

  get plan(): Plan {
    return this.state.plan;
  }

  get status(): RunStatus {
    const { kernel, record } = this.state;
    // Machines that have not been told to start know less than the record.
    return kernel && kernel.status !== 'approved' ? kernel.status : record.status;
  }

  /** Whether a process has something to do for it. */
  get isOpen(): boolean {
    const { status, state } = this;
    if (status === 'proposed') return false;
    return !isTerminal(status) || state.kernel?.hasWorkLeft === true || mustLand({ state, ...this.surroundings });
  }

  /** Settles when the run has ended and everyone knows, or it cannot go on. */
  get ended(): Promise<RunResult> {
    return this.#ended.promise;
  }

  view(): RunView {
    return this.#upkeep.view.read();
  }

  /** Makes an entry durable, then tells of it. A run that cannot write does not go on. */
  async record(entry: RunRecordInput, checkpoint?: CheckpointParts): Promise<void> {
    if (this.halted) throw this.halted;
    const fact = this.state.addRecord(entry);
    if (this.engine) return this.engine.driver.record(entry, fact);
    this.journal.add(entry);
    if (checkpoint) this.journal.addCheckpoint(checkpoint);
    try {
      await this.journal.flush();
    } catch (error) {
      this.halt(error);
      throw error;
    }
    if (fact) this.state.log.append(fact, entry.at);
  }

  /** Resolves when nothing of the run is on its way any more but its attempts. */
  async settled(): Promise<void> {
    await this.engine?.driver.idle();
    if (this.#isDelivering || isTerminal(this.status)) await this.#ended.promise.catch(() => undefined);
  }

  /** Puts a revision in the place of the plan. */
  async revise(plan: Plan, entry: RunRecordInput, checkpoint: CheckpointParts): Promise<void> {
    const before = this.state.plan;
    nextRunStatus(this.status, 'REVISE');
    this.replacePlan(plan);
    try {
      await this.record(entry, checkpoint);
    } catch (error) {
      this.replacePlan(before);
      throw error;
    }
  }

  /** Another process has revised what is proposed. */
  replacePlan(plan: Plan): void {
    this.state.plan = this.state.firstPlan = plan;
    this.#upkeep.view.reset();
  }

  /** Takes what the process that drives the run has written. */
  follow(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.state.replay(entry, this.surroundings.migrate);
      this.journal.skipTo(entry);
      this.#upkeep.afterReading();
    }
    if (isTerminal(this.status)) this.end();
  }

  /** From now on this process drives the run, under this fence. */
  drive(fence: number): void {
    this.isDriven = true;
    this.journal.useFence(fence);
    this.surroundings.hold.keep(this.runId);
  }

  /** Takes the approval, sets up what the run needs, makes its machines and lets them go. */
  async start(approved: ApprovedPlan, done: readonly DoneTicket[]): Promise<void> {
    const { revision, digest } = this.plan;
    const { approvedBy, steps } = approved;
    nextRunStatus(this.status, 'APPROVE');
    const approval = { type: 'run.approved', at: this.#now(), revision, digest, approvedBy, steps, done } as const;
    const roles = rolesAtHand(this.#provisionOptions());
    if (roles) return this.#startAtOnce(approved, { approval, roles });
    await this.record(approval);
    await this.#goOn(approved);
  }

  /** Nobody has to be asked for anything: from the approval to the first commands it is one commit. */
  async #startAtOnce(approved: ApprovedPlan, { approval, roles }: Start): Promise<void> {
    const materialized = this.state.materialize(approved, roles);
    const provisioned = { type: 'run.provisioned', at: this.#now(), roles, digest: materialized.digest } as const;
    const recorded = [this.record(approval), this.record(provisioned)];
    await Promise.all([...recorded, this.#letGo(this.#createEngine(this.state.useMachines(materialized)))]);
  }

  /** Goes by another plan from here on. Who fills its roles is seen to first. @throws IllegalInputError when the run has moved on meanwhile. */
  async goBy({ plan, approvedBy }: ApprovedPlan, running: RunningPolicy): Promise<void> {
    const input = await prepareReplan(this.#provisionOptions(), { plan, approvedBy, running, record: this.state.record });
    if (input) await this.engine?.driver.submit(input);
  }

  /** Goes on from wherever the run was left. */
  async takeUp({ lost, shiftMs }: TakeUp): Promise<void> {
    const { state, surroundings } = this;
    const { machines, migrated } = state;
    const isOver = isTerminal(this.status);
    if (isOver && !machines?.kernel.hasWorkLeft) return this.#land();
    await rehire(this.#provisionOptions());
    if (migrated) await this.record({ type: 'run.migrated', at: this.#now(), ...migrated });
    if (!machines) return this.#goOn(state.approved());
    if (machines.kernel.status === 'approved') return this.#letGo(this.#createEngine(machines));
    const { maxLostStarts } = surroundings;
    await this.#createEngine(machines).driver.submit({ type: 'run.recovered', lost, maxLostStarts, shiftMs });
    if (isOver) await this.#land();
  }

  /** Ends a run that has no machines yet: at once while proposed, as soon as it is set up while approved. */
  async cancelEarly(reason: string): Promise<void> {
    if (this.status === 'approved') {
      this.#cancelReason ??= reason;
      this.#stopping.abort();
      return;
    }
    nextRunStatus(this.status, 'CANCEL');
    await this.record({ type: 'run.withdrawn', at: this.#now(), reason });
    await this.#land();
  }

  /** Leaves the run where it is, in this process. */
  halt(cause: unknown): void {
    if (this.engine) this.engine.driver.halt(cause);
    else this.#haltNow(new RunHaltedError(this.runId, { cause }));
  }

  /** Leaves the run in good order, for whoever takes it up next. */
  async leave(cause: unknown): Promise<void> {
    const canWrite = this.isDriven && !this.halted;
    this.halt(cause);
    if (!canWrite) return;
    this.journal.add({ type: 'run.let-go', at: this.#now() });
    // Where that cannot be written, the run looks like one whose process died, and is taken up as such.
    await this.journal.flush().catch(() => undefined);
  }

  /** Resolves its result, for a run that is over and that nobody has to do anything for. */
  end(): void {
    this.#upkeep.end();
    this.state.log.end();
    this.#ended.resolve(resultOf(this.view(), this.state.kernel?.deliverableStep));
    if (!this.isOpen) this.surroundings.hold.drop(this.runId);
  }

  #now(): number {
    return this.surroundings.clock.now();
  }

  /** From the approval to the first command, leaving out what is on record already. */
  async #goOn(approved: ApprovedPlan): Promise<void> {
    const materialize = (roles: RoleMap) => this.state.materialize(approved, roles);
    const cancelReason = () => this.#cancelReason;
    const materialized = await setUpRun({ ...this.#provisionOptions(), materialize, cancelReason });
    if (!materialized) return this.#land();
    if (!this.halted) await this.#letGo(this.#createEngine(this.state.useMachines(materialized)));
  }

  async #letGo({ driver }: RunEngine): Promise<void> {
    const reason = this.#cancelReason;
    await driver.submit(reason === undefined ? startOf(this.state, this.surroundings) : { type: 'run.cancel', reason });
  }

  #provisionOptions(): ProvisionOptions {
    const { runId, plan, surroundings, state } = this;
    const { workspace, clock, graceMs, workspaceTimeoutMs: limitMs } = surroundings;
    const { signal } = this.#stopping;
    const record = (entry: RunRecordInput) => this.record(entry);
    return { runId, plan, workspace, agents: this.#agents, clock, limitMs, graceMs, signal, record, done: state.record };
  }

  #createEngine(machines: RunMachines): RunEngine {
    const { state, surroundings } = this;
    const engine = createRunEngine({
      state,
      machines,
      journal: this.journal,
      agents: this.#agents,
      surroundings,
      upkeep: this.#upkeep,
      handlers: {
        deliver: () => void this.#deliver(engine),
        ended: () => void this.#land(),
        settled: () => void this.#land(),
        halted: (error) => this.#haltNow(error),
      },
    });
    this.engine = engine;
    return engine;
  }

  async #deliver({ driver }: RunEngine): Promise<void> {
    this.#isDelivering = true;
    const { clock, workspace, artifacts, workspaceTimeoutMs: limitMs } = this.surroundings;
    const at = { clock, workspace, artifacts, limitMs, signal: this.#stopping.signal };
    driver.offer(await deliver({ ...at, state: this.state, from: driver.kernel.deliverableStep }));
  }

  /** The run is over: everyone hears of it, once, and then whoever waits for its result. */
  async #land(): Promise<void> {
    await this.#landing.land();
    if (!this.halted) this.end();
  }

  #haltNow(error: RunHaltedError): void {
    this.halted ??= error;
    this.surroundings.hold.drop(this.runId);
    this.#stopping.abort();
    this.state.log.end();
    this.#ended.reject(error);
  }
}
