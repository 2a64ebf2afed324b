import type { Plan } from '../ports/plan.js';
import type { RunEvent } from '../ports/run-output.js';
import type { StoredError } from '../ports/run.js';
import type { UsageTotals } from '../ports/usage.js';
import { addSpend, createSpendSum, totalsOf, type SpendSum } from './usage-totals.js';

/**
 * How a start of an attempt has ended. `lost`: its process ended first, so the attempt was asked for again, or nobody knows.
 * `in-doubt`: it may have happened, and that is not settled yet. `interrupted`: a tool that it wanted to call needs a person; it is begun once more.
 * `throttled`: a provider asked for a pause; it is made again after that.
 */
export type AttemptOutcome =
  'running' | 'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'in-doubt' | 'lost' | 'interrupted' | 'throttled';

/** One start of one attempt at a step, or at its compensation. Times are milliseconds since the epoch, on the run's one clock. */
export interface AttemptView {
  readonly runId: string;
  readonly stepId: string;
  /** From 1. Attempts to compensate a step count on from the attempts at it. */
  readonly attempt: number;
  /** From 1: an attempt whose process was lost is asked for again under the same number. */
  readonly start: number;
  readonly kind: 'step' | 'compensation';
  /** Who carried it out; absent where the step calls no agent. */
  readonly role?: string;
  readonly agentId?: string;
  readonly startedAt: number;
  /** Absent while it is under way, and where its process was lost: nobody saw its end. */
  readonly endedAt?: number;
  /**
   * How long it is known to have been under way, in milliseconds: until its end, until the newest event, or until the last event of the
   * process that was lost. The time without a process does not count.
   */
  readonly activeMs: number;
  readonly outcome: AttemptOutcome;
  readonly error?: StoredError;
  readonly usage: UsageTotals;
}

type Row = { -readonly [Key in keyof Omit<AttemptView, 'usage'>]: AttemptView[Key] } & { readonly spent: SpendSum };

/** What is to be known of a step: who carries it out, and who undoes it. */
interface Carried {
  readonly role?: string | undefined;
  readonly compensation?: { readonly role: string } | undefined;
  /** Present where others are added for it: no agent carries it out itself. */
  readonly expands?: Plan['steps'][number]['expands'];
}

/** What the fold keeps: every row in the order of their starts, and those of each step. */
interface Attempts {
  readonly plan: Map<string, Carried>;
  readonly rows: Row[];
  readonly byStep: Map<string, Row[]>;
  agents: ReadonlyMap<string, { readonly agentId: string }>;
  /** When the newest event was. */
  at: number;
}

/**
 * Every attempt of a run after some of its events, as one row for each start, in the order of their starts: a pure fold. Whatever the
 * run spent stands at the attempt that spent it.
 */
export function projectAttempts(plan: Pick<Plan, 'steps'>, events: Iterable<RunEvent>): readonly AttemptView[] {
  const attempts: Attempts = {
    plan: new Map(plan.steps.map((step) => [step.id, step])),
    rows: [],
    byStep: new Map(),
    agents: new Map(),
    at: 0,
  };
  for (const event of events) {
    if ('stepId' in event) applyToStep(attempts, event);
    else if (event.type === 'run.provisioned') attempts.agents = new Map(Object.entries(event.roles));
    else if (event.type === 'run.recovered') loseAll(attempts);
    attempts.at = event.at;
  }
  return attempts.rows.map((row) => viewRow(row, attempts.at));
}

function viewRow({ spent, ...row }: Row, now: number): AttemptView {
  const activeMs = row.outcome === 'running' ? now - row.startedAt : row.activeMs;
  return { ...row, activeMs, usage: totalsOf(spent) };
}

/** Whatever was under way was so in the process that is gone. The newest event is the last sign of it. */
function loseAll({ rows, at }: Attempts): void {
  for (const row of rows) if (row.outcome === 'running') lose(row, at);
}

function lose(row: Row, lastSeenAt: number): void {
  row.outcome = 'lost';
  row.activeMs = Math.max(0, lastSeenAt - row.startedAt);
}

type StepEvent = Extract<RunEvent, { readonly stepId: string }>;

function applyToStep(attempts: Attempts, event: StepEvent): void {
  const latest = attempts.byStep.get(event.stepId)?.at(-1);
  switch (event.type) {
    case 'step.started':
      if (attempts.plan.get(event.stepId)?.expands !== undefined) return;
      return begin(attempts, { event, kind: 'step' });
    case 'step.compensating':
      return begin(attempts, { event, kind: 'compensation' });
    case 'step.ready':
      // Asked for again: what was in doubt has turned out not to have happened.
      if (latest?.outcome === 'running') lose(latest, attempts.at);
      else if (latest?.outcome === 'in-doubt') latest.outcome = 'lost';
      return;
    case 'step.cancelled':
      if (latest) conclude(latest, { outcome: 'cancelled', at: event.at, error: event.error });
      return;
    case 'step.added':
      return void attempts.plan.set(event.stepId, { role: event.role, ...(event.isGoal && { expands: 'topology' }) });
    case 'step.gated':
    case 'step.decided':
    case 'step.routed':
    case 'step.route-refused':
    case 'step.overdue':
    case 'step.late':
    case 'step.skipped':
    case 'step.progress':
    case 'budget.overrun':
      return;
    case 'policy.applied':
      if (latest && event.transition === 'tool' && event.verdict === 'require-approval')
        conclude(latest, { outcome: 'interrupted', at: event.at });
      return;
    default:
      return applyToAttempt(attempts, event);
  }
}

function begin(
  { plan, rows, byStep, agents }: Attempts,
  { event, kind }: { readonly event: Extract<StepEvent, { readonly attempt: number }>; readonly kind: AttemptView['kind'] },
): void {
  const { runId, stepId, attempt, at } = event;
  const step = plan.get(stepId);
  const role = kind === 'step' ? step?.role : step?.compensation?.role;
  const agentId = agents.get(role ?? '')?.agentId;
  const ofStep = byStep.get(stepId) ?? [];
  const row: Row = {
    ...{ runId, stepId, attempt, start: ofStep.filter((other) => other.attempt === attempt).length + 1, kind },
    ...(role !== undefined && { role }),
    ...(agentId !== undefined && { agentId }),
    ...{ startedAt: at, activeMs: 0, outcome: 'running', spent: createSpendSum() },
  };
  rows.push(row);
  ofStep.push(row);
  byStep.set(stepId, ofStep);
}

type AttemptEvent = Extract<StepEvent, { readonly attempt: number }>;
type EndEvent = Exclude<
  AttemptEvent,
  { readonly type: 'step.started' | 'step.compensating' | 'step.progress' | 'step.late' | 'policy.applied' | 'budget.overrun' }
>;

function applyToAttempt({ byStep }: Attempts, event: EndEvent): void {
  // One that was refused before it ever started has no row; nothing was spent on it.
  const row = byStep.get(event.stepId)?.findLast(({ attempt }) => attempt === event.attempt);
  if (!row) return;
  if ('spend' in event) addSpend(row.spent, event.spend);
  const { at } = event;
  switch (event.type) {
    case 'step.spent':
      return;
    case 'step.succeeded':
    case 'step.compensated':
      return conclude(row, { outcome: 'succeeded', at });
    case 'step.in-doubt':
      return conclude(row, { outcome: 'in-doubt', at, error: event.error });
    case 'step.failed':
    case 'step.backing-off':
    case 'step.compensation-failed':
      return conclude(row, { outcome: failedOutcome(event), at, error: event.error });
  }
}

function failedOutcome({ error, ...event }: Extract<EndEvent, { readonly error: StoredError }>): AttemptOutcome {
  if ('throttled' in event) return 'throttled';
  return isTimeout(error) ? 'timed-out' : 'failed';
}

/** A compensation that is given up has its last error as the cause. */
function isTimeout({ code, cause }: StoredError): boolean {
  const last = code === 'COMPENSATION_FAILED' ? (cause as StoredError | undefined)?.code : code;
  return last === 'TIMED_OUT' || last === 'HEARTBEAT_MISSED';
}

interface Conclusion {
  readonly outcome: AttemptOutcome;
  readonly at: number;
  readonly error?: StoredError;
}

function conclude(row: Row, { outcome, at, error }: Conclusion): void {
  const isOpen = row.outcome === 'running';
  const isDoubtful = row.outcome === 'in-doubt' || row.outcome === 'lost';
  if (!isOpen && !isDoubtful) return;
  if (isOpen) {
    row.endedAt = at;
    row.activeMs = at - row.startedAt;
  }
  // What its process took down with it has not been cancelled, nor has it failed.
  const staysLost = row.outcome === 'lost' && outcome !== 'in-doubt' && outcome !== 'succeeded';
  if (!staysLost) row.outcome = outcome;
  if (error) row.error = error;
  else delete row.error;
}
