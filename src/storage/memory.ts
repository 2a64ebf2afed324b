import { InvariantError } from '../core/shared/error.js';
import { copyJson } from '../core/shared/copy-json.js';
import { StoreClosedError, StoreConflictError } from '../core/shared/store-error.js';
import type { Json } from '../core/shared/json.js';
import type { JournalEntry } from '../core/ports/run.js';
import type { Commit, RunFilter, RunPage, RunStore, RunSummary, StoredRun } from '../core/ports/store.js';

interface RunRecord {
  summary: RunSummary;
  fence: number;
  checkpoint: Json | undefined;
  readonly journal: JournalEntry[];
}

/**
 * A store that keeps runs in this process and nowhere else: for tests, for demos, and for runs that need not outlive their
 * process. It stores copies and gives copies, and keeps every entry of every run until it is closed.
 *
 * @example
 * const orchestrator = createOrchestrator({ store: createMemoryStore(), agents });
 */
export function createMemoryStore(): RunStore {
  const runs = new Map<string, RunRecord>();
  let closed = false;
  let sortedIds: readonly string[] | undefined;

  const openRuns = (): Map<string, RunRecord> => {
    if (closed) throw new StoreClosedError();
    return runs;
  };

  return {
    async commit(commit) {
      const record = openRuns().get(commit.runId);
      checkCommit(commit, record);
      if (record === undefined) sortedIds = undefined;
      runs.set(commit.runId, apply(commit, record));
    },

    async load(runId) {
      const record = openRuns().get(runId);
      return record && storedRun(record);
    },

    async list(filter = {}) {
      sortedIds ??= [...openRuns().keys()].sort();
      return page(sortedIds, openRuns(), filter);
    },

    async close() {
      closed = true;
      runs.clear();
    },
  };
}

function checkCommit({ runId, expectedSeq, fence, entries }: Commit, record: RunRecord | undefined): void {
  const actualSeq = record?.journal.length ?? 0;
  if (expectedSeq !== actualSeq || fence < (record?.fence ?? 0)) throw new StoreConflictError(runId, expectedSeq, actualSeq);
  if (entries.length === 0) throw new InvariantError(`A commit to run ${runId} has no entries. Commit at least one.`);
  for (const [index, { seq }] of entries.entries()) {
    const expected = expectedSeq + 1 + index;
    if (seq === expected) continue;
    throw new InvariantError(`Entry ${index} of a commit to run ${runId} has seq ${seq}, expected ${expected}.`);
  }
}

/** Copies everything first, so that what cannot be copied leaves the run as it was. */
function apply({ fence, entries, summary, checkpoint }: Commit, record: RunRecord | undefined): RunRecord {
  const copies = copyJson(entries);
  const next = {
    summary: copyJson(summary),
    fence,
    checkpoint: checkpoint === undefined ? record?.checkpoint : copyJson(checkpoint),
  };
  const journal = record?.journal ?? [];
  for (const copy of copies) journal.push(copy);
  return { ...next, journal };
}

const storedRun = ({ summary, checkpoint, journal }: RunRecord): StoredRun => ({
  summary: copyJson(summary),
  seq: journal.length,
  ...(checkpoint !== undefined && { checkpoint: copyJson(checkpoint) }),
  journal: copyJson(journal),
});

function page(ids: readonly string[], runs: ReadonlyMap<string, RunRecord>, filter: RunFilter): RunPage {
  const { after } = filter;
  const limit = Math.max(1, filter.limit ?? 100);
  const found: RunSummary[] = [];
  for (let index = after === undefined ? 0 : firstAfter(ids, after); index < ids.length; index += 1) {
    const summary = runs.get(ids[index]!)?.summary;
    if (summary === undefined || !matches(summary, filter)) continue;
    // One more than fits: there is a next page, and it starts after the last of this one.
    if (found.length === limit) return { runs: found, cursor: found.at(-1)?.runId ?? '' };
    found.push(copyJson(summary));
  }
  return { runs: found };
}

const matches = (summary: RunSummary, { status, parentTicket }: RunFilter): boolean =>
  (status === undefined || status.includes(summary.status)) &&
  (parentTicket === undefined || summary.parentTicket === parentTicket);

/** Index of the first id that sorts after the given one, by halving. */
function firstAfter(ids: readonly string[], after: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
