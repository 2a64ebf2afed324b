import type { MaterializedRun } from '../materializer/materialize.js';
import { mergePlans, type Fate, type PlanMerge, type RunningPolicy, type Standing } from '../plan/merge-plans.js';
import { planDigest } from '../plan/plan-digest.js';
import { waves } from '../plan/waves.js';
import type { Plan } from '../ports/plan.js';
import type { PlannedStepFact } from '../ports/run-output.js';
import type { RunInput } from '../ports/run.js';
import { PlanwrightError } from '../shared/error.js';
import type { Issue } from '../shared/issue.js';
import type { Result } from '../shared/result.js';
import { setLimitsAgain } from './abandon.js';
import { publishSkip } from './agenda.js';
import { carryOver } from './carry-over.js';
import { refillReady } from './checkpoint.js';
import { IllegalInputError } from './illegal-input-error.js';
import { mustMoveStep } from './move-step.js';
import { publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { runLimits } from './run-limits.js';
import { clearTimeTimers, setTimeTimers } from './settle-run.js';
import { rowLength, scheduleRoots, task } from './schedule.js';
import { armAgain, clearTimersOfSteps, setWatchesAgain } from './step-timers.js';
import { setTotalsAgain } from './step-total.js';
import { withdrawStep } from './withdraw-step.js';

type ReplanInput = Extract<RunInput, { readonly type: 'run.replanned' }>;

/** What another plan would make of the run as it stands, or why it cannot be. Changes nothing. */
export const mergeInto = (core: RunCore, to: Plan, running: RunningPolicy): Result<PlanMerge, Issue[]> =>
  mergePlans({
    from: core.materialized.plan,
    to,
    running,
    standingOf: (stepId) => standingOf(core, core.graph.indexOf.get(stepId)!),
  });

/**
 * Goes on under another plan: gives the run in its machines. What was carried on with so far is told to end first where the policy says so; the state before
 * is as good as new when this throws, once it is rolled back.
 */
export function replanRun(core: RunCore, input: ReplanInput): RunCore {
  const { running, at } = input;
  expectOpenToReplan(core, input);
  const merged = mergeInto(core, input.plan as unknown as Plan, running);
  if (!merged.ok) throw illegal(core, input, merged.error.map(({ message }) => message).join(' '));
  const { plan, fates, retained } = merged.value;
  const materialized = remake(core, { plan, input });
  endWhatIsNotWanted(core, { fates, input });
  clearTimersOfSteps(core);
  const next = carryOver(core, materialized, fates);
  next.out = core.out;
  moveDeadline(core, next, at);
  armWhatWaits(next);
  publish(next, {
    type: 'run.replanned',
    ...{ revision: input.revision, from: input.from, digest: input.digest, approvedBy: input.approvedBy, running, retained },
    dropped: core.materialized.plan.steps.flatMap(({ id }) => (next.graph.indexOf.has(id) ? [] : [id])),
    steps: plannedSteps(materialized, fates),
  });
  for (let row = 0; row < next.steps.length; row += 1) skipUnfed(next, row, at);
  refillReady(next);
  scheduleRoots(next);
  return next;
}

function remake(core: RunCore, { plan, input }: { readonly plan: Plan; readonly input: ReplanInput }): MaterializedRun {
  try {
    return core.materialized.remake(plan, input.roles);
  } catch (error) {
    if (error instanceof PlanwrightError) throw illegal(core, input, error.message);
    throw error;
  }
}

function expectOpenToReplan(core: RunCore, input: ReplanInput): void {
  const { run, agenda } = core;
  if (run.lifecycle !== 'executing') throw illegal(core, input, 'only a run that is executing can go by another plan');
  if (run.stop) throw illegal(core, input, `the run is stopping (${run.stop.reason})`);
  if (planDigest(input.plan as unknown as Plan) !== input.digest)
    throw illegal(core, input, 'its plan is not what its digest says');
  for (let row = run.agendaHead; row < agenda.length; row += rowLength) {
    if (agenda[row] === task.recover) throw illegal(core, input, 'the run is still being taken up; try again');
  }
}

const illegal = ({ run }: RunCore, { type }: ReplanInput, detail: string): IllegalInputError =>
  new IllegalInputError(type, run.lifecycle, undefined, detail);

function standingOf(core: RunCore, index: number): Standing {
  const { columns } = core;
  const isTried = columns.attempt[index]! > 0;
  switch (statusOf(core, index)) {
    case 'blocked':
    case 'skipped':
      return 'untouched';
    case 'ready':
      if (columns.issued[index] === 1) return 'under-way';
      return isTried ? 'tried' : 'waiting';
    case 'gated':
      // It waits for its plan to be approved, and another plan is.
      if (columns.deferred[index] === 1) return 'untouched';
      return isTried ? 'tried' : 'waiting';
    case 'backing-off':
      return 'tried';
    case 'running':
      return 'under-way';
    case 'failed':
      return isHeldBy(core, index) ? 'settled' : 'failed';
    default:
      return 'settled';
  }
}

/** Whether an attempt of the step, or of one that was added for it, was given up and has not ended. */
function isHeldBy({ ledger, goals }: RunCore, index: number): boolean {
  const added = goals.get(index)?.added ?? [];
  const rows = new Set([index, ...added, ...added.flatMap((row) => goals.get(row)?.added ?? [])]);
  for (const [row] of ledger.abandoned.entries.values()) if (rows.has(row)) return true;
  return false;
}

interface Ending {
  readonly fates: ReadonlyMap<string, Fate>;
  readonly input: ReplanInput;
}

function endWhatIsNotWanted(core: RunCore, { fates, input }: Ending): void {
  const { revision, at } = input;
  for (const [id, fate] of fates) {
    if (fate !== 'again' && fate !== 'ended') continue;
    const message = `Revision ${revision} of the plan has another "${id}", or none.`;
    const error = { code: 'REPLANNED', message, stepId: id, revision };
    withdrawStep(core, core.graph.indexOf.get(id)!, { error, at });
  }
}

/** The run's time counts from its start; where it had no limit before, from now. */
function moveDeadline(core: RunCore, next: RunCore, at: number): void {
  const before = runLimits(core).maxDurationMs;
  const now = runLimits(next).maxDurationMs;
  if (before === now) return;
  const startedAt = before === Infinity ? at : core.run.deadlineAt - before;
  if (now === Infinity) return clearTimeTimers(next);
  next.run.deadlineAt = startedAt + now;
  setTimeTimers(next, at);
}

const timers = {
  running: 'step.timed-out',
  'backing-off': 'step.retry-due',
  gated: 'step.gate-expired',
} as const;

/** Timers go by rows, and those are others now. */
function armWhatWaits(next: RunCore): void {
  next.steps.forEach((_, row) => {
    const status = statusOf(next, row);
    if (status === 'running' || status === 'backing-off' || status === 'gated') armAgain(next, row, timers[status]);
  });
  setLimitsAgain(next, 0);
  setWatchesAgain(next, 0);
  setTotalsAgain(next, 0);
}

function plannedSteps({ plan, definition }: MaterializedRun, fates: ReadonlyMap<string, Fate>): PlannedStepFact[] {
  const waveOf = new Map(waves(plan).flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
  return plan.steps.map(({ id, kind, title, role, expands, dependsOn }, row) => {
    const fate = fates.get(id);
    const agentId = definition.steps[row]?.agentId;
    return {
      ...{ id, kind, title },
      ...(role !== undefined && { role }),
      ...(agentId !== undefined && { agentId }),
      ...(expands !== undefined && { isGoal: true }),
      ...{ dependsOn, wave: waveOf.get(id) ?? 0 },
      standing: fate === undefined ? 'new' : fate === 'kept' || fate === 'ended' ? 'kept' : 'fresh',
    };
  });
}

/** What it needs will not come: it failed, or was not chosen, before the new plan. */
function skipUnfed(next: RunCore, row: number, at: number): void {
  if (statusOf(next, row) !== 'blocked' || next.columns.unfed[row] === 0 || stepOf(next, row).join === 'all-settled') return;
  if (mustMoveStep(next, row, 'DEPENDENCY_SETTLED', { at, facts: 'unmet' }) === 'skipped') publishSkip(next, row);
}
