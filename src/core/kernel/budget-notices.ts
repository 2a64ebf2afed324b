import type { BudgetFigure, BudgetOwner } from '../ports/budget.js';
import { shown, unitOf } from './budget-errors.js';
import type { Account, Counted, Shortfall } from './ledger-accounts.js';
import { isOver, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { runLimits, timeUsed } from './run-limits.js';
import { shedWork } from './shed-work.js';
import { isSettled } from './step-status.js';

/** Share of a ceiling from which on somebody should know. */
const defaultWarnAt = 0.8;

/** Bits of {@link LedgerColumns.warned}. */
const bits = { costMicroUsd: 1, tokens: 2, attempts: 4, steps: 8, durationMs: 16 } as const;
const counted: readonly Counted[] = ['costMicroUsd', 'tokens', 'attempts'];

const warnAtOf = ({ materialized }: RunCore): number => materialized.definition.budget.warnAt ?? defaultWarnAt;
const shedAtOf = ({ materialized }: RunCore): number => materialized.definition.budget.shed?.at ?? Infinity;

/** Tells what was spent beyond an allowance, and which ceilings are near; leaves out work where the plan says so. */
export function noticeBudgets(core: RunCore, at: number): void {
  const { charged, overruns } = core.ledger.takeNews();
  for (const { index, attempt = core.columns.attempt[index]!, dimension, allowed, spent } of overruns) {
    const figures = { unit: unitOf(dimension), allowed: shown(dimension, allowed), spent: shown(dimension, spent) };
    publish(core, { type: 'budget.overrun', stepId: stepOf(core, index).id, attempt, ...figures });
  }
  if (core.run.stop || isOver(core)) return;
  for (const account of charged) for (const what of counted) noticeAccount(core, account, what);
  noticeRun(core, 'steps', { used: core.run.stepsStarted, exact: core.run.stepsStarted, ceiling: runLimits(core).maxSteps });
  const { maxDurationMs } = runLimits(core);
  if (maxDurationMs === Infinity) return;
  const usedMs = timeUsed(core, at);
  noticeRun(core, 'durationMs', { used: usedMs, exact: usedMs, ceiling: maxDurationMs });
}

function noticeAccount(core: RunCore, account: Account, dimension: Counted): void {
  const used = core.ledger.usedOf(account, dimension);
  const exact = dimension === 'attempts' ? used : used - core.ledger.columns.inexact[dimension][account.row]!;
  notice(core, account, { dimension, used, exact, ceiling: account.ceiling[dimension] });
}

function noticeRun(core: RunCore, dimension: 'steps' | 'durationMs', figures: Omit<Use, 'dimension'>): void {
  notice(core, core.ledger.accounts[0]!, { dimension, ...figures });
}

interface Use {
  readonly dimension: Shortfall['dimension'];
  readonly used: number;
  /** The part of it that was measured. */
  readonly exact: number;
  readonly ceiling: number;
}

function notice(core: RunCore, { owner, row }: Account, { dimension, used, exact, ceiling }: Use): void {
  if (ceiling === Infinity || ceiling === 0) return;
  if (used < Math.min(warnAtOf(core), shedAtOf(core)) * ceiling) return;
  const figure: BudgetFigure = {
    owner,
    unit: unitOf(dimension),
    spent: shown(dimension, used),
    ceiling: shown(dimension, ceiling),
  };
  const { warned } = core.ledger.columns;
  if (used >= warnAtOf(core) * ceiling && (warned[row]! & bits[dimension]) === 0 && !hasEnded(core, owner)) {
    core.undo.set(warned, row, warned[row]! | bits[dimension]);
    publish(core, { type: 'budget.warning', ...figure });
  }
  if (owner.kind === 'run' && exact >= shedAtOf(core) * ceiling) shedWork(core, figure);
}

/** What a step spends that has ended is nobody's worry. */
const hasEnded = (core: RunCore, owner: BudgetOwner): boolean =>
  owner.kind === 'step' && isSettled(statusOf(core, core.graph.indexOf.get(owner.stepId)!));

/** Warnings of ceilings that were raised, so that they are far again, may come again. */
export function forgetWarnings(core: RunCore, account: Account, at: number): void {
  const { ledger, undo, run } = core;
  const { maxSteps, maxDurationMs } = runLimits(core);
  const used: Record<Shortfall['dimension'], readonly [number, number]> = {
    costMicroUsd: [ledger.usedOf(account, 'costMicroUsd'), account.ceiling.costMicroUsd],
    tokens: [ledger.usedOf(account, 'tokens'), account.ceiling.tokens],
    attempts: [ledger.usedOf(account, 'attempts'), account.ceiling.attempts],
    steps: [run.stepsStarted, maxSteps],
    durationMs: [timeUsed(core, at), maxDurationMs],
  };
  let left = ledger.columns.warned[account.row]!;
  for (const [dimension, [amount, ceiling]] of Object.entries(used) as [keyof typeof bits, readonly [number, number]][])
    if (amount < warnAtOf(core) * ceiling) left &= ~bits[dimension];
  undo.set(ledger.columns.warned, account.row, left);
}

/** When the time of the run has something to be told of next; 0 for never. */
export function nextTimeNotice(core: RunCore, at: number): number {
  const { run, ledger } = core;
  if (run.deadlineAt === 0) return 0;
  const { maxDurationMs } = runLimits(core);
  const startedAt = run.deadlineAt - maxDurationMs;
  const isWarned = (ledger.columns.warned[0]! & bits.durationMs) !== 0;
  const shares = [...(isWarned ? [] : [warnAtOf(core)]), ...(run.shed ? [] : [shedAtOf(core)])];
  const dueAt = Math.min(...shares.map((share) => Math.ceil(startedAt + share * maxDurationMs)), Infinity);
  return dueAt < run.deadlineAt ? Math.max(dueAt, at) : 0;
}
