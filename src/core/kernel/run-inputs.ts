import type { DoneTicket, RunInput } from '../ports/run.js';
import { noticeBudgets } from './budget-notices.js';
import { exceedTime, isHard } from './exceed-budget.js';
import { runLimits } from './run-limits.js';
import { deferOthers } from './approve-parts.js';
import { IllegalInputError } from './illegal-input-error.js';
import { moveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { isOver, moveLifecycle, movePause, publish, type RunCore } from './run-core.js';
import { scheduleRoots } from './schedule.js';
import { endRun, setTimeNotice, setTimeTimers } from './settle-run.js';
import { beginStop, endGrace } from './stop-run.js';

export type Input<Type extends RunInput['type']> = Extract<RunInput, { readonly type: Type }>;

const illegal = (core: RunCore, { type }: RunInput, detail: string): IllegalInputError =>
  new IllegalInputError(type, core.run.lifecycle, undefined, detail);

export function onStart(core: RunCore, input: Input<'run.start'>): void {
  if (!moveLifecycle(core, 'START')) throw illegal(core, input, 'a run starts once, from approved');
  const { run, materialized } = core;
  run.graceMs = input.graceMs;
  run.compensate = input.compensate ?? 'always';
  if (input.steps) deferOthers(core, input.steps);
  publish(core, { type: 'run.started' });
  for (const ticket of input.done ?? []) adopt(core, ticket, input.at);
  const { maxDurationMs } = materialized.definition.budget;
  if (maxDurationMs !== undefined) {
    run.deadlineAt = input.at + maxDurationMs;
    setTimeTimers(core, input.at);
  }
  scheduleRoots(core);
}

/** A ticket that was done before the run has succeeded in it, and has cost it nothing. */
function adopt(core: RunCore, { stepId, output }: DoneTicket, at: number): void {
  const index = core.graph.indexOf.get(stepId);
  if (index === undefined || core.steps[index]?.kind !== 'ticket') {
    throw new IllegalInputError('run.start', core.run.lifecycle, stepId, 'the plan has no such ticket that could be done');
  }
  if (moveStep(core, index, 'ADOPT', { at }) === undefined) {
    throw new IllegalInputError('run.start', core.run.lifecycle, stepId, 'it is named twice as done');
  }
  publish(core, { type: 'step.succeeded', stepId, attempt: 0, output, spend: noSpend });
}

export function onPause(core: RunCore, input: Input<'run.pause'>): void {
  expectUnderWay(core, input);
  if (!movePause(core, 'PAUSE')) throw illegal(core, input, 'the run is paused already');
  const { reason = 'requested', error } = input;
  core.run.pausedFor = reason;
  publish(core, { type: 'run.paused', reason, ...(error && { error }) });
}

export function onResume(core: RunCore, input: Input<'run.resume'>): void {
  expectUnderWay(core, input);
  if (!movePause(core, 'RESUME')) throw illegal(core, input, 'the run is not paused');
  core.run.pausedFor = '';
  publish(core, { type: 'run.resumed' });
}

export function onCancel(core: RunCore, input: Input<'run.cancel'>): void {
  const { run } = core;
  if (isOver(core)) throw illegal(core, input, 'the run is over');
  if (run.stop) throw illegal(core, input, `the run is stopping already (${run.stop.reason})`);
  const { reason, at, compensate } = input;
  beginStop(core, { stop: { to: 'cancelled', reason, error: { code: 'CANCELLED', message: reason } }, at, compensate });
}

export function onDeadline(core: RunCore, input: Input<'run.deadline'>): void {
  const { run } = core;
  if (run.deadlineAt === 0 || run.stop) throw illegal(core, input, 'no deadline is set');
  if (input.at < run.deadlineAt) throw illegal(core, input, 'it was put off meanwhile');
  const { maxDurationMs } = runLimits(core);
  // A run that pauses for it keeps it: more time counts from its start.
  if (isHard(core)) run.deadlineAt = 0;
  exceedTime(core, { maxDurationMs, at: input.at });
}

/** So much of the run's time is used up that it is told; see budget-notices.ts, which looks after each input. */
export function onTimeUsed(core: RunCore, input: Input<'run.time-used'>): void {
  if (core.run.deadlineAt === 0 || core.run.stop) throw illegal(core, input, 'no deadline is set');
  noticeBudgets(core, input.at);
  setTimeNotice(core, input.at);
}

export function onGraceOver(core: RunCore, input: Input<'run.grace-over'>): void {
  if (core.run.graceAt === 0) throw illegal(core, input, 'no grace time is running');
  endGrace(core, input.at);
}

export function onDelivered(core: RunCore, input: Input<'run.delivered'>): void {
  expectDelivery(core, input);
  endRun(core, { event: 'COMPLETE', fact: { type: 'run.completed' }, at: input.at });
}

export function onDeliveryFailed(core: RunCore, input: Input<'run.delivery-failed'>): void {
  expectDelivery(core, input);
  core.run.delivering = false;
  beginStop(core, { stop: { to: 'failed', reason: 'delivery_failed', error: input.error }, at: input.at });
}

function expectDelivery(core: RunCore, input: RunInput): void {
  if (!core.run.delivering || core.run.stop || isOver(core)) throw illegal(core, input, 'no deliverable is under way');
}

/** @throws IllegalInputError unless the run is executing or synthesizing, and goes on. */
export function expectUnderWay(core: RunCore, input: RunInput): void {
  const { lifecycle, stop } = core.run;
  if (lifecycle !== 'executing' && lifecycle !== 'synthesizing')
    throw illegal(core, input, 'it takes a run that is executing or synthesizing');
  if (stop) throw illegal(core, input, `the run is stopping (${stop.reason})`);
}
