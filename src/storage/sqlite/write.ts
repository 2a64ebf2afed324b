import type { ClaimAnswer, ClaimRequest, CommitReceipt } from '../../core/ports/store.js';
import { checkCommitPlace } from '../../core/storing/check-commit.js';
import type { Session, SqliteValue } from './database.js';
import type { EncodedCommit } from './encode-commit.js';
import { keyOf, noKey, textOf } from './keys.js';
import { readRun, runChecksum, type RunRow } from './rows.js';

/** Leases that ran out so long ago are forgotten: each process leaves one behind. */
const forgottenAfterMs = 7 * 86_400_000;

/** @throws StoreConflictError before anything is written. */
export function writeCommit(session: Session, commit: EncodedCommit): CommitReceipt {
  const row = readRun(session, commit.runId);
  checkCommitPlace(commit, row ?? { seq: 0, fence: 0 });
  const droppedTo = Math.max(commit.compactTo, row?.droppedTo ?? 0);
  const run = row ? updateRun(session, row, { ...commit, droppedTo }) : insertRun(session, { ...commit, droppedTo });
  if (commit.entries !== null) {
    const sql = 'INSERT INTO journal (run, last_seq, entries, checksum) VALUES (?, ?, ?, ?)';
    session.run(sql, run, commit.seq, commit.entries.value, commit.entries.checksum);
  }
  // A row goes when the last entry in it does. Until then, readers leave out what was dropped.
  if (droppedTo > (row?.droppedTo ?? 0)) session.run('DELETE FROM journal WHERE run = ? AND last_seq <= ?', run, droppedTo);
  return { bytes: commit.bytes };
}

type RunChange = EncodedCommit & Pick<RunRow, 'droppedTo'>;

function insertRun(session: Session, change: RunChange): number {
  const { runId, seq, droppedTo, fence, status, open, parentTicket, parts, summary } = change;
  let partsSum = 0;
  for (const part of parts.values()) partsSum ^= part?.checksum ?? 0;
  const row = session.get(
    `INSERT INTO runs (run_id, seq, dropped_to, fence, status, open, parent_ticket, parts_sum, summary, checksum)
     VALUES (?, ?, ?, ?, ?, ?, nullif(?, x''), ?, ?, ?) RETURNING id`,
    ...[keyOf(runId), seq, droppedTo, fence, status, open, parentTicket, partsSum, summary],
    runChecksum({ ...change, partsSum }),
  ) as { readonly id: unknown };
  const id = Number(row.id);
  writeParts(session, id, parts);
  return id;
}

function updateRun(session: Session, row: RunRow, change: RunChange): number {
  const { seq, droppedTo, status, open, parentTicket, parts, summary } = change;
  const partsSum = row.partsSum ^ writeParts(session, row.id, parts);
  const values: readonly SqliteValue[] = [seq, droppedTo, partsSum, summary, runChecksum({ ...change, partsSum })];
  // To set a column writes to its indexes too, also where its value stays.
  const isListedAlike = status === row.status && open === row.open && isSameKey(parentTicket, row.parentTicket ?? noKey);
  if (isListedAlike) session.run(`${updateState} WHERE id = ?`, ...values, row.id);
  else
    session.run(
      `${updateState}, status = ?, open = ?, parent_ticket = nullif(?, x'') WHERE id = ?`,
      ...values,
      status,
      open,
      parentTicket,
      row.id,
    );
  return row.id;
}

const updateState = 'UPDATE runs SET seq = ?, dropped_to = ?, parts_sum = ?, summary = ?, checksum = ?';

const isSameKey = (a: string | Uint8Array, b: string | Uint8Array): boolean => typeof a === typeof b && textOf(a) === textOf(b);

/** Gives what the checksums of the parts that went and of those that came make, laid over each other. */
function writeParts(session: Session, run: number, parts: EncodedCommit['parts']): number {
  let change = 0;
  for (const [name, part] of parts) {
    const sql = 'SELECT id, checksum FROM parts WHERE run = ? AND name = ?';
    const stored = session.get(sql, run, keyOf(name)) as { readonly id: number; readonly checksum: unknown } | undefined;
    if (stored) change ^= Number(stored.checksum);
    if (part) change ^= part.checksum;
    if (stored && part)
      session.run('UPDATE parts SET value = ?, checksum = ? WHERE id = ?', part.value, part.checksum, stored.id);
    else if (stored) session.run('DELETE FROM parts WHERE id = ?', stored.id);
    else if (part)
      session.run(
        'INSERT INTO parts (run, name, value, checksum) VALUES (?, ?, ?, ?)',
        run,
        keyOf(name),
        part.value,
        part.checksum,
      );
  }
  return change;
}

/** Makes the asker the owner of a run, unless someone else holds it. */
export function writeClaim(session: Session, { runId, owner, at, leaseMs, insteadOf }: ClaimRequest): ClaimAnswer {
  const row = readRun(session, runId);
  if (!row) return { kind: 'unknown-run' };
  const holder = row.owner === null ? undefined : textOf(row.owner);
  const until = holder === undefined ? 0 : (leaseEnd(session, holder) ?? 0);
  const isFree = holder === undefined || holder === owner || holder === insteadOf || until <= at;
  if (!isFree) return { kind: 'held', owner: holder, until };
  const fence = row.fence + 1;
  const checksum = runChecksum({ ...row, fence });
  const [columns, values] = holder === owner ? ['', []] : [', owner = ?', [keyOf(owner)]];
  session.run(`UPDATE runs SET fence = ?, checksum = ?${columns} WHERE id = ?`, fence, checksum, ...values, row.id);
  if (leaseEnd(session, owner) === undefined) session.run('DELETE FROM leases WHERE until <= ?', at - forgottenAfterMs);
  writeLease(session, owner, at + leaseMs);
  return { kind: 'claimed', fence, seq: row.seq };
}

function leaseEnd(session: Session, owner: string): number | undefined {
  const lease = session.get('SELECT until FROM leases WHERE owner = ?', keyOf(owner)) as { readonly until: unknown } | undefined;
  return lease && Number(lease.until);
}

/** An owner's lease ends at `until`, if not later. */
export function writeLease(session: Session, owner: string, until: number): void {
  session.run(
    `INSERT INTO leases (owner, until) VALUES (?, ?)
     ON CONFLICT (owner) DO UPDATE SET until = excluded.until WHERE excluded.until > leases.until`,
    ...[keyOf(owner), until],
  );
}

/** Takes a run from its owner, or all of an owner's runs with its lease. */
export function writeRelease(session: Session, { owner, runId }: { readonly owner: string; readonly runId?: string }): void {
  if (runId !== undefined) {
    session.run('UPDATE runs SET owner = NULL WHERE run_id = ? AND owner = ?', keyOf(runId), keyOf(owner));
    return;
  }
  session.run('UPDATE runs SET owner = NULL WHERE owner = ?', keyOf(owner));
  session.run('DELETE FROM leases WHERE owner = ?', keyOf(owner));
}
