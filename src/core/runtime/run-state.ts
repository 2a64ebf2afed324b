import { restoreApproval } from '../approval/approve-plan.js';
import { createKernel, isRunInput, type Kernel } from '../kernel/create-kernel.js';
import { materialize, type MaterializedRun } from '../materializer/materialize.js';
import type { Plan } from '../ports/plan.js';
import type { RunFact } from '../ports/run-output.js';
import type { JournalEntry, RunInput, RunRecordInput, StepStatus } from '../ports/run.js';
import { InvariantError } from '../shared/error.js';
import type { Json, JsonObject } from '../shared/json.js';
import { jsonSize } from '../shared/json-size.js';
import { DigestMismatchError } from './errors.js';
import type { EventLog } from './event-log.js';
import type { StoredSnapshot } from './stored-snapshot.js';
import { addToRecord, createRunRecord, type RunRecord } from './run-record.js';

/** Says of a run whose machines would be others than before whether it may go on with them. */
export type Migration = (mismatch: DigestMismatchError) => boolean;

/** How a run is taken up that another process, or an earlier life of this one, has left. */
export interface TakeUp {
  readonly lost: readonly string[];
  readonly shiftMs: number;
}

/** The machines of a run that is set up, and where they stand. */
export interface RunMachines {
  readonly materialized: MaterializedRun;
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
  /** When the present attempt at a step began, and how often its start was lost with its process. */
  readonly starts = new Map<string, { readonly attempt: number; readonly startedAt: number; readonly lost: number }>();
  /** How often it was taken up, and how many steps had settled by the last time: those were not run again. */
  recovery = { recoveries: 0, stepsKept: 0 };
  machines: RunMachines | undefined;
  /** Work steps that may start; `null` for all. */
  approvedSteps: readonly string[] | null = null;
  /** Set by a migration that has let the run go on: it has yet to be put on record. */
  migrated: { readonly from: string; readonly to: string } | undefined;

  constructor(
    readonly runId: string,
    public plan: Plan,
    readonly log: EventLog,
  ) {}

  /** Begins where a snapshot was taken. @throws DigestMismatchError when it belongs to other machines. */
  restore({ snapshot, kernelParts, outputs }: StoredSnapshot, migrate?: Migration): void {
    Object.assign(this.record, snapshot.record);
    this.approvedSteps = snapshot.approvedSteps;
    this.recovery = snapshot.recovery;
    for (const [stepId, start] of snapshot.starts) this.starts.set(stepId, start);
    for (const [stepId, results] of snapshot.effects) this.effects.set(stepId, new Map(results));
    for (const { seq: _seq, at, runId: _runId, ...fact } of snapshot.events) this.log.append(fact, at);
    for (const [stepId, output] of outputs) this.#keep(stepId, output);
    if (!this.record.machines) return;
    const materialized = materialize(this.approved(), this.record.machines.roles);
    this.#checkDigest(this.record.machines.digest, materialized.digest, migrate);
    // Where a migration lets it go on, the state is that of the new machines from here on.
    const run = { ...(kernelParts['run'] as JsonObject), digest: materialized.digest };
    this.machines = { materialized, kernel: createKernel(materialized, { parts: { ...kernelParts, run } }) };
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
    for (const command of this.machines.kernel.apply(entry)) {
      if (command.type === 'publish') this.log.append(command.event, entry.at);
    }
    this.remember(entry);
  }

  /** Takes an entry of what is around the machines, and gives what is to be told of it once it is durable. */
  addRecord(entry: RunRecordInput): RunFact | undefined {
    if (entry.type === 'run.approved') this.approvedSteps = entry.steps;
    return addToRecord(this.record, entry);
  }

  /** Keeps the machines that the run was set up with, and a kernel for them. */
  useMachines(materialized: MaterializedRun): RunMachines {
    this.machines = { materialized, kernel: createKernel(materialized) };
    return this.machines;
  }

  get kernel(): Kernel | undefined {
    return this.machines?.kernel;
  }

  /** Keeps what an input that the kernel has taken brings for later steps. */
  remember(input: RunInput): void {
    if (input.type === 'run.start') for (const { stepId, output } of input.done ?? []) this.#keep(stepId, output);
    if (input.type === 'run.widen' && this.approvedSteps) this.approvedSteps = [...this.approvedSteps, ...input.steps];
    if (input.type === 'step.started') this.#noteStart(input);
    if (input.type === 'step.succeeded' || input.type === 'step.failed') this.starts.delete(input.stepId);
    if (input.type === 'run.recovered') this.#noteRecovery(input.lost);
    if (input.type === 'effect.recorded') {
      const results = this.effects.get(input.stepId) ?? new Map<string, Json>();
      this.effects.set(input.stepId, results.set(input.name, input.value));
    } else {
      const output = outputOf(input);
      // A compensation, too, succeeds, and has no output of the step's. What a late word says has happened may be on its way to be undone.
      const status = output && this.kernel?.stepStatus(output.stepId);
      if (output && (status === 'succeeded' || (status === 'compensating' && !this.outputs.has(output.stepId)))) {
        this.#keep(output.stepId, output.value);
      }
    }
  }

  /** Steps whose output nothing will ask for any more: every step that is given it has ended, nothing has to undo it, it is not the deliverable. */
  spareOutputs(): string[] {
    if (!this.machines) return [];
    const { kernel, materialized } = this.machines;
    const { steps } = materialized.definition;
    const needed = new Set<string>([kernel.deliverableStep]);
    const spare: string[] = [];
    for (const { id, input, compensation } of steps) {
      if (compensation) needed.add(id);
      if (!ended.has(kernel.stepStatus(id))) for (const source of input) needed.add(source);
    }
    for (const { id } of steps) if (!needed.has(id) && kernel.stepStatus(id) === 'succeeded') spare.push(id);
    return spare;
  }

  /** The approval that is on record, as the materializer wants it. */
  approved() {
    const { approval } = this.record;
    if (!approval) throw new InvariantError(`Run ${this.runId} has no approval on record.`);
    return restoreApproval(this.plan, approval);
  }

  #noteStart({ stepId, attempt, at }: Extract<RunInput, { readonly type: 'step.started' }>): void {
    const before = this.starts.get(stepId);
    this.starts.set(stepId, { attempt, startedAt: at, lost: before?.attempt === attempt ? before.lost : 0 });
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
    const materialized = materialize(this.approved(), entry.roles);
    this.useMachines(materialized);
    this.#checkDigest(entry.digest, materialized.digest, migrate);
  }

  #keep(stepId: string, output: Json): void {
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

function outputOf(input: RunInput): { readonly stepId: string; readonly value: Json } | undefined {
  switch (input.type) {
    case 'step.succeeded':
      return { stepId: input.stepId, value: input.output };
    case 'step.probed':
      return input.finding.kind === 'happened' ? { stepId: input.stepId, value: input.finding.output } : undefined;
    case 'step.decided':
      return input.decision.approve ? { stepId: input.stepId, value: input.decision.output ?? null } : undefined;
    default:
      return undefined;
  }
}
