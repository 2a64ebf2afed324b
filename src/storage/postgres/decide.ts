import { isPlanwrightError } from '../../core/shared/error.js';
import type { ClaimAnswer, CommitReceipt } from '../../core/ports/store.js';
import { checkCommitPlace } from '../../core/storing/check-commit.js';
import { type CommitAsk, sizeOf } from './encode-commit.js';
import { textOf } from './keys.js';

/** Runs and owners go by their keys here. */
export interface ClaimAsk {
  readonly kind: 'claim';
  readonly run: string;
  readonly owner: string;
  readonly insteadOf: string | null;
  readonly at: number;
  readonly until: number;
}
export interface RenewAsk {
  readonly kind: 'renew';
  readonly owner: string;
  readonly until: number;
}
export interface ReleaseAsk {
  readonly kind: 'release';
  readonly owner: string;
  /** `null` for all that the owner holds. */
  readonly run: string | null;
}
export type Ask<Value> = CommitAsk<Value> | ClaimAsk | RenewAsk | ReleaseAsk;

/** A claim is answered with a ClaimAnswer, a commit with its receipt, and the rest with nothing. */
export type Answer = CommitReceipt | ClaimAnswer | undefined;
export type Outcome = { readonly answer: Answer } | { readonly error: unknown };

/** A run while a group is worked on. */
export interface RunState {
  seq: number;
  fence: number;
  droppedTo: number;
  owner: string | null;
  /** The newest commit of this group; its listing takes the place of the one that is stored. */
  newest?: CommitAsk<Buffer>;
  readonly isNew: boolean;
  isChanged: boolean;
}

export interface JournalRow {
  readonly run: string;
  readonly first: number;
  readonly last: number;
  readonly entries: Buffer;
}

/** What is stored of the runs and owners that a group concerns, and what the group makes of it. */
export interface Ledger {
  readonly runs: Map<string, RunState>;
  /** When the lease of each owner ends. */
  readonly leases: Map<string, number>;
  readonly changedLeases: Set<string>;
  /** Owners whose stored lease does not count any more. */
  readonly endedLeases: Set<string>;
  readonly journal: JournalRow[];
  /** Runs whose entries up to `droppedTo` go. */
  readonly compacted: Set<string>;
  /** By run, then by part. */
  readonly parts: Map<string, Map<string, Buffer | null>>;
}

export const emptyLedger = (): Ledger => ({
  runs: new Map(),
  leases: new Map(),
  changedLeases: new Set(),
  endedLeases: new Set(),
  journal: [],
  compacted: new Set(),
  parts: new Map(),
});

/** Takes a request into the ledger. One that is refused changes nothing there. */
export function decide(ledger: Ledger, ask: Ask<Buffer>): Outcome {
  try {
    return { answer: answerOf(ledger, ask) };
  } catch (error) {
    if (isPlanwrightError(error)) return { error };
    throw error;
  }
}

function answerOf(ledger: Ledger, ask: Ask<Buffer>): Answer {
  switch (ask.kind) {
    case 'commit':
      return commit(ledger, ask);
    case 'claim':
      return claim(ledger, ask);
    case 'renew':
      lengthen(ledger, ask.owner, ask.until);
      return undefined;
    case 'release':
      release(ledger, ask);
      return undefined;
  }
}

/** @throws StoreConflictError */
function commit(ledger: Ledger, ask: CommitAsk<Buffer>): CommitReceipt {
  const run = ledger.runs.get(ask.run) ?? { seq: 0, fence: 0, droppedTo: 0, owner: null, isNew: true, isChanged: false };
  checkCommitPlace(ask, run);
  ledger.runs.set(ask.run, run);
  if (ask.entries) ledger.journal.push({ run: ask.run, first: run.seq + 1, last: ask.seq, entries: ask.entries });
  Object.assign(run, { seq: ask.seq, newest: ask, isChanged: true });
  if (ask.compactTo > run.droppedTo) {
    run.droppedTo = ask.compactTo;
    ledger.compacted.add(ask.run);
  }
  if (ask.parts.length > 0) {
    const parts = ledger.parts.get(ask.run) ?? new Map<string, Buffer | null>();
    for (const [part, value] of ask.parts) parts.set(part, value);
    ledger.parts.set(ask.run, parts);
  }
  return { bytes: sizeOf(ask) };
}

function claim(ledger: Ledger, { run: key, owner, insteadOf, at, until }: ClaimAsk): ClaimAnswer {
  const run = ledger.runs.get(key);
  if (!run) return { kind: 'unknown-run' };
  const holder = run.owner;
  const heldUntil = holder === null ? 0 : (ledger.leases.get(holder) ?? 0);
  const isFree = holder === null || holder === owner || holder === insteadOf || heldUntil <= at;
  if (!isFree) return { kind: 'held', owner: textOf(holder), until: heldUntil };
  run.owner = owner;
  run.fence += 1;
  run.isChanged = true;
  lengthen(ledger, owner, until);
  return { kind: 'claimed', fence: run.fence, seq: run.seq };
}

function lengthen({ leases, changedLeases }: Ledger, owner: string, until: number): void {
  leases.set(owner, Math.max(leases.get(owner) ?? -Infinity, until));
  changedLeases.add(owner);
}

function release(ledger: Ledger, { owner, run: key }: ReleaseAsk): void {
  const runs = key === null ? ledger.runs.values() : [ledger.runs.get(key)];
  for (const run of runs) {
    if (run?.owner !== owner) continue;
    run.owner = null;
    run.isChanged = true;
  }
  if (key !== null) return;
  ledger.leases.delete(owner);
  ledger.changedLeases.delete(owner);
  ledger.endedLeases.add(owner);
}
