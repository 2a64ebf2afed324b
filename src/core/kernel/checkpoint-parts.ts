import type { CheckpointParts } from '../ports/store.js';
import type { Json, JsonObject } from '../shared/json.js';
import {
  accountColumnsOf,
  checkpointFormat,
  goalsPart,
  plannedSteps,
  runPartOf,
  stepColumnsOf,
  storedStep,
  type Checkpoint,
  type Growth,
} from './checkpoint.js';
import { blockSize, blocksOf } from './dirty-blocks.js';
import { CheckpointMismatchError } from './illegal-input-error.js';
import type { RunCore } from './run-core.js';
import type { Column } from './undo-log.js';

/** One column of a block: its rows, or one number where all rows hold the same. */
type PackedColumn = number | readonly number[];

/** From now on it is known what changes; at first, everything has. */
export function trackChanges(core: RunCore): void {
  const { undo, dirty } = core;
  for (const column of Object.values(stepColumnsOf(core))) undo.track(column, dirty.steps);
  for (const column of Object.values(accountColumnsOf(core))) undo.track(column, dirty.accounts);
  dirty.steps.markAll();
  dirty.accounts.markAll();
}

/** What is stored already need not be given again. */
export function forgetChanges({ dirty, run }: RunCore): void {
  dirty.seq = run.seq;
  for (const blocks of [dirty.steps, dirty.accounts, dirty.errors, dirty.approvals, dirty.added]) blocks.take();
  dirty.goals = false;
}

/**
 * The parts of a checkpoint that have changed since they were last taken: `run` with the figures of the run, `steps/n` and `accounts/n`
 * with blocks of 256 rows, `errors/n` with the errors of a block, `approvals/n` with what policies have its steps wait for. The first time gives them all. A run to which steps were added also has
 * `added/n` with those of a block, and `goals`.
 */
export function takeChanges(core: RunCore): CheckpointParts {
  const { dirty, run } = core;
  const parts: [string, Json][] = [];
  if (dirty.seq !== run.seq) parts.push(['run', runPart(core)]);
  dirty.seq = run.seq;
  for (const block of dirty.steps.take()) parts.push([`steps/${block}`, stepsPart(core, block)]);
  for (const block of dirty.accounts.take()) parts.push([`accounts/${block}`, packBlock(accountColumnsOf(core), block)]);
  for (const block of dirty.errors.take()) parts.push([`errors/${block}`, errorsPart(core, block)]);
  for (const block of dirty.approvals.take()) parts.push([`approvals/${block}`, approvalsPart(core, block)]);
  for (const block of dirty.added.take()) parts.push([`added/${block}`, addedPart(core, block)]);
  if (dirty.goals) parts.push(['goals', goalsPart(core) as unknown as Json]);
  dirty.goals = false;
  return Object.fromEntries(parts);
}

function runPart(core: RunCore): Json {
  const { digest, run, ...rest } = runPartOf(core);
  const accounts = core.ledger.columns.awaiting.length;
  return { formatVersion: checkpointFormat, digest, steps: core.steps.length, accounts, run, ...rest };
}

function stepsPart(core: RunCore, block: number): Json {
  const routes = rowsOf(core.routes, block);
  const reliefs = rowsOf(core.reliefs, block).map(([row, relief]) => [row, ...relief]);
  return {
    ...packBlock(stepColumnsOf(core), block, core.steps.length),
    ...(routes.length > 0 && { routes }),
    ...(reliefs.length > 0 && { reliefs }),
  };
}

function errorsPart(core: RunCore, block: number): Json {
  const errors = rowsOf(core.errors, block);
  return errors.length === 0 ? null : errors;
}

const approvalsPart = (core: RunCore, block: number): Json => rowsOf(core.approvals, block) as unknown as Json;

/** The steps of a block that were added. */
function addedPart(core: RunCore, block: number): Json {
  const first = Math.max(plannedSteps(core), block * blockSize);
  return core.steps.slice(first, (block + 1) * blockSize).map(storedStep) as unknown as Json;
}

/** What a map by row holds for a block, in the order of rows. */
function rowsOf<T>(map: ReadonlyMap<number, T>, block: number): [number, T][] {
  const found: [number, T][] = [];
  if (map.size === 0) return found;
  for (let row = block * blockSize; row < (block + 1) * blockSize; row += 1) {
    const value = map.get(row);
    if (value !== undefined) found.push([row, value]);
  }
  return found;
}

const packBlock = (
  columns: Readonly<Record<string, Column>>,
  block: number,
  rows = Infinity,
): Readonly<Record<string, PackedColumn>> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [
      name,
      pack(column.subarray(block * blockSize, Math.min(rows, (block + 1) * blockSize))),
    ]),
  );

function pack(rows: Column): PackedColumn {
  const first = rows[0]!;
  return rows.every((value: number) => value === first) ? first : Array.from(rows);
}

/**
 * A checkpoint from its parts, as a store has merged them.
 *
 * @throws CheckpointMismatchError when they are of a format that this version does not read, or one is missing.
 */
export function checkpointOf(parts: CheckpointParts, expectedDigest: string): Checkpoint {
  const stored = (parts['run'] as { readonly digest?: unknown } | null | undefined)?.digest;
  const fail = (detail: string): never => {
    throw new CheckpointMismatchError(expectedDigest, typeof stored === 'string' ? stored : 'unknown', detail);
  };
  const partOf = (name: string): JsonObject => {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    if (typeof part === 'object' && part !== null && !Array.isArray(part)) return part as JsonObject;
    return fail(`its part "${name}" is missing`);
  };
  const blocksNamed = (name: string, rows: number): readonly JsonObject[] =>
    Array.from({ length: blocksOf(rows) }, (_, block) => partOf(`${name}/${block}`));
  const head = partOf('run');
  const { formatVersion, digest, steps, accounts, run, agenda, abandoned, restarts, throttles, totals } = head;
  if (formatVersion !== checkpointFormat) {
    return fail(`its format is version ${JSON.stringify(formatVersion)}, this kernel reads version ${checkpointFormat}`);
  }
  if (!Number.isSafeInteger(steps) || !Number.isSafeInteger(accounts)) return fail('it does not say how many steps it has');
  const stepParts = blocksNamed('steps', steps as number);
  const columns = {
    ...unpack(stepParts, { rows: steps as number, fail }),
    ...unpack(blocksNamed('accounts', accounts as number), { rows: accounts as number, fail }),
  };
  const routes = stepParts.flatMap((part) => (part['routes'] ?? []) as unknown as Checkpoint['routes']);
  const reliefs = stepParts.flatMap((part) => (part['reliefs'] ?? []) as unknown as NonNullable<Checkpoint['reliefs']>);
  const errors = Array.from({ length: blocksOf(steps as number) }, (_, block) => parts[`errors/${block}`] ?? []);
  const approvals = Array.from({ length: blocksOf(steps as number) }, (_, block) => parts[`approvals/${block}`] ?? []).flat();
  const goals = parts['goals'] as unknown as Omit<Growth, 'added'> | undefined;
  const added = Array.from({ length: blocksOf(steps as number) }, (_, block) => parts[`added/${block}`] ?? []).flat();
  const growth = goals && { growth: { ...goals, added } };
  return {
    formatVersion,
    digest,
    run,
    agenda,
    abandoned,
    columns,
    routes,
    errors: errors.flat(),
    ...(approvals.length > 0 && { approvals }),
    ...(restarts !== undefined && { restarts }),
    ...(reliefs.length > 0 && { reliefs }),
    ...(throttles !== undefined && { throttles }),
    ...(totals !== undefined && { totals }),
    ...growth,
  } as unknown as Checkpoint;
}

interface Unpacking {
  readonly rows: number;
  readonly fail: (detail: string) => never;
}

/** Puts the columns of all blocks together. */
function unpack(blocks: readonly JsonObject[], { rows, fail }: Unpacking): Record<string, number[]> {
  const columns = new Map<string, number[]>();
  for (const [place, block] of blocks.entries()) {
    const length = Math.min(blockSize, rows - place * blockSize);
    for (const [name, packed] of Object.entries(block)) {
      if (name === 'routes' || name === 'reliefs') continue;
      const column = columns.get(name) ?? [];
      columns.set(name, column);
      if (typeof packed === 'number') for (let row = 0; row < length; row += 1) column.push(packed);
      else if (Array.isArray(packed) && packed.length === length) column.push(...(packed as readonly number[]));
      else fail(`column "${name}" of block ${place} does not have ${length} rows`);
    }
  }
  return Object.fromEntries(columns);
}
