import type { BudgetFact, RaisedCeilings } from '../ports/budget.js';
import { quote } from '../shared/issue.js';
import { openBudgetGates } from './budget-gates.js';
import { shown, unitOf } from './budget-errors.js';
import { forgetWarnings } from './budget-notices.js';
import { IllegalInputError } from './illegal-input-error.js';
import { ownerKey, type Account, type Shortfall } from './ledger-accounts.js';
import { movePause, publish, type RunCore } from './run-core.js';
import { expectUnderWay, type Input } from './run-inputs.js';
import { runLimits } from './run-limits.js';
import { setTimeTimers } from './settle-run.js';

type RaiseInput = Extract<Input<'run.budget-raised'>, { readonly type: 'run.budget-raised' }>;

/** What each ceiling counts. */
const counts = {
  maxCostMicroUsd: 'costMicroUsd',
  maxTokens: 'tokens',
  maxAttempts: 'attempts',
  maxSteps: 'steps',
  maxDurationMs: 'durationMs',
} as const satisfies Record<keyof RaisedCeilings, Shortfall['dimension']>;

/** Somebody who may has raised ceilings of the run, of a role, or of a step. What waits for that goes on. */
export function onBudgetRaised(core: RunCore, input: RaiseInput): void {
  expectUnderWay(core, input);
  const { owner, by, note, at } = input;
  if (by.kind === 'agent') throw illegal(core, input, `nobody raises its own budget: ${quote(by.id)} is an agent`);
  const account = core.ledger.accountOf(owner);
  if (!account) throw illegal(core, input, 'there is no such budget');
  const changes = changesOf(core, account, input);
  raise(core, account, input);
  publish(core, { type: 'budget.raised', owner, by, ...(note !== undefined && { note }), ceilings: changes });
  forgetWarnings(core, account, at);
  if (owner.kind === 'run') core.run.shed = null;
  openBudgetGates(core, at);
  goOn(core);
}

type Change = Extract<BudgetFact, { readonly type: 'budget.raised' }>['ceilings'][number];

/** @throws IllegalInputError unless each ceiling is there, and goes up. */
function changesOf(core: RunCore, account: Account, input: RaiseInput): Change[] {
  const { maxSteps, maxDurationMs } = runLimits(core);
  const isRun = account.owner.kind === 'run';
  const present = { ...account.ceiling, steps: isRun ? maxSteps : Infinity, durationMs: isRun ? maxDurationMs : Infinity };
  const wanted = Object.entries(input.ceilings) as [keyof RaisedCeilings, number][];
  if (wanted.length === 0) throw illegal(core, input, 'it names no ceiling');
  return wanted.map(([name, to]) => {
    const dimension = counts[name];
    const from = present[dimension];
    const figures = { from: shown(dimension, from), to: shown(dimension, to) };
    if (from === Infinity) throw illegal(core, input, `there is no ceiling of ${unitOf(dimension)} that could be raised`);
    if (to <= from) throw illegal(core, input, `${figures.to} ${unitOf(dimension)} is not above the present ${figures.from}`);
    return { unit: unitOf(dimension), ...figures };
  });
}

function raise(core: RunCore, { owner }: Account, { ceilings, at }: RaiseInput): void {
  const { run, ledger } = core;
  const key = ownerKey(owner);
  const before = run.raised.find((raised) => ownerKey(raised.owner) === key);
  const others = run.raised.filter((raised) => raised !== before);
  const deadlineBefore = runLimits(core).maxDurationMs;
  run.raised = [...others, { owner, ceilings: { ...before?.ceilings, ...ceilings } }];
  ledger.raise(owner, ceilings);
  if (ceilings.maxDurationMs === undefined || run.deadlineAt === 0) return;
  run.deadlineAt += ceilings.maxDurationMs - deadlineBefore;
  setTimeTimers(core, at);
}

/** A run that waited for just this goes on; whether that is enough shows at once. */
function goOn(core: RunCore): void {
  const { run } = core;
  if (run.pause !== 'paused' || (run.pausedFor !== 'budget_exceeded' && run.pausedFor !== 'deadline_exceeded')) return;
  movePause(core, 'RESUME');
  run.pausedFor = '';
  publish(core, { type: 'run.resumed' });
}

const illegal = ({ run }: RunCore, { type }: RaiseInput, detail: string): IllegalInputError =>
  new IllegalInputError(type, run.lifecycle, undefined, detail);
