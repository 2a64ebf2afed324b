import type { Json } from '../shared/json.js';
import type { StoredError } from '../ports/run.js';
import { CheckpointMismatchError } from './illegal-input-error.js';
import { abandonedKey, type AbandonedAttempt } from './ledger.js';
import type { RunCore, RunScalars } from './run-core.js';
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
  const { spent, reserved, awaiting } = ledger.columns;
  return {
    awaiting,
    spentCost: spent.costMicroUsd,
    spentTokens: spent.tokens,
    reservedCost: reserved.costMicroUsd,
    reservedTokens: reserved.tokens,
  };
}

const columnsOf = (core: RunCore): Record<string, Column> => ({ ...stepColumnsOf(core), ...accountColumnsOf(core) });

/** What is no table. What is done of the agenda is left out, so that equal states are equal checkpoints. */
export function runPartOf({ run, agenda, ledger, materialized }: RunCore) {
  return {
    digest: materialized.digest,
    run: { ...run, agendaHead: 0, stop: run.stop && { ...run.stop }, undoing: run.undoing && { ...run.undoing } },
    agenda: agenda.slice(run.agendaHead),
    abandoned: ledger.abandonedInOrder(),
  };
}

export function takeCheckpoint(core: RunCore): Checkpoint {
  const columns = Object.entries(columnsOf(core)).map(([name, column]) => [name, Array.from(column)] as const);
  return {
    formatVersion: checkpointFormat,
    ...runPartOf(core),
    columns: Object.fromEntries(columns),
    routes: [...core.routes].sort(([a], [b]) => a - b),
    errors: [...core.errors].sort(([a], [b]) => a - b),
  };
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
  for (const [name, column] of Object.entries(columnsOf(core))) {
    const stored = checkpoint.columns[name];
    if (stored?.length !== column.length) fail(`column "${name}" has ${stored?.length ?? 'no'} rows instead of ${column.length}`);
    column.set(stored ?? []);
  }
  if (core.columns.status.some((code) => code >= stepStatuses.length)) fail('a step is in a status that no chart has');
  // The checkpoint may be frozen, or be used again.
  Object.assign(core.run, structuredCopy(checkpoint.run) as unknown as RunScalars);
  for (const [index, chosen] of checkpoint.routes) core.routes.set(index, chosen);
  for (const [index, error] of checkpoint.errors) {
    core.errors.set(index, error);
    core.dirty.errors.mark(index);
  }
  for (const item of checkpoint.agenda) core.agenda.push(item);
  for (const held of checkpoint.abandoned) core.ledger.abandoned.set(abandonedKey(held[0], held[1]), held);
  refillReady(core);
}

const structuredCopy = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

/** The ready queue follows from the table: every step that is ready and has not been asked to start. */
export function refillReady({ columns, ready }: RunCore): void {
  const code = stepStatuses.indexOf('ready');
  const waiting: number[] = [];
  columns.status.forEach((status, index) => status === code && columns.issued[index] === 0 && waiting.push(index));
  ready.reset(waiting);
}
