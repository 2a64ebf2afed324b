import type { StepDefinition } from '../materializer/definition.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import type { PlanMerge, RunningPolicy } from '../plan/merge-plans.js';
import type { Plan } from '../ports/plan.js';
import type { Command } from '../ports/run-output.js';
import type { Gap, JournalEntry, RunInput, RunStatus, StepStatus, StoredError } from '../ports/run.js';
import type { CheckpointParts } from '../ports/store.js';
import { digestOf } from '../shared/digest.js';
import type { Issue } from '../shared/issue.js';
import type { Result } from '../shared/result.js';
import { isForAfterEnd } from './after-end.js';
import { chunk, workOff } from './agenda.js';
import { refillReady, restoreCheckpoint, takeCheckpoint, type Checkpoint } from './checkpoint.js';
import { checkpointOf, forgetChanges, takeChanges, trackChanges } from './checkpoint-parts.js';
import { budgetWaitsOf, type HeldBack } from './budget-waits.js';
import { briefingOf, sourcesOf, unreported, type Briefing } from './briefing.js';
import { calleesOf, type Callees } from './fallbacks.js';
import { errorOf, gapsOf } from './gaps.js';
import { IllegalInputError } from './illegal-input-error.js';
import { inputFault, inputType } from './input-fault.js';
import { handlers, isRunInput } from './input-handlers.js';
import { mergeInto, replanRun } from './replan.js';
import { createRunCore, isOver, statusOf, stepOf, type RunCore, type Stop } from './run-core.js';
import { deliverableStep, settleRun } from './settle-run.js';
import { startReady } from './start-ready.js';
import { retryAt } from './step-timers.js';
import { ruleTool, type ToolCall, type ToolRuling } from './tool-inputs.js';
import { noticeBudgets } from './budget-notices.js';
import { noticeOverrun } from './exceed-budget.js';

/**
 * A run as a pure machine: inputs go in, commands come out, and nothing else happens. It has no clock, no randomness and no I/O,
 * so the same inputs give the same commands, ids included.
 */
export interface Kernel {
  /**
   * Takes one input. It is applied as a whole or, when it throws, not at all. `seq` defaults to one more than the last.
   * The cost is that of the step and its dependents, whatever the size of the plan.
   *
   * @throws IllegalInputError when the state of the run or of the step does not allow it.
   */
  apply(input: RunInput & { readonly seq?: number }): Command[];
  /** The whole state as JSON; `createKernel(materialized, checkpoint)` goes on from it. */
  checkpoint(): Checkpoint;
  /**
   * The parts of the checkpoint that changed since the last call; all of them at the first, unless the kernel was made from stored parts.
   * Costs what has changed. `createKernel(materialized, { parts })` goes on from all of them together.
   */
  takeChanges(): CheckpointParts;
  /** SHA-256 over the canonical JSON of the checkpoint. Equal digests mean equal states. */
  digest(): string;
  readonly seq: number;
  readonly status: RunStatus;
  readonly paused: boolean;
  /** Why it is paused: `requested`, `budget_exceeded` or `deadline_exceeded`; empty while it is not. */
  readonly pausedFor: string;
  /** Set once the run is on its way to `failed` or `cancelled`. */
  readonly stop: Stop | null;
  /**
   * Whether the run is over and something is left all the same: a compensation, word of a step in doubt that would have to be undone, or
   * the end of an attempt that was given up. The command `run.settled` says when that is done.
   */
  readonly hasWorkLeft: boolean;
  /** The machines it runs in: those it was made with, or those of the plan that was last approved while it was under way. */
  readonly materialized: MaterializedRun;
  /** What another plan would make of the run as it stands, or why it cannot be. Changes nothing. */
  merge(to: Plan, running: RunningPolicy): Result<PlanMerge, Issue[]>;
  /** A step as it is carried out, also one that was added. @throws IllegalInputError for one that there is not. */
  step(stepId: string): StepDefinition;
  /** Ids of the steps that were added to a goal, in their order; none for any other step. */
  addedTo(goalId: string): readonly string[];
  /** Steps whose outputs a step is given, those that are reported to it included. */
  sourcesOf(stepId: string): readonly string[];
  /** Steps that were added to a goal and have ended since a step was last added that decides. */
  unreported(goalId: string): readonly string[];
  /** What a step is told that decides; `undefined` for any other. */
  briefing(stepId: string): Briefing | undefined;
  /** What the policies say of a tool that the present attempt at a step wants to call; `undefined` where none applies. Changes nothing. */
  ruleTool(stepId: string, call: ToolCall): ToolRuling | undefined;
  /** Steps that are ready, and wait for budget that attempts under way hold, in the order in which they would start. Looks through all steps. */
  budgetWaits(): readonly HeldBack[];
  /** @throws IllegalInputError for a step that the plan does not have. */
  stepStatus(stepId: string): StepStatus;
  /** Attempts that were asked for so far, those to undo the step included. */
  attempt(stepId: string): number;
  /** Who may be called for the present attempt at a step, and who was. */
  callees(stepId: string): Callees;
  /** Every step's status, in the order of the definition. */
  statuses(): { readonly id: string; readonly status: StepStatus }[];
  /** Tickets whose output there will not be, and why. */
  gaps(): Gap[];
  /** When a step goes on that waits before it is tried again, or is undone once more; `undefined` for any other. */
  retryAt(stepId: string): number | undefined;
  /** Why a step failed, was skipped or cancelled, or is in doubt. */
  errorOf(stepId: string): StoredError | undefined;
  /** Id of the step whose output is the deliverable. */
  readonly deliverableStep: string;
  /** What the run has spent and holds reserved; money in micro-dollars. */
  readonly ledger: {
    readonly spentMicroUsd: number;
    readonly spentTokens: number;
    readonly reservedMicroUsd: number;
    readonly reservedTokens: number;
  };
}

/** A checkpoint as a store keeps it: what `takeChanges` gave, each part in its newest form. */
export interface StoredCheckpoint {
  readonly parts: CheckpointParts;
}

/**
 * Starts a run that was just approved, or goes on from a checkpoint.
 *
 * @throws CheckpointMismatchError when the checkpoint belongs to other machines, or is of a format that this version does not read.
 */
export function createKernel(materialized: MaterializedRun, from?: Checkpoint | StoredCheckpoint): Kernel {
  let core = createRunCore(materialized);
  trackChanges(core);
  if (from) restore(core, from);
  const find = (stepId: string): number => {
    const index = core.graph.indexOf.get(stepId);
    if (index === undefined) throw new IllegalInputError('query', core.run.lifecycle, stepId, 'the plan has no such step');
    return index;
  };
  return {
    apply(input) {
      core = take(core, input);
      return core.out.map((body, position) => ({ id: `${core.run.seq}.${position}`, ...body }));
    },
    checkpoint: () => takeCheckpoint(core),
    takeChanges: () => takeChanges(core),
    digest: () => digestOf(takeCheckpoint(core)),
    get seq() {
      return core.run.seq;
    },
    get status() {
      return core.run.lifecycle;
    },
    get paused() {
      return core.run.pause === 'paused';
    },
    get pausedFor() {
      return core.run.pausedFor;
    },
    get stop() {
      return core.run.stop;
    },
    get hasWorkLeft() {
      return isOver(core) && !core.run.isSettled;
    },
    get materialized() {
      return core.materialized;
    },
    merge: (to, running) => mergeInto(core, to, running),
    step: (stepId) => stepOf(core, find(stepId)),
    addedTo: (goalId) => (core.goals.get(find(goalId))?.added ?? []).map((index) => stepOf(core, index).id),
    sourcesOf: (stepId) => sourcesOf(stepOf(core, find(stepId))),
    unreported: (goalId) => unreported(core, find(goalId)),
    briefing: (stepId) => briefingOf(core, find(stepId)),
    ruleTool: (stepId, call) => ruleTool(core, find(stepId), call),
    budgetWaits: () => budgetWaitsOf(core),
    stepStatus: (stepId) => statusOf(core, find(stepId)),
    attempt: (stepId) => core.columns.attempt[find(stepId)]!,
    callees: (stepId) => calleesOf(core, find(stepId)),
    statuses: () => core.graph.ids.map((id, index) => ({ id, status: statusOf(core, index) })),
    gaps: () => gapsOf(core),
    retryAt: (stepId) => retryAt(core, find(stepId)),
    errorOf: (stepId) => errorOf(core, find(stepId)),
    get deliverableStep() {
      return stepOf(core, deliverableStep(core)).id;
    },
    get ledger() {
      const { spent, reserved } = core.ledger.columns;
      return {
        spentMicroUsd: spent.costMicroUsd[0]!,
        spentTokens: spent.tokens[0]!,
        reservedMicroUsd: reserved.costMicroUsd[0]!,
        reservedTokens: reserved.tokens[0]!,
      };
    },
  };
}

function restore(core: RunCore, from: Checkpoint | StoredCheckpoint): void {
  if (!('parts' in from)) return restoreCheckpoint(core, from);
  restoreCheckpoint(core, checkpointOf(from.parts, core.materialized.digest));
  forgetChanges(core);
}

/** The same run again: a kernel that has taken a journal's inputs in order. Entries that are not for the kernel are passed over. */
export function replay(materialized: MaterializedRun, journal: readonly JournalEntry[]): Kernel {
  const kernel = createKernel(materialized);
  for (const entry of journal) if (isRunInput(entry)) kernel.apply(entry);
  return kernel;
}

/** Takes an input and gives the core to go on with, what is to be done in its `out`. */
function take(core: RunCore, input: RunInput & { readonly seq?: number }): RunCore {
  const { run, agenda } = core;
  const fault = inputFault(input);
  if (fault !== undefined) throw new IllegalInputError(inputType(input), run.lifecycle, undefined, fault);
  const before = { ...run };
  const agendaLength = agenda.length;
  const seq = input.seq ?? run.seq + 1;
  core.out = [];
  try {
    if (seq <= run.seq)
      throw new IllegalInputError(input.type, run.lifecycle, undefined, `entry ${seq} comes after entry ${run.seq}`);
    run.seq = seq;
    const next = handle(core, input);
    goOn(next, input.at);
    return commit(next);
  } catch (error) {
    const touched = core.undo.rollback();
    core.ledger.takeNews();
    agenda.length = agendaLength;
    Object.assign(run, before);
    if (touched) refillReady(core);
    throw error;
  }
}

function commit(core: RunCore): RunCore {
  const { run, agenda, undo } = core;
  undo.commit();
  if (run.agendaHead === agenda.length) agenda.length = run.agendaHead = 0;
  return core;
}

/** Follows up what the input set off, until nothing is left or the rest is for the next input. */
function goOn(core: RunCore, at: number): void {
  noticeBudgets(core, at);
  noticeOverrun(core, at);
  if (!followUp(core, at)) core.out.push({ type: 'continue' });
  // What has begun by now counts too.
  noticeBudgets(core, at);
}

/** Gives whether all of it is done. */
function followUp(core: RunCore, at: number): boolean {
  const pace = { at, left: chunk };
  const isPending = (): boolean => core.run.agendaHead < core.agenda.length;
  do {
    if (!workOff(core, pace)) return false;
    settleRun(core, at);
    if (!isPending() && !startReady(core, pace)) return false;
  } while (isPending());
  return true;
}

function handle(core: RunCore, input: RunInput): RunCore {
  if (isOver(core) && !isForAfterEnd(core, input))
    throw new IllegalInputError(input.type, core.run.lifecycle, undefined, 'the run is over');
  // Another plan has other machines.
  if (input.type === 'run.replanned') return replanRun(core, input);
  (handlers[input.type] as (core: RunCore, input: RunInput) => void)(core, input);
  return core;
}
