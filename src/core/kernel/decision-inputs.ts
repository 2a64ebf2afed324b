import type { StoredError } from '../ports/run.js';
import { reclaimAttempt } from './abandon.js';
import { noteAnswerOf } from './answers.js';
import { askAgain } from './ask-step.js';
import { heartbeatMissed } from './cut-off.js';
import { isCertain, noteAnswer } from './doubt.js';
import { concludeFailure, failStep } from './fail-step.js';
import { IllegalInputError } from './illegal-input-error.js';
import { moveStep, mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { forgetError } from './note-error.js';
import { closeWaiting, waitingFor } from './policy-approvals.js';
import { lostStarts } from './recover-run.js';
import { isOver, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { concludeAttempt, expectAttempt, indexOf, succeed, type StepInput } from './step-inputs.js';
import { timedOut } from './step-total.js';
import { whatFollows } from './try-again.js';

export function onProbed(core: RunCore, input: StepInput<'step.probed'>): void {
  const index = indexOf(core, input);
  expectAttempt(core, index, { input, statuses: ['in-doubt'] });
  const { finding, at } = input;
  noteAnswer(core, index);
  if (finding.kind === 'happened') return succeed(core, index, { output: finding.output, spend: finding.spend, at });
  // What may be under way still has not happened yet, and that says nothing.
  if (finding.kind === 'unknown' || !isCertain(core, index)) return;
  if (core.run.stop || isOver(core)) return failStep(core, index, { error: notStarted(core, index), spend: noSpend, at });
  const error = core.errors.get(index);
  // Agents name their errors as they like; what only the kernel says of one comes first.
  if (error && (error['class'] === 'in-doubt' || cutOffCodes.has(error.code))) concludeCutOff(core, index, { error, at });
  // What may be what ends the process is not started again on the word of a probe.
  else if (error?.code !== lostStarts) startAgain(core, index, at);
}

/** Attempts that have ended, or were given up, so that another counts as one more. */
const cutOffCodes: ReadonlySet<string> = new Set([timedOut, heartbeatMissed]);

/** It was given up, or did not know itself, and has come to nothing: that was an attempt like any other that fails. */
function concludeCutOff(core: RunCore, index: number, { error, at }: { readonly error: StoredError; readonly at: number }): void {
  const next = whatFollows(core, index, { error, at });
  forgetError(core, index);
  const to = mustMoveStep(core, index, 'FAIL', { at, facts: next.facts });
  concludeAttempt(core, index, { to, error: to === 'failed' ? next.error : error, spend: noSpend, at });
}

/** Its process was lost, and it has not happened: it is asked for again, the same attempt under the same id. */
function startAgain(core: RunCore, index: number, at: number): void {
  forgetError(core, index);
  mustMoveStep(core, index, 'RETRY', { at });
  // What it held may have been charged since; then it waits for another allowance.
  if (reclaimAttempt(core, index)) askAgain(core, index);
  else core.undo.set(core.columns.again, index, 1);
}

function notStarted(core: RunCore, index: number) {
  const { id } = stepOf(core, index);
  return { code: 'NOT_STARTED', message: `"${id}" has not happened, and the run was stopped before it could.`, stepId: id };
}

export function onDecided(core: RunCore, input: StepInput<'step.decided'>): void {
  const index = indexOf(core, input);
  const { stepId, decision, at } = input;
  const status = statusOf(core, index);
  if (status !== 'gated' && status !== 'in-doubt') {
    throw new IllegalInputError(input.type, status, stepId, 'only a gated step or one in doubt waits for a decision');
  }
  publish(core, { type: 'step.decided', stepId, decision });
  // Who lets a step go has approved it, whatever it was waiting for.
  if (decision.approve) core.undo.set(core.columns.deferred, index, 0);
  const waiting = waitingFor(core, index);
  closeWaiting(core, index, decision.approve);
  const attempt = core.columns.attempt[index]!;
  const to = moveStep(core, index, decision.approve ? 'APPROVE' : 'REFUSE', { at });
  if (to === 'succeeded') {
    forgetError(core, index);
    const { output = null } = decision;
    if (stepOf(core, index).added) noteAnswerOf(core, index, { output, route: null });
    publish(core, { type: 'step.succeeded', stepId, attempt, output, spend: noSpend });
  }
  if (to === 'failed')
    concludeFailure(core, index, {
      error: { ...refusalError(input, status), ...(waiting && { policy: waiting.policy }) },
      spend: noSpend,
      at,
    });
}

/** Nobody has answered in time. */
export function onGateExpired(core: RunCore, input: StepInput<'step.gate-expired'>): void {
  const index = indexOf(core, input);
  const { stepId, at } = input;
  const { gate } = stepOf(core, index);
  if (!gate || statusOf(core, index) !== 'gated' || core.columns.dueAt[index] === 0)
    throw new IllegalInputError(input.type, statusOf(core, index), stepId, 'no gate of it is running out');
  if (gate.onExpiry === 'approve') {
    const by = { kind: 'policy', id: 'gate-expiry' } as const;
    publish(core, { type: 'step.decided', stepId, decision: { approve: true, by } });
    return void mustMoveStep(core, index, 'APPROVE', { at });
  }
  mustMoveStep(core, index, 'REFUSE', { at });
  const message = `Nobody answered the gate of "${stepId}" within its ${gate.expiresAfterMs} ms (gate.expiresAfterMs).`;
  concludeFailure(core, index, { error: { code: 'GATE_EXPIRED', message, stepId }, spend: noSpend, at });
}

function refusalError({ stepId, decision }: StepInput<'step.decided'>, status: 'gated' | 'in-doubt') {
  const who = `${decision.by.kind} "${decision.by.id}"`;
  const said = decision.note === undefined ? '.' : `: ${decision.note}`;
  return status === 'gated'
    ? { code: 'GATE_REFUSED', message: `${who} refused to let "${stepId}" start${said}`, stepId }
    : { code: 'DECLARED_FAILED', message: `${who} declared "${stepId}", which was in doubt, to have failed${said}`, stepId };
}
