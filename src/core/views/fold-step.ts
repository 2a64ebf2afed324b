import type { RunEvent } from '../ports/run-output.js';
import type { StepStatus, StoredError } from '../ports/run.js';
import type { StepView } from './step-view.js';
import type { SpendSum } from './usage-totals.js';

/** A view of a step while it is being folded. */
export type StepState = { -readonly [Key in keyof StepView]: StepView[Key] } & {
  readonly spent: SpendSum;
  attemptStartedAt: number | undefined;
  /** The attempt that was begun last, those to undo it counted on. */
  begun?: number;
  /** Agents that another has taken over from, and from which attempt on; absent for none. */
  takenOver?: readonly { readonly attempt: number; readonly from: string | undefined }[];
  /** Begun, and gone with its process. */
  lostAttempt?: number;
  /** Since when it has been in its status; absent for as long as it has always been. */
  since?: number;
  /** What a person is asked, while it waits for one. */
  prompt?: string;
};

export type StepEvent = Extract<RunEvent, { readonly stepId: string }>;

/** What an event says of its step. */
export function applyToStep(step: StepState, event: StepEvent): void {
  const { status, since } = step;
  changeStep(step, event);
  if (event.type === 'step.added') step.since = event.at;
  if (step.status === status) return;
  if (status === 'ready' && since !== undefined) step.queuedMs += event.at - since;
  step.since = event.at;
  delete step.prompt;
  if (event.type === 'step.gated') step.prompt = event.prompt;
}

function changeStep(step: StepState, event: StepEvent): void {
  switch (event.type) {
    case 'step.ready':
      // It was in doubt, and turns out not to have happened.
      if (step.status === 'in-doubt') delete step.error;
      step.status = 'ready';
      step.queuedAt ??= event.at;
      delete step.retryAt;
      return;
    case 'step.gated':
      step.status = 'gated';
      step.queuedAt ??= event.at;
      return;
    case 'step.started':
      step.status = 'running';
      step.attempts = event.attempt;
      if (event.agentId !== undefined) takeOver(step, event.agentId, event.attempt);
      step.startedAt ??= event.at;
      return beginAttempt(step, event);
    case 'step.progress':
      step.progress = event.message;
      return;
    case 'step.backing-off':
      conclude(step, { status: 'backing-off', at: event.at, error: event.error });
      step.retryAt = event.retryAt;
      return;
    case 'step.succeeded':
      step.output = event.output;
      if (event.isVerified) step.isVerified = true;
      if (event.conflicts) step.conflicts = event.conflicts;
      delete step.error;
      return conclude(step, { status: 'succeeded', at: event.at });
    case 'step.failed':
    case 'step.skipped':
    case 'step.cancelled':
    case 'step.in-doubt':
      return conclude(step, { status: endStatuses[event.type], at: event.at, error: event.error });
    case 'step.compensating':
      step.status = 'compensating';
      delete step.retryAt;
      return beginAttempt(step, event);
    case 'step.compensated':
      delete step.error;
      return conclude(step, { status: 'compensated', at: event.at });
    case 'step.compensation-failed':
      conclude(step, { status: event.retryAt === undefined ? 'failed' : 'compensating', at: event.at, error: event.error });
      if (event.retryAt !== undefined) step.retryAt = event.retryAt;
      return;
    case 'step.routed':
      step.decision = { to: event.to, reason: event.reason, ...(event.by && { by: event.by }) };
      return;
    case 'step.route-refused':
      step.refusals = event.refusals;
      return;
    case 'policy.applied': {
      const { type: _type, stepId: _stepId, seq: _seq, at: _at, runId: _runId, ...applied } = event;
      step.policy = applied;
      // A tool that needs a person ends the attempt; it is begun once more.
      if (event.transition === 'tool' && event.verdict === 'require-approval') pauseAttempt(step, event.at);
      return;
    }
    case 'step.overdue':
      step.overdue = true;
      return;
    case 'budget.overrun': {
      const { attempt, unit, allowed, spent } = event;
      step.overrun = { attempt, unit, allowed, spent };
      return;
    }
    case 'step.late':
      step.late = { attempt: event.attempt, output: event.output };
      return;
    case 'step.added':
    case 'step.decided':
    case 'step.spent':
      return;
  }
}

const endStatuses = {
  'step.failed': 'failed',
  'step.skipped': 'skipped',
  'step.cancelled': 'cancelled',
  'step.in-doubt': 'in-doubt',
} as const;

interface Conclusion {
  readonly status: StepStatus;
  readonly at: number;
  readonly error?: StoredError;
}

function pauseAttempt(step: StepState, at: number): void {
  if (step.attemptStartedAt !== undefined) step.activeMs += at - step.attemptStartedAt;
  step.attemptStartedAt = undefined;
}

function conclude(step: StepState, { status, at, error }: Conclusion): void {
  step.status = status;
  pauseAttempt(step, at);
  delete step.retryAt;
  if (error) step.error = error;
  if (status !== 'backing-off' && status !== 'in-doubt' && status !== 'compensating') step.endedAt = at;
}

function takeOver(step: StepState, agentId: string, attempt: number): void {
  if (step.agentId !== agentId) step.takenOver = [...(step.takenOver ?? []), { attempt, from: step.agentId }];
  step.agentId = agentId;
}

function beginAttempt(step: StepState, { attempt, at }: { readonly attempt: number; readonly at: number }): void {
  if (step.lostAttempt === attempt) step.repeats = (step.repeats ?? 0) + 1;
  delete step.lostAttempt;
  step.begun = attempt;
  step.attemptStartedAt = at;
}

/** The process is lost that was at it: how long it was at work until then is not known to anyone, nor how long it could have been. */
export function loseStep(step: StepState, at: number): void {
  if (step.attemptStartedAt !== undefined && step.begun !== undefined && !step.isGoal) step.lostAttempt = step.begun;
  step.attemptStartedAt = undefined;
  if (step.status === 'ready') step.since = at;
}
