import { restoreApproval, type ApprovedPlan } from '../approval/approve-plan.js';
import type { RoleMap } from '../materializer/definition.js';
import { createKernel, type Kernel } from '../kernel/create-kernel.js';
import { isRunInput } from '../kernel/input-handlers.js';
import type { Purse } from '../limits/shared-ledger.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan } from '../ports/plan.js';
import type { Command, RunFact } from '../ports/run-output.js';
import type { JournalEntry, RunInput, RunRecordInput, StepStatus, StoredError } from '../ports/run.js';
import type { CheckpointParts, SharedSpend } from '../ports/store.js';
import type { Topology } from '../ports/topology.js';
import { InvariantError } from '../shared/error.js';
import type { Json, JsonObject } from '../shared/json.js';
import { jsonSize } from '../shared/json-size.js';
import { DigestMismatchError } from './errors.js';
import type { EventLog } from './event-log.js';
import type { StoredSnapshot } from './stored-snapshot.js';
import { planParts } from './plan-part.js';
import { addToRecord, createRunRecord, replanRecord, type RunRecord } from './run-record.js';

/** Says of a run whose machines would be others than before whether it may go on with them. */
export type Migration = (mismatch: DigestMismatchError) => boolean;

/** How a run is taken up that another process, or an earlier life of this one, has left. */
export interface TakeUp {
  readonly lost: readonly string[];
  readonly shiftMs: number;
}

export interface RunStateOptions {
  readonly runId: string;
  readonly plan: Plan;
  readonly log: EventLog;
  /** Where the topology is found of a plan to which steps are added. */
  readonly topologies: readonly Topology[];
  /** Reducers besides the built-in ones. Default: none; then its steps cannot be carried out that name one. */
  readonly reducers?: CustomReducers;
}

/** The machines of a run that is set up, and where they stand. */
export interface RunMachines {
  readonly kernel: Kernel;
}

/**
 * All that is known of a run, as it follows from its journal. It does nothing by itself: what drives the run adds entries as they
 * happen, what reads a stored run adds them all.
 */
export class RunState {
  readonly record: RunRecord = createRunRecord();
  /** Outputs by step, as far as the plan still needs them. */
  readonly outputs = new Map<string, Json>();
  /** About how much memory they take. */
  outputBytes = 0;
  /** While an entry is taken that is old news. */
  isReplaying = false;
  /** Results of `once` by step and name. */
  readonly effects = new Map<string, Map<string, Json>>();
  /** Why the last attempt came to nothing at a step that is tried again. */
  readonly failures = new Map<string, StoredError>();
  /** When the present attempt at a step began, and how often its start was lost with its process. */
  readonly starts = new Map<string, { readonly attempt: number; readonly startedAt: number; readonly lost: number }>();
  /** How often it was taken up, and how many steps had settled by the last time: those were not run again. */
  recovery = { recoveries: 0, stepsKept: 0 };
  machines: RunMachines | undefined;
  /** Work steps that may start; `null` for all. */
  approvedSteps: readonly string[] | null = null;
  /** Set by a migration that has let the run go on: it has yet to be put on record. */
  migrated: { readonly from: string; readonly to: string } | undefined;

  /** What its attempts draw on, where it shares a budget with others and is driven here. */
  purse: Purse | undefined;
  /** What the store said of its spend when the run was read, and of which entry that was the newest. */
  stored: { readonly seq: number; readonly spent: SharedSpend | undefined } | undefined;

  readonly runId: string;
  /** What the run goes by, or would. */
  plan: Plan;
  /** What it began with, or is stored from: the plan that was in force at the first event that is known. */
  firstPlan: Plan;
  readonly log: EventLog;
  readonly #topologies: readonly Topology[];
  readonly #reducers: CustomReducers;

  constructor({ runId, plan, log, topologies, reducers = {} }: RunStateOptions) {
    this.runId = runId;
    this.plan = this.firstPlan = plan;
    this.log = log;
    this.#topologies = topologies;
    this.#reducers = reducers;
  }

  /** Begins where a snapshot was taken. @throws DigestMismatchError when it belongs to other machines. */
  restore({ snapshot, kernelParts, outputs }: StoredSnapshot, migrate?: Migration): void {
    Object.assign(this.record, snapshot.record);
    this.approvedSteps = snapshot.approvedSteps;
    this.recovery = snapshot.recovery;
    for (const [stepId, start] of snapshot.starts) this.starts.set(stepId, start);
    for (const [stepId, error] of snapshot.failures ?? []) this.failures.set(stepId, error);
    for (const [stepId, results] of snapshot.effects) this.effects.set(stepId, new Map(results));
    for (const { seq: _seq, at, runId: _runId, ...fact } of snapshot.events) this.log.append(fact, at);
    for (const [stepId, output] of outputs) this.#keepOutput(stepId, output);
    if (!this.record.machines) return;
    const materialized = this.materialize(this.approved(), this.record.machines.roles);
    this.#checkDigest(this.record.machines.digest, materialized.digest, migrate);
    // Where a migration lets it go on, the state is that of the new machines from here on.
    const run = { ...(kernelParts['run'] as JsonObject), digest: materialized.digest };
    this.machines = { kernel: createKernel(materialized, { parts: { ...kernelParts, run } }) };
  }

  /** Takes an entry that is stored. @throws DigestMismatchError when it belongs to other machines. */
  replay(entry: JournalEntry, migrate?: Migration): void {
    this.isReplaying = true;
    try {
      this.#replay(entry, migrate);
    } finally {
      this.isReplaying = false;
    }
  }

  #replay(entry: JournalEntry, migrate?: Migration): void {
    if (!isRunInput(entry)) return this.#replayRecord(entry, migrate);
    if (!this.machines) throw new InvariantError(`Entry ${entry.seq} of run ${this.runId} comes before its machines.`);
    for (const command of this.take(entry)) if (command.type === 'publish') this.log.append(command.event, entry.at);
  }

  /** Has the kernel take an input, keeps what it brings for later steps, and gives the commands that follow. */
  take(input: RunInput & { readonly seq: number }): readonly Command[] {
    const commands = this.machines!.kernel.apply(input);
    this.#remember(input);
    return commands.map((command) => this.#keep(command));
  }

  /** The machines of a plan of this run. */
  materialize(approved: ApprovedPlan, roles: RoleMap): MaterializedRun {
    return materialize(approved, roles, { topologies: this.#topologies, reducers: this.#reducers });
  }

  /** Takes an entry of what is around the machines, and gives what is to be told of it once it is durable. */
  addRecord(entry: RunRecordInput): RunFact | undefined {
    if (entry.type === 'run.approved') this.approvedSteps = entry.steps;
    return addToRecord(this.record, entry);
  }

  /** Keeps the machines that the run was set up with, and a kernel for them. */
  useMachines(materialized: MaterializedRun): RunMachines {
    this.machines = { kernel: createKernel(materialized) };
    return this.machines;
  }

  get kernel(): Kernel | undefined {
    return this.machines?.kernel;
  }

  /** Keeps what an input brings that is not the kernel's to keep. */
  #remember(input: RunInput): void {
    switch (input.type) {
      case 'run.widen':
        if (this.approvedSteps) this.approvedSteps = [...this.approvedSteps, ...input.steps];
        return;
      case 'run.replanned':
        return this.#noteReplan(input);
      case 'step.started':
        return this.#noteStart(input);
      case 'step.succeeded':
      case 'step.failed':
      case 'step.throttled':
      case 'step.interrupted':
        return void this.starts.delete(input.stepId);
      case 'run.recovered':
        return this.#noteRecovery(input.lost);
      case 'effect.recorded': {
        const results = this.effects.get(input.stepId) ?? new Map<string, Json>();
        return void this.effects.set(input.stepId, results.set(input.name, input.value));
      }
      default:
    }
  }

  /**
   * Keeps what a step has made, however it came to be known: from its agent, a probe, a person, or from before the run. A goal has the output
   * of a step that was added for it, which the kernel need not know any more. And keeps what went wrong, for the next attempt to be told.
   */
  #keep(command: Command): Command {
    if (command.type !== 'publish') return command;
    const { event } = command;
    if (event.type === 'step.backing-off' && event.throttled === undefined) this.failures.set(event.stepId, event.error);
    else if (event.type === 'step.failed' || event.type === 'step.compensating') this.failures.delete(event.stepId);
    if (event.type !== 'step.succeeded') return command;
    this.failures.delete(event.stepId);
    const { stepId, outputFrom } = event;
    const output = (outputFrom === undefined ? undefined : this.outputs.get(outputFrom)) ?? event.output;
    this.#keepOutput(stepId, output);
    return outputFrom === undefined ? command : { ...command, event: { ...event, output } };
  }

  /** Steps whose output nothing will ask for any more: every step that is given it has ended, nothing has to undo it, it is not the deliverable. */
  spareOutputs(): string[] {
    if (!this.machines) return [];
    const { kernel } = this.machines;
    const statuses = kernel.statuses();
    const needed = new Set<string>([kernel.deliverableStep]);
    for (const { id, status } of statuses) {
      const { compensation, expands } = kernel.step(id);
      if (compensation) needed.add(id);
      if (ended.has(status)) continue;
      for (const source of kernel.sourcesOf(id)) needed.add(source);
      if (expands !== undefined) for (const unreported of kernel.unreported(id)) needed.add(unreported);
    }
    return statuses.filter(({ id, status }) => status === 'succeeded' && !needed.has(id)).map(({ id }) => id);
  }

  /** The approval that is on record, as the materializer wants it. */
  approved() {
    const { approval } = this.record;
    if (!approval) throw new InvariantError(`Run ${this.runId} has no approval on record.`);
    return restoreApproval(this.plan, { ...approval, digest: this.record.mergedDigest ?? approval.digest });
  }

  /** The parts of a checkpoint that hold the plan. */
  planParts(): CheckpointParts {
    return planParts(this.plan, this.#topologies);
  }

  #noteStart({ stepId, attempt, at }: Extract<RunInput, { readonly type: 'step.started' }>): void {
    const before = this.starts.get(stepId);
    this.starts.set(stepId, { attempt, startedAt: at, lost: before?.attempt === attempt ? before.lost : 0 });
  }

  #noteReplan(input: Extract<RunInput, { readonly type: 'run.replanned' }>): void {
    const { plan, digest } = this.machines!.kernel.materialized;
    replanRecord(this.record, input, { plan: plan.digest, machines: digest });
    this.plan = plan;
    this.approvedSteps = null;
  }

  #noteRecovery(lost: readonly string[]): void {
    const settled = this.kernel?.statuses().filter(({ status }) => ended.has(status)) ?? [];
    this.recovery = { recoveries: this.recovery.recoveries + 1, stepsKept: settled.length };
    for (const stepId of lost) this.#noteLoss(stepId);
  }

  #noteLoss(stepId: string): void {
    const attempt = this.kernel?.attempt(stepId) ?? 0;
    const before = this.starts.get(stepId);
    const lost = before?.attempt === attempt ? before.lost : 0;
    this.starts.set(stepId, { attempt, startedAt: before?.startedAt ?? 0, lost: lost + 1 });
  }

  #replayRecord(entry: RunRecordInput & { readonly seq: number }, migrate?: Migration): void {
    const fact = this.addRecord(entry);
    if (fact) this.log.append(fact, entry.at);
    if (entry.type === 'run.migrated' && entry.to === this.migrated?.to) this.migrated = undefined;
    if (entry.type !== 'run.provisioned') return;
    const materialized = this.materialize(this.approved(), entry.roles);
    this.useMachines(materialized);
    this.#checkDigest(entry.digest, materialized.digest, migrate);
  }

  #keepOutput(stepId: string, output: Json): void {
    this.outputs.set(stepId, output);
    this.outputBytes += jsonSize(output);
  }

  #checkDigest(from: string, to: string, migrate?: Migration): void {
    if (from === to) return;
    const mismatch = new DigestMismatchError(this.runId, from, to);
    if (!migrate?.(mismatch)) throw mismatch;
    this.migrated = { from, to };
  }
}

/** Statuses in which a step will not be started any more. */
const ended: ReadonlySet<StepStatus> = new Set<StepStatus>(['succeeded', 'failed', 'skipped', 'cancelled', 'compensated']);
