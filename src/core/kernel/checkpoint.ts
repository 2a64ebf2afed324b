import type { Json, JsonObject } from '../shared/json.js';
import type { StoredError } from '../ports/run.js';
import type { StepDefinition } from '../materializer/definition.js';
import { insertStep } from './add-step.js';
import type { Answer, StoredGoal, StoredStep } from './goal.js';
import { restoreGoals, storeGoals } from './goals.js';
import { CheckpointMismatchError } from './illegal-input-error.js';
import { abandonedKey, type AbandonedAttempt } from './abandoned-attempts.js';
import type { PolicyApprovals } from './asked-policy.js';
import type { RunCore, RunScalars, TotalTime } from './run-core.js';
import { totalsInOrder } from './step-total.js';
import { stepStatuses } from './step-status.js';
import type { Column } from './undo-log.js';

/** A kernel's whole state as JSON: columns of the step table by name, and the run's own figures. */
export interface Checkpoint {
  readonly formatVersion: 1;
  /** Digest of the machines it belongs to. */
  readonly digest: string;
  readonly run: Json;
  readonly columns: Readonly<Record<string, readonly number[]>>;
  readonly routes: readonly (readonly [number, readonly number[]])[];
  readonly errors: readonly (readonly [number, StoredError])[];
  readonly agenda: readonly number[];
  /** Attempts that were given up but have not ended, and what each holds. */
  readonly abandoned: readonly AbandonedAttempt[];
  /** What policies have steps wait for, and what was approved; absent for nothing. */
  readonly approvals?: readonly (readonly [row: number, approvals: PolicyApprovals])[];
  /** Attempts that steps had behind them when another plan had them begin anew; absent for none. */
  readonly restarts?: readonly (readonly [row: number, attempts: number])[];
  /** Who has taken over steps from the agents of their roles; absent for nobody. */
  readonly reliefs?: readonly (readonly [row: number, place: number, before: number])[];
  /** How often in a row the providers of steps have asked for a pause; absent for never. */
  readonly throttles?: readonly (readonly [row: number, count: number])[];
  /** How long steps have for all their attempts; absent where none has begun that has a limit. */
  readonly totals?: readonly (readonly [row: number, total: TotalTime])[];
  /** What has come about while the run was under way; absent for a run to which nothing was added. */
  readonly growth?: Growth;
}

/** The steps that were added to a run, and what is known of those that they were added for. */
export interface Growth {
  readonly added: readonly StoredStep[];
  readonly goals: readonly StoredGoal[];
  readonly watches: readonly (readonly [row: number, dueAt: number])[];
  readonly answers: readonly (readonly [row: number, answer: Answer])[];
  readonly late: readonly string[];
}

/** The one version of the format that there is. */
export const checkpointFormat = 1;

/** Every column of the step table by a stable name. What is in neither table does not survive. */
export function stepColumnsOf({ columns, ledger }: RunCore): Record<string, Column> {
  const { held } = ledger.columns;
  return { ...columns, heldCost: held.costMicroUsd, heldTokens: held.tokens };
}

/** Every column of the ledger's accounts by a stable name. */
export function accountColumnsOf({ ledger }: RunCore): Record<string, Column> {
  const { spent, inexact, reserved, awaiting, attempts, warned } = ledger.columns;
  return {
    awaiting,
    accountAttempts: attempts,
    warned,
    inexactCost: inexact.costMicroUsd,
    inexactTokens: inexact.tokens,
    spentCost: spent.costMicroUsd,
    spentTokens: spent.tokens,
    reservedCost: reserved.costMicroUsd,
    reservedTokens: reserved.tokens,
  };
}

/** Columns that checkpoints of earlier versions do not have: there was nothing to put in them. */
const later: ReadonlySet<string> = new Set(['accountAttempts', 'warned', 'inexactCost', 'inexactTokens']);

/** What is no table. What is done of the agenda is left out, so that equal states are equal checkpoints. */
export function runPartOf(core: RunCore) {
  const { run, agenda, ledger, materialized, restarts, throttles, totals } = core;
  return {
    digest: materialized.digest,
    run: { ...run, agendaHead: 0 } as unknown as JsonObject,
    agenda: agenda.slice(run.agendaHead),
    abandoned: ledger.abandoned.inOrder(),
    ...(restarts.size > 0 && { restarts: [...restarts].sort(([a], [b]) => a - b) }),
    ...(throttles.size > 0 && { throttles: [...throttles].sort(([a], [b]) => a - b) }),
    ...(totals.size > 0 && { totals: totalsInOrder(core).map(([row, total]) => [row, { ...total }] as const) }),
  };
}

export function takeCheckpoint(core: RunCore): Checkpoint {
  const columns = [
    // A column may have more room than there are steps.
    ...Object.entries(stepColumnsOf(core)).map(
      ([name, column]) => [name, Array.from(column.subarray(0, core.steps.length))] as const,
    ),
    ...Object.entries(accountColumnsOf(core)).map(([name, column]) => [name, Array.from(column)] as const),
  ];
  const growth = growthOf(core);
  return {
    formatVersion: checkpointFormat,
    ...runPartOf(core),
    columns: Object.fromEntries(columns),
    routes: [...core.routes].sort(([a], [b]) => a - b),
    errors: [...core.errors].sort(([a], [b]) => a - b),
    ...(core.approvals.size > 0 && { approvals: [...core.approvals].sort(([a], [b]) => a - b) }),
    ...(core.reliefs.size > 0 && {
      reliefs: [...core.reliefs].sort(([a], [b]) => a - b).map(([row, relief]) => [row, ...relief]),
    }),
    ...(growth && { growth }),
  };
}

/** Absent as long as nothing could have been added, and no answer came late. */
function growthOf(core: RunCore): Growth | undefined {
  if (core.goals.size === 0 && core.late.size === 0) return undefined;
  return { added: core.steps.slice(plannedSteps(core)).map(storedStep), ...goalsPart(core) };
}

/** {@link Growth} without the steps. */
export function goalsPart(core: RunCore): Omit<Growth, 'added'> {
  const { watches, answers, late } = core;
  return {
    goals: storeGoals(core),
    watches: [...watches].sort(([a], [b]) => a - b),
    answers: [...answers].sort(([a], [b]) => a - b),
    late: [...late].sort(),
  };
}

export const plannedSteps = ({ materialized }: RunCore): number => materialized.definition.steps.length;

/** What a step that was added brought itself. */
export function storedStep({ id, instructions, dependsOn, input, given, added }: StepDefinition): StoredStep {
  return { id, instructions, dependsOn, input, ...(given && { given }), added: added! };
}

/** Puts a state back. @throws CheckpointMismatchError when it is not one of these machines. */
export function restoreCheckpoint(core: RunCore, checkpoint: Checkpoint): void {
  const { digest } = core.materialized;
  const fail = (detail: string): never => {
    throw new CheckpointMismatchError(digest, checkpoint.digest, detail);
  };
  if ((checkpoint.formatVersion as number) !== checkpointFormat)
    fail(`its format is version ${String(checkpoint.formatVersion)}, this kernel reads version ${checkpointFormat}`);
  if (checkpoint.digest !== digest) fail('the plan, a role or an agent has changed since');
  for (const added of checkpoint.growth?.added ?? []) insertStep(core, added);
  core.undo.commit();
  const restore = (columns: Record<string, Column>, rowsOf: (column: Column) => number): void => {
    for (const [name, column] of Object.entries(columns)) {
      const stored = checkpoint.columns[name];
      const rows = rowsOf(column);
      if (stored === undefined && later.has(name)) continue;
      if (stored?.length !== rows) fail(`column "${name}" has ${stored?.length ?? 'no'} rows instead of ${rows}`);
      column.set(stored ?? []);
    }
  };
  restore(stepColumnsOf(core), () => core.steps.length);
  restore(accountColumnsOf(core), (column) => column.length);
  restoreGrowth(core, checkpoint.growth);
  if (core.columns.status.some((code) => code >= stepStatuses.length)) fail('a step is in a status that no chart has');
  // The checkpoint may be frozen, or be used again.
  Object.assign(core.run, structuredCopy(checkpoint.run) as unknown as RunScalars);
  for (const { owner, ceilings } of core.run.raised) core.ledger.raise(owner, ceilings);
  core.undo.commit();
  for (const [index, chosen] of checkpoint.routes) core.routes.set(index, chosen);
  for (const [index, error] of checkpoint.errors) {
    core.errors.set(index, error);
    core.dirty.errors.mark(index);
  }
  for (const [index, approvals] of checkpoint.approvals ?? []) {
    core.approvals.set(index, approvals);
    core.dirty.approvals.mark(index);
  }
  for (const item of checkpoint.agenda) core.agenda.push(item);
  for (const held of checkpoint.abandoned) core.ledger.abandoned.entries.set(abandonedKey(held[0], held[1]), held);
  for (const [row, ...relief] of checkpoint.reliefs ?? []) core.reliefs.set(row, relief);
  for (const [row, attempts] of checkpoint.restarts ?? []) core.restarts.set(row, attempts);
  for (const [row, count] of checkpoint.throttles ?? []) core.throttles.set(row, count);
  for (const [row, total] of checkpoint.totals ?? []) core.totals.set(row, { ...total });
  refillReady(core);
}

function restoreGrowth(core: RunCore, growth: Growth | undefined): void {
  if (!growth) return;
  restoreGoals(core, growth.goals, plannedSteps(core));
  for (const [row, dueAt] of growth.watches) core.watches.set(row, dueAt);
  for (const [row, answer] of growth.answers) core.answers.set(row, answer);
  for (const key of growth.late) core.late.add(key);
  core.dirty.goals = true;
}

const structuredCopy = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

/** The ready queue follows from the table: every step that is ready and has not been asked to start. */
export function refillReady({ columns, ready }: RunCore): void {
  const code = stepStatuses.indexOf('ready');
  const waiting: number[] = [];
  columns.status.forEach((status, index) => status === code && columns.issued[index] === 0 && waiting.push(index));
  ready.reset(waiting);
}
