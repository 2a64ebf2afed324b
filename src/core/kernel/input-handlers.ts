import type { JournalEntry, RunInput } from '../ports/run.js';
import { onWiden } from './approve-parts.js';
import { onHeartbeatMissed, onTimedOut, onTimeOver } from './cut-off.js';
import { onDecided, onGateExpired, onProbed } from './decision-inputs.js';
import { onBudgetRaised } from './raise-budget.js';
import { onRecovered } from './recover-run.js';
import type { RunCore } from './run-core.js';
import * as onRun from './run-inputs.js';
import * as onStep from './step-inputs.js';
import { onThrottled } from './throttle.js';
import { onInterrupted, onToolRuled } from './tool-inputs.js';

/** What each input does to a run; that of another plan aside, which makes a new core. */
export const handlers: {
  readonly [Type in Exclude<RunInput['type'], 'run.replanned'>]: (
    core: RunCore,
    input: Extract<RunInput, { readonly type: Type }>,
  ) => void;
} = {
  'run.start': onRun.onStart,
  'run.continue': () => undefined,
  'run.widen': onWiden,
  'run.pause': onRun.onPause,
  'run.resume': onRun.onResume,
  'run.cancel': onRun.onCancel,
  'run.deadline': onRun.onDeadline,
  'run.time-used': onRun.onTimeUsed,
  'run.budget-raised': onBudgetRaised,
  'run.grace-over': onRun.onGraceOver,
  'run.delivered': onRun.onDelivered,
  'run.delivery-failed': onRun.onDeliveryFailed,
  'step.started': onStep.onStarted,
  'step.succeeded': onStep.onSucceeded,
  'step.failed': onStep.onFailed,
  'step.throttled': onThrottled,
  'step.timed-out': onTimedOut,
  'step.heartbeat-missed': onHeartbeatMissed,
  'step.time-over': onTimeOver,
  'step.retry-due': onStep.onRetryDue,
  'step.spent': onStep.onSpent,
  'step.given-up': onStep.onGivenUp,
  'step.progress': onStep.onProgress,
  'step.late': onStep.onLate,
  'step.overdue': onStep.onOverdue,
  'step.tool-ruled': onToolRuled,
  'step.interrupted': onInterrupted,
  'step.decided': onDecided,
  'run.recovered': onRecovered,
  'step.gate-expired': onGateExpired,
  'step.probed': onProbed,
  'effect.recorded': (core, input) => void onStep.indexOf(core, input),
};

/** Whether a journal entry is for the kernel. */
export const isRunInput = (entry: JournalEntry | RunInput): entry is RunInput & { readonly seq: number } =>
  entry.type === 'run.replanned' || Object.hasOwn(handlers, entry.type);
