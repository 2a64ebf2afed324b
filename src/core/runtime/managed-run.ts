import type { ApprovedPlan } from '../approval/approve-plan.js';
import { createKernel } from '../kernel/create-kernel.js';
import { nextRunStatus } from '../kernel/run-lifecycle.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import type { Plan } from '../ports/plan.js';
import type { RunFact, RunStatus } from '../ports/run.js';
import type { ProposalHistory } from '../proposal/proposal-history.js';
import { isPlanwrightError } from '../shared/error.js';
import { createRunProjection, type RunProjection, type RunView } from '../views/run-view.js';
import type { AgentDirectory } from './agent-directory.js';
import { messageOf } from './attempt-outcome.js';
import { createDeferred } from './deferred.js';
import { deliver } from './deliver.js';
import { RunHaltedError } from './errors.js';
import { createEventLog } from './event-log.js';
import type { OrchestratorSettings } from './orchestrator-options.js';
import { provision, type Provision } from './provision.js';
import { createRunAttempts, type RunAttempts } from './run-attempts.js';
import { createRunDriver, type CommandHandlers, type RunDriver } from './run-driver.js';
import type { RunResult } from './run-handle.js';
import { createRunJournal, type EntryBody, type RunJournal } from './run-journal.js';
import { withinLimit } from './within-limit.js';
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
  #projection: RunProjection | undefined;
  #provision: Provision | undefined;
  readonly #ended = createDeferred<RunResult>();
  /** Work steps that were approved; `null` for all. */
  approvedSteps: readonly string[] | null = null;
  readonly #journal: RunJournal;
  readonly #createdAt: number;

  constructor(
    readonly runId: string,
    readonly surroundings: RunSurroundings,
    what: { readonly plan: Plan; readonly history?: ProposalHistory },
  ) {
    const { store, clock } = surroundings;
    this.plan = what.plan;
    this.history = what.history;
    this.log = createEventLog(runId);
    this.#createdAt = clock.now();
    this.#journal = createRunJournal({ runId, store, clock, seq: 0, summary: () => this.#summary() });
    this.log.subscribe((event) => this.#tellOutside(event));
  }

  get status(): RunStatus {
    return this.engine?.driver.kernel.status ?? this.#status;
  }

  /** Settles when the run has ended and its hires are released, or cannot go on. */
  get ended(): Promise<RunResult> {
    return this.#ended.promise;
  }

  view(): RunView {
    // Made on first use and kept: most runs are looked at rarely, and some all the time.
    this.#projection ??= createRunProjection(this.plan);
    for (const event of this.log.events.slice(this.#projection.seq)) this.#projection.apply(event);
    return this.#projection.view();
  }

  /** Makes an entry durable, then tells of it. */
  async record(entry: EntryBody, fact?: RunFact): Promise<void> {
    this.#journal.add(entry);
    await this.#journal.flush();
    if (fact) this.log.append(fact, entry.at);
  }

  /** Puts a revision in the place of the plan. */
  async replan(next: { readonly plan: Plan; readonly history: ProposalHistory }, entry: EntryBody): Promise<void> {
    this.#status = nextRunStatus(this.#status, 'REVISE');
    this.plan = next.plan;
    this.history = next.history;
    this.#projection = undefined;
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
    if (!materialized) return;
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
      return;
    }
    this.#status = nextRunStatus(this.#status, 'CANCEL');
    await this.record({ type: 'run.withdrawn', at: this.#now(), reason }, { type: 'run.cancelled', reason });
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
    return { runId, status, goal, revision, parentTicket: context.parentTicket, createdAt: this.#createdAt };
  }

  /** Hires, team, project and machines; or nothing, and the run has failed. */
  async #provisioned(approved: ApprovedPlan): Promise<MaterializedRun | undefined> {
    const { workspace, agents } = this.surroundings;
    try {
      const { runId, plan } = this;
      const hired = (entry: EntryBody) =>
        this.record(entry, entry.type === 'role.hired' ? { ...entry, type: 'run.hired' } : undefined);
      this.#provision = await provision({ runId, plan, workspace, agents, at: () => this.#now(), record: hired });
      const { roles, teamId, projectId } = this.#provision;
      const materialized = materialize(approved, roles);
      const entry = { type: 'run.provisioned', at: this.#now(), roles, digest: materialized.digest } as const;
      await this.record(entry, { type: 'run.provisioned', teamId, projectId, roles });
      return materialized;
    } catch (cause) {
      const error = { code: isPlanwrightError(cause) ? cause.code : 'PROVISIONING_FAILED', message: messageOf(cause) };
      this.#status = nextRunStatus(this.#status, 'FAIL');
      await this.record(
        { type: 'run.refused', at: this.#now(), error },
        { type: 'run.failed', reason: 'provisioning_failed', error },
      );
      await this.#release();
      this.#end();
      return undefined;
    }
  }

  #createEngine(materialized: MaterializedRun): Engine {
    const { runId, log, surroundings } = this;
    const { clock, queue, agents, isClosing } = surroundings;
    const { teamId = null, projectId = null } = this.#provision ?? {};
    const attempts = createRunAttempts({
      runId,
      materialized,
      queue,
      isClosing,
      driver: () => driver,
      agentOf: agents.find,
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
    const { workspace, clock } = this.surroundings;
    const { runId, plan, engine } = this;
    if (!engine) return;
    const deliverable = engine.attempts.outputs.get(engine.driver.kernel.deliverableStep) ?? null;
    const { parentTicket } = plan.context;
    try {
      await deliver({ workspace, clock, runId, idempotencyKey: `${runId}:deliver`, parentTicket, deliverable });
      engine.driver.offer({ type: 'run.delivered' });
    } catch (cause) {
      engine.driver.offer({ type: 'run.delivery-failed', error: { code: 'DELIVERY_FAILED', message: messageOf(cause) } });
    }
  }

  /** Lets the hires go. One that does not answer is left behind, on record as hired. */
  async #release(): Promise<void> {
    const { workspace, clock, graceMs, agents } = this.surroundings;
    for (const { role, agentId } of this.#provision?.hires ?? []) {
      const idempotencyKey = `${this.runId}:release:${role}`;
      const call = (async () => workspace.release?.({ runId: this.runId, idempotencyKey, role, agentId }))();
      const isReleased =
        (await withinLimit(clock, graceMs, call)) &&
        (await call.then(
          () => true,
          () => false,
        ));
      agents.remove(agentId);
      if (isReleased && workspace.release) {
        const entry = { type: 'role.released', at: this.#now(), role, agentId } as const;
        await this.record(entry, { ...entry, type: 'run.released' }).catch(() => undefined);
      }
    }
  }

  #end(): void {
    this.log.end();
    this.#ended.resolve(this.#result());
  }

  #haltNow(error: RunHaltedError): void {
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

  /** What listens outside can be slow or broken; the run is neither. */
  #tellOutside(event: Parameters<NonNullable<Parameters<ManagedRun['log']['subscribe']>[0]>>[0]): void {
    const { workspace, telemetry } = this.surroundings;
    const { runId } = this;
    const { parentTicket, channel } = this.plan.context;
    const idempotencyKey = `${runId}:event:${event.seq}`;
    quietly(() => telemetry?.event(event));
    if (parentTicket !== null) quietly(() => workspace.updateTicket?.({ runId, idempotencyKey, parentTicket, event }));
    if (channel !== null) quietly(() => workspace.postToChannel?.({ runId, idempotencyKey, channel, event }));
  }
}

function quietly(tell: () => unknown): void {
  try {
    // Typed as returning nothing, but an async function fits too, and its rejection would end the process.
    Promise.resolve(tell()).catch(() => undefined);
  } catch {
    // Nothing to do for a listener that throws.
  }
}
