import type { Allowance } from '../ports/usage.js';
import type { Pace } from './agenda.js';
import { askForAttempt } from './ask-step.js';
import { beginGoal } from './expand-goal.js';
import { isEstimateForgiven, refuseStep } from './budget-gates.js';
import { exceedBudget } from './exceed-budget.js';
import type { Reservation } from './ledger.js';
import type { Shortfall } from './ledger-accounts.js';
import type { AskedPolicy } from './asked-policy.js';
import { approvedCost } from './policy-approvals.js';
import { clearSpend, clearStart, tellApplied } from './policy-gates.js';
import { callsAgent, isOver, statusOf, stepOf, tryOf, type RunCore } from './run-core.js';
import { runLimits } from './run-limits.js';

/** Starts what is ready, in order, as far as the ledger goes. Returns `false` when the pace left some of it for the next input. */
export function startReady(core: RunCore, pace: Pace): boolean {
  const { run, ready, columns } = core;
  for (let index = ready.peek(); index !== undefined; index = ready.peek()) {
    if (run.stop || run.pause === 'paused' || isOver(core)) return true;
    // A step that left the queue otherwise (cancelled, gated, asked for again) has left its place behind.
    if (statusOf(core, index) !== 'ready' || columns.issued[index] === 1) {
      ready.pop();
      continue;
    }
    if (pace.left <= 0) return false;
    // Only what is done counts: places left behind are not in a checkpoint, and must not move what comes after them.
    const said = core.out.length;
    const goesOn = mayGoOn(core, index, pace.at);
    if (core.out.length > said) pace.left -= 1;
    if (!goesOn) return true;
  }
  return true;
}

/** Starts one step or says why not. Returns whether the queue may go on. */
function mayGoOn(core: RunCore, index: number, at: number): boolean {
  const start = clearStart(core, index, at);
  if (start.isHeld) return true;
  const reservation = reserve(core, index);
  switch (reservation.kind) {
    case 'granted':
      begin(core, index, { allowance: reservation.allowance, allowed: start.allowed, at });
      return true;
    case 'wait':
      // One that waits for an attempt of its own holds nobody up; it comes back when that attempt has ended.
      if (reservation.own) core.ready.pop();
      return reservation.own;
    case 'refused':
      return refuse(core, { index, shortfall: reservation.shortfall, at });
  }
}

interface Beginning {
  readonly allowance: Allowance;
  /** Policies that say that it may start. */
  readonly allowed: readonly AskedPolicy[];
  readonly at: number;
}

/** Begins what may, unless a policy has something against what it would spend; then it gives back what it was to have. */
function begin(core: RunCore, index: number, { allowance, allowed, at }: Beginning): void {
  const spend = clearSpend(core, index, { allowance, at, giveBack: () => giveBack(core, index) });
  if (spend.isHeld) return;
  for (const policy of [...allowed, ...spend.allowed]) tellApplied(core, index, policy);
  if (stepOf(core, index).expands === undefined) askForAttempt(core, index, allowance);
  else beginGoal(core, index, at);
}

function reserve(core: RunCore, index: number): Reservation {
  const ceiling = runLimits(core).maxSteps;
  const isFirst = tryOf(core, index) === 0;
  if (isFirst && core.run.stepsStarted >= ceiling) {
    const figures = { ceiling, spent: core.run.stepsStarted, inexact: 0, reserved: 0, needed: 1 };
    return { kind: 'refused', shortfall: { dimension: 'steps', account: { kind: 'run' }, ...figures } };
  }
  if (!callsAgent(stepOf(core, index))) return { kind: 'granted', allowance: {} };
  return core.ledger.reserve(index, {
    mostMicroUsd: approvedCost(core, index),
    isExactOnly: isEstimateForgiven(core, index),
    isAgain: isAgain(core, index),
  });
}

/** Whether what begins is the present attempt once more. */
const isAgain = ({ columns }: RunCore, index: number): boolean => columns.again[index] === 1;

const giveBack = (core: RunCore, index: number): void => core.ledger.giveBack(index, { isAgain: isAgain(core, index) });

/** A ceiling of the run ends or pauses the run; one of a role, or of the step, ends only the step, or has it wait. */
function refuse(
  core: RunCore,
  { index, shortfall, at }: { readonly index: number; readonly shortfall: Shortfall; readonly at: number },
): boolean {
  const stepId = stepOf(core, index).id;
  if (shortfall.account.kind !== 'run') {
    refuseStep(core, { index, shortfall, stepId, at });
    return true;
  }
  exceedBudget(core, { shortfall, stepId, at });
  return false;
}
