import type { Json, JsonObject } from '../shared/json.js';
import { waves } from '../plan/waves.js';
import type { Plan } from '../ports/plan.js';
import type { BreakerChange } from '../ports/breaker.js';
import type { RunEvent } from '../ports/run-output.js';
import type { Gap, RunStatus, StoredError } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';
import { applyToBudget, budgetView, type BudgetView } from './budget-view.js';
import { withBreaker } from './breakers-met.js';
import { applyToStep, loseStep, type StepEvent, type StepState } from './fold-step.js';
import { createRoleWatch, type RoleView } from './role-status.js';
import { createSpendBook, type SavedSpend } from './spend-book.js';
import { addedStepState, assignAgents, gapOf, replanSteps, restoreStep, stepState, viewStep } from './step-state.js';
import type { StepView } from './step-view.js';
import { waitOf } from './step-wait.js';
import { countTickets, type TicketCounts } from './ticket-counts.js';

/** A run as it stands, folded from its events. Plain data. */
export interface RunView {
  readonly runId: string;
  readonly status: RunStatus;
  readonly paused: boolean;
  /** Why it is paused: `requested`, or what it waits for; and since when. Absent while it is not. */
  readonly pausedFor?: { readonly reason: string; readonly since: number; readonly error?: StoredError };
  /** How often a process has taken it up after another was lost, or had let it go. */
  readonly recoveries: number;
  readonly budget: BudgetView;
  readonly goal: string;
  readonly revision: number;
  readonly digest: string;
  readonly parentTicket: string | null;
  /** What the proposal says the run is for: a sprint, a workstream, … */
  readonly scope: JsonObject;
  /** Who pays for the run; absent for nobody in particular. */
  readonly tenant?: string;
  readonly teamId: string | null;
  /** The project that holds the tickets. */
  readonly projectId: string | null;
  /** Agents that were hired for the run and not yet released. */
  readonly hires: readonly { readonly role: string; readonly agentId: string }[];
  readonly proposedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Set once the run is on its way to `failed` or `cancelled`, and after. */
  readonly reason?: string;
  readonly error?: StoredError;
  readonly steps: readonly StepView[];
  /** Tickets without an output, and why. */
  readonly gaps: readonly Gap[];
  /** The tickets of the plan by how they stand. Those whose output has passed a verification are counted apart among those that succeeded. */
  readonly tickets: TicketCounts;
  readonly usage: UsageTotals;
  /** Another plan that was proposed for the run under way, and that nobody has approved yet. */
  readonly pending?: { readonly revision: number; readonly digest: string };
  /** Circuit breakers that have opened for the run, as it was last told where they stand; absent for none. */
  readonly breakers?: readonly BreakerChange[];
  /** What each role is doing. */
  readonly roles: readonly RoleView[];
  /** Usage by role key. */
  readonly usageByRole: Readonly<Record<string, UsageTotals>>;
  /** Usage by the id of the agent that was called, also to undo a step. */
  readonly usageByAgent: Readonly<Record<string, UsageTotals>>;
  /** `seq` of the newest event that is in this view. */
  readonly seq: number;
}

/** Folds a run's events. `apply` takes each once, in order; `view` is a copy. */
export interface RunProjection {
  /** `seq` of the newest event taken; 0 before the first. */
  readonly seq: number;
  apply(event: RunEvent): void;
  view(): RunView;
  /** Lets go of the outputs of some steps. */
  release(stepIds: readonly string[]): void;
  /** Where the fold stands, without outputs. */
  save(): SavedProjection;
}

/** A projection as plain data; outputs are kept elsewhere. */
export interface SavedProjection extends SavedSpend {
  readonly run: RunState;
  readonly steps: readonly StepState[];
  /** Absent in what was saved by versions that did not know it. */
  readonly roles?: readonly RoleView[];
}

/** What {@link createRunProjection} goes on from, instead of the beginning. */
export interface ProjectionStart {
  readonly saved: SavedProjection;
  readonly outputs: ReadonlyMap<string, Json>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type RunState = Omit<Mutable<RunView>, 'steps' | 'gaps' | 'tickets' | 'roles' | 'usage' | 'usageByRole' | 'usageByAgent'>;

/** The view of a run after some of its events: a pure fold. */
export function projectRun(plan: Plan, events: Iterable<RunEvent>): RunView {
  const projection = createRunProjection(plan);
  for (const event of events) projection.apply(event);
  return projection.view();
}

export function createRunProjection(plan: Plan, from?: ProjectionStart): RunProjection {
  const run: RunState = {
    runId: '',
    status: 'proposed',
    paused: false,
    recoveries: 0,
    budget: budgetView(plan),
    goal: plan.goal,
    revision: plan.revision,
    digest: plan.digest,
    parentTicket: plan.context.parentTicket,
    scope: plan.context.scope,
    teamId: null,
    projectId: null,
    hires: [],
    seq: 0,
    ...from?.saved.run,
  };
  const waveOf = new Map(waves(plan).flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
  const steps = new Map(plan.steps.map((step): [string, StepState] => [step.id, stepState(step, waveOf.get(step.id) ?? 0)]));
  const book = createSpendBook(plan, from?.saved);
  let dependsOn = new Map(plan.steps.map((step) => [step.id, step.dependsOn]));
  for (const saved of from?.saved.steps ?? []) steps.set(saved.id, restoreStep(saved, from?.outputs.get(saved.id)));
  const roles = createRoleWatch(
    plan.roles.map(({ key }) => key),
    from?.saved.roles,
  );
  for (const step of steps.values()) roles.add(step);
  const applyTo = (event: StepEvent): void => {
    const step = steps.get(event.stepId);
    if (!step) return;
    const before = step.status;
    applyToStep(step, event);
    if (event.type === 'step.started') step.revision = run.revision;
    roles.move(step, { from: before, at: event.at });
    if ('spend' in event) book.charge(step, event);
  };
  return {
    get seq() {
      return run.seq;
    },
    apply(event) {
      run.seq = event.seq;
      run.runId = event.runId;
      if (event.type === 'step.added') steps.set(event.stepId, addedStepState(event, steps.get(event.goal)?.wave ?? 0));
      if ('stepId' in event) applyTo(event);
      else applyToRun(run, event);
      if (event.type === 'run.provisioned') {
        book.assign(Object.entries(event.roles).map(([role, { agentId }]) => ({ role, agentId })));
        assignAgents(steps.values(), event.roles);
      }
      if (event.type === 'run.replanned') {
        replanSteps(steps, event);
        dependsOn = new Map(event.steps.map((step) => [step.id, step.dependsOn ?? []]));
        book.assign(event.steps);
        roles.reset(steps.values(), event.at);
      }
      if (event.type === 'run.recovered') for (const step of steps.values()) loseStep(step, event.at);
      if (event.type === 'step.compensation-failed' && event.retryAt === undefined) noteNotUndone(run, event.stepId);
    },
    release(stepIds) {
      for (const id of stepIds) {
        const step = steps.get(id);
        if (step?.output === undefined) continue;
        delete step.output;
        step.outputReleased = true;
      }
    },
    save: () => ({
      run,
      ...book.save(),
      roles: roles.views(),
      steps: Array.from(steps.values(), ({ output, ...step }) => ({
        ...step,
        ...(output !== undefined && { outputReleased: true }),
      })),
    }),
    view() {
      const facts = { ...run, dependsOn, statusOf: (id: string) => steps.get(id)?.status };
      return {
        ...run,
        steps: Array.from(steps.values(), (step) => viewStep(step, waitOf(step, facts))),
        gaps: [...steps.values()].flatMap(gapOf),
        tickets: countTickets(steps.values()),
        roles: roles.views(),
        ...book.views(),
      };
    },
  };
}

function applyToRun(run: RunState, event: Exclude<RunEvent, StepEvent>): void {
  switch (event.type) {
    case 'run.proposed':
    case 'run.revised':
      if (event.type === 'run.proposed' && event.tenant !== undefined) run.tenant = event.tenant;
      run.proposedAt ??= event.at;
      run.revision = event.revision;
      run.digest = event.digest;
      return;
    case 'run.replan-proposed':
      run.pending = { revision: event.revision, digest: event.digest };
      return;
    case 'run.replanned':
      run.revision = event.revision;
      run.digest = event.digest;
      delete run.pending;
      return;
    case 'run.approved':
      run.status = 'approved';
      return;
    case 'run.provisioned':
      run.teamId = event.teamId;
      run.projectId = event.projectId;
      return;
    case 'run.widened':
    case 'run.tenant-warned':
      return;
    case 'run.recovered':
      run.recoveries += 1;
      return;
    case 'breaker.changed': {
      const { key, state, failures, until } = event;
      run.breakers = withBreaker(run.breakers ?? [], { key, state, failures, ...(until !== undefined && { until }) });
      return;
    }
    case 'run.hired':
      run.hires = [...run.hires, { role: event.role, agentId: event.agentId }];
      return;
    case 'run.released':
      run.hires = run.hires.filter(({ role }) => role !== event.role);
      return;
    case 'run.started':
      run.status = 'executing';
      run.startedAt = event.at;
      return;
    case 'run.synthesizing':
      run.status = 'synthesizing';
      return;
    case 'run.paused':
      run.paused = true;
      run.pausedFor = { reason: event.reason, since: event.at, ...(event.error && { error: event.error }) };
      return;
    case 'run.resumed':
      return goOn(run);
    case 'budget.warning':
    case 'budget.raised':
    case 'budget.shed':
      run.budget = applyToBudget(run.budget, event);
      return;
    case 'run.stopping':
      run.reason = event.reason;
      return;
    case 'run.completed':
      run.status = 'completed';
      return end(run, event.at);
    case 'run.failed':
      run.status = 'failed';
      run.reason = event.reason;
      run.error = event.error;
      return end(run, event.at);
    case 'run.cancelled':
      run.status = 'cancelled';
      run.reason = event.reason;
      if (event.error) run.error = event.error;
      return end(run, event.at);
  }
}

/** What could not be undone before the end stands in its error already. */
function noteNotUndone(run: RunState, stepId: string): void {
  if (run.endedAt === undefined) return;
  const { code, message, ...more } = run.error ?? { code: 'CANCELLED', message: run.reason ?? '' };
  const before = (more['compensationsFailed'] ?? []) as readonly string[];
  run.error = { code, message, ...more, compensationsFailed: [...before, stepId] };
}

function end(run: RunState, at: number): void {
  run.endedAt = at;
  goOn(run);
}

function goOn(run: RunState): void {
  run.paused = false;
  delete run.pausedFor;
}
