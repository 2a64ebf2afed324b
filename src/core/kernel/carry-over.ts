import type { MaterializedRun } from '../materializer/materialize.js';
import type { BudgetOwner, RaisedBudget } from '../ports/budget.js';
import type { Fate } from '../plan/merge-plans.js';
import { insertStep } from './add-step.js';
import { plannedSteps, stepColumnsOf, storedStep } from './checkpoint.js';
import { trackChanges } from './checkpoint-parts.js';
import { blockSize } from './dirty-blocks.js';
import { restoreGoals, storeGoals } from './goals.js';
import { abandonedKey } from './abandoned-attempts.js';
import type { Ledger } from './ledger.js';
import { dimensions, ownerKey, type Account } from './ledger-accounts.js';
import { isAwaiting } from './move-step.js';
import { callsAgent, createRunCore, statusOf, stepOf, type RunCore } from './run-core.js';
import { rowLength, task } from './schedule.js';
import { isSettled } from './step-status.js';

/** Rows of the table before, and where each stands now. */
type Rows = ReadonlyMap<number, number>;

/** A run in the machines of another plan: what is kept is where it was, everything else is where it would be had nothing happened to it. */
export function carryOver(core: RunCore, materialized: MaterializedRun, fates: ReadonlyMap<string, Fate>): RunCore {
  const next = createRunCore(materialized);
  trackChanges(next);
  const rows = carrySteps(core, next, fates);
  carryLedger(core.ledger, next.ledger, rows);
  carryMaps(core, next, rows);
  carryRun(core, next);
  for (let row = 0; row < plannedSteps(next); row += 1) if (statusOf(next, row) === 'blocked') lookUpstream(next, row);
  expectThoseThatWait(next);
  markEverything(core, next);
  next.ledger.reviewAll();
  next.undo.commit();
  return next;
}

const isKept = (fate: Fate | undefined): boolean => fate === 'kept' || fate === 'ended';

function carrySteps(core: RunCore, next: RunCore, fates: ReadonlyMap<string, Fate>): Rows {
  const rows = new Map<number, number>();
  for (let row = 0; row < plannedSteps(next); row += 1) {
    const { id } = stepOf(next, row);
    const before = core.graph.indexOf.get(id);
    if (before === undefined) continue;
    rows.set(before, row);
    if (isKept(fates.get(id))) copyRow(core, next, { before, row });
    else restart(core, next, { before, row });
  }
  for (let before = plannedSteps(core); before < core.steps.length; before += 1) {
    const step = stepOf(core, before);
    const goal = rows.get(core.graph.indexOf.get(step.added!.goal)!);
    if (goal === undefined) continue;
    const row = insertStep(next, storedStep(step));
    rows.set(before, row);
    copyRow(core, next, { before, row });
  }
  for (const row of rows.values()) next.columns.cause[row] = rows.get(next.columns.cause[row]!) ?? -1;
  return rows;
}

interface Move {
  readonly before: number;
  readonly row: number;
}

function copyRow(core: RunCore, next: RunCore, { before, row }: Move): void {
  const to = stepColumnsOf(next);
  for (const [name, column] of Object.entries(stepColumnsOf(core))) to[name]![row] = column[before]!;
  const attempts = core.restarts.get(before);
  if (attempts !== undefined) next.restarts.set(row, attempts);
  const relief = core.reliefs.get(before);
  if (relief) next.reliefs.set(row, relief);
}

/** Attempts are counted on, so that no word of an old one is taken for that of a new one. */
function restart(core: RunCore, next: RunCore, { before, row }: Move): void {
  const attempts = core.columns.attempt[before]!;
  next.columns.attempt[row] = attempts;
  if (attempts > 0) next.restarts.set(row, attempts);
}

/** What a step that waits for its turn has to wait for, and whether it will get what it needs. */
function lookUpstream(next: RunCore, row: number): void {
  const { columns, routes } = next;
  const dependencies = next.materialized.graph.dependenciesOf(row);
  columns.unmet[row] = dependencies.filter((dependency) => !isSettled(statusOf(next, dependency))).length;
  const unfed = dependencies.find((dependency) => {
    if (!isSettled(statusOf(next, dependency))) return false;
    return statusOf(next, dependency) !== 'succeeded' || routes.get(dependency)?.includes(row) === false;
  });
  if (unfed === undefined) return;
  columns.unfed[row] = 1;
  columns.cause[row] = unfed;
  columns.unchosen[row] = statusOf(next, unfed) === 'succeeded' ? 1 : columns.unchosen[unfed]!;
}

/** Every account goes on from what it had spent. One that is new has spent nothing so far. */
function carryLedger(from: Ledger, to: Ledger, rows: Rows): void {
  const spentBefore = new Map(from.accounts.map((account) => [ownerOf(account), account.row]));
  for (const account of to.accounts) {
    const before = spentBefore.get(ownerOf(account));
    if (before !== undefined) carryAccount(from, to, { before, row: account.row });
  }
  const reserve = (row: number, [costMicroUsd, tokens]: readonly [number, number]): void => {
    for (const account of to.accountsOf(row)) {
      to.columns.reserved.costMicroUsd[account.row]! += costMicroUsd;
      to.columns.reserved.tokens[account.row]! += tokens;
    }
  };
  for (const row of rows.values()) reserve(row, [to.columns.held.costMicroUsd[row]!, to.columns.held.tokens[row]!]);
  for (const [before, attempt, costMicroUsd, tokens, dueAt] of from.abandoned.inOrder()) {
    const row = rows.get(before);
    if (row === undefined) continue;
    to.abandoned.entries.set(abandonedKey(row, attempt), [row, attempt, costMicroUsd, tokens, dueAt]);
    reserve(row, [costMicroUsd, tokens]);
  }
}

function carryAccount(from: Ledger, to: Ledger, { before, row }: Move): void {
  const [then, now] = [from.columns, to.columns];
  for (const dimension of dimensions) {
    now.spent[dimension][row] = then.spent[dimension][before]!;
    now.inexact[dimension][row] = then.inexact[dimension][before]!;
  }
  now.attempts[row] = then.attempts[before]!;
}

const ownerOf = ({ owner }: Account): string => ownerKey(owner);

function carryMaps(core: RunCore, next: RunCore, rows: Rows): void {
  const isCarried = (row: number): boolean => next.columns.status[row] !== 0;
  const carry = <T>(from: ReadonlyMap<number, T>, put: (row: number, value: T) => void): void => {
    for (const [before, value] of from) {
      const row = rows.get(before);
      if (row !== undefined && isCarried(row)) put(row, value);
    }
  };
  const moved = (before: readonly number[]): number[] => before.flatMap((row) => rows.get(row) ?? []);
  carry(core.routes, (row, chosen) => next.routes.set(row, moved(chosen)));
  carry(core.errors, (row, error) => next.errors.set(row, error));
  carry(core.approvals, (row, approvals) => next.approvals.set(row, approvals));
  carry(core.answers, (row, answer) => next.answers.set(row, answer));
  carry(core.watches, (row, dueAt) => next.watches.set(row, dueAt));
  carry(core.throttles, (row, count) => next.throttles.set(row, count));
  carry(core.totals, (row, total) => next.totals.set(row, total));
  for (const key of core.late) {
    const [before, attempt] = key.split(':');
    const row = rows.get(Number(before));
    if (row !== undefined) next.late.add(`${row}:${attempt}`);
  }
  const goals = storeGoals(core).flatMap(([before, memo, ended, isOver]) => {
    const row = rows.get(before);
    return row === undefined ? [] : [[row, memo, moved(ended), isOver] as const];
  });
  restoreGoals(next, goals, plannedSteps(next));
  // What is left to tell dependents follows from where those stand by now.
  for (let entry = core.run.agendaHead; entry < core.agenda.length; entry += rowLength) {
    const kind = core.agenda[entry]!;
    const row = rows.get(core.agenda[entry + 1]!);
    if (row !== undefined && (kind === task.tellGoal || kind === task.tellDoubt)) next.agenda.push(kind, row, 0);
  }
}

function carryRun(core: RunCore, next: RunCore): void {
  const count = (isOne: (row: number) => boolean): number => next.steps.reduce((sum, _, row) => sum + Number(isOne(row)), 0);
  const isLeft = (row: number): boolean => !isSettled(statusOf(next, row));
  const isDone = (row: number): boolean => {
    const { kind, added } = stepOf(next, row);
    const status = statusOf(next, row);
    return kind === 'ticket' && !added && (status === 'succeeded' || status === 'compensating' || status === 'compensated');
  };
  const isSynthesis = (row: number): boolean => stepOf(next, row).phase === 'synthesis';
  Object.assign(next.run, core.run, {
    agendaHead: 0,
    // Whether anything is left out is asked anew, of the new plan.
    shed: null,
    workLeft: count((row) => isLeft(row) && !isSynthesis(row)),
    synthesisLeft: count((row) => isLeft(row) && isSynthesis(row)),
    ticketsSucceeded: count(isDone),
    running: count((row) => statusOf(next, row) === 'running' && stepOf(next, row).expands === undefined),
    raised: raisedStill(core, next),
    doubtful: count((row) => statusOf(next, row) === 'in-doubt' && stepOf(next, row).compensation !== undefined),
  });
}

/** What was raised stays so where the new plan says nothing else: where it does, that was decided later. */
function raisedStill(core: RunCore, next: RunCore): readonly RaisedBudget[] {
  const declared = ({ materialized: { definition } }: RunCore, owner: BudgetOwner): string => {
    if (owner.kind === 'role') return JSON.stringify(definition.roles.find(({ key }) => key === owner.role)?.budget);
    if (owner.kind === 'step') return JSON.stringify(definition.steps.find(({ id }) => id === owner.stepId)?.budget);
    return JSON.stringify(definition.budget);
  };
  const still = core.run.raised.filter(
    ({ owner }) => next.ledger.accountOf(owner) && declared(core, owner) === declared(next, owner),
  );
  for (const { owner, ceilings } of still) next.ledger.raise(owner, ceilings);
  return still;
}

/** New machines take every step of their plan to wait for an allowance, and none that is added later. */
function expectThoseThatWait(next: RunCore): void {
  next.steps.forEach((step, row) => {
    if (!callsAgent(step)) return;
    const waits = isAwaiting(next, row, statusOf(next, row));
    if (step.added && waits) next.ledger.expect(row, 1);
    if (!step.added && !waits) next.ledger.expect(row, -1);
  });
}

/** What is stored of the table before stands under the same names. */
function markEverything(core: RunCore, { dirty, steps }: RunCore): void {
  dirty.errors.markAll();
  if (core.approvals.size > 0) dirty.approvals.markAll();
  dirty.goals = true;
  const rows = Math.max(core.steps.length, steps.length);
  for (let row = 0; row < rows; row += blockSize) dirty.added.mark(row);
}
