import type { Commit } from '../ports/store.js';
import { InvariantError } from '../shared/error.js';
import { jsonFault } from '../shared/json-fault.js';
import { StoreConflictError, StoreValueError } from '../shared/store-error.js';

/**
 * What must hold of a commit by itself. A store calls it before it writes anything.
 *
 * @throws InvariantError for entries with a hole, a commit without content, another run's summary, or a compaction beyond the newest entry;
 * StoreValueError for what is not JSON.
 */
export function checkCommitShape({ runId, expectedSeq, entries, summary, checkpoint, compactTo }: Commit): void {
  if (entries.length === 0 && (checkpoint === undefined || expectedSeq === 0)) {
    const remedy = expectedSeq === 0 ? 'A run begins with at least one.' : 'Commit at least one, or a checkpoint.';
    throw new InvariantError(`A commit to run ${runId} has no entries. ${remedy}`);
  }
  if (summary.runId !== runId) {
    throw new InvariantError(`A commit to run ${runId} has the summary of run ${summary.runId}.`);
  }
  for (const [index, { seq }] of entries.entries()) {
    const expected = expectedSeq + 1 + index;
    if (seq === expected) continue;
    throw new InvariantError(`Entry ${index} of a commit to run ${runId} has seq ${seq}, expected ${expected}.`);
  }
  const last = expectedSeq + entries.length;
  if (compactTo !== undefined && (!Number.isSafeInteger(compactTo) || compactTo < 0 || compactTo > last)) {
    throw new InvariantError(`A commit to run ${runId} drops entries up to ${compactTo}, but the newest is ${last}.`);
  }
  const fault = jsonFault({ entries, summary, ...(checkpoint !== undefined && { checkpoint }) });
  if (fault) throw new StoreValueError(runId, `at ${fault.path}, ${fault.detail}.`);
}

/**
 * What must hold between a commit and the run it goes to. Call it where nobody can come between, as inside a transaction. A run that
 * is not there is at `seq` 0 and `fence` 0.
 *
 * @throws StoreConflictError when the writer is behind, ahead, or no longer the owner.
 */
export function checkCommitPlace(
  { runId, expectedSeq, fence }: Pick<Commit, 'runId' | 'expectedSeq' | 'fence'>,
  run: { readonly seq: number; readonly fence: number },
): void {
  if (expectedSeq !== run.seq || fence !== run.fence) {
    throw new StoreConflictError(runId, expectedSeq, run.seq, { fence, actualFence: run.fence });
  }
}
