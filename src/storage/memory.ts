import { copyJson } from '../core/shared/copy-json.js';
import { StoreClosedError } from '../core/shared/store-error.js';
import type { JournalEntry } from '../core/ports/run.js';
import type { Json } from '../core/shared/json.js';
import type {
  ClaimAnswer,
  ClaimRequest,
  Commit,
  RunFilter,
  RunPage,
  RunStore,
  RunSummary,
  StoredRun,
} from '../core/ports/store.js';
import { checkCommitPlace, checkCommitShape } from '../core/storing/check-commit.js';
import { defaultPageSize, defaultRangeSize, matchesFilter } from '../core/storing/matches-filter.js';
import { checkpointOf, mergeParts } from '../core/storing/merge-checkpoint.js';
import { noteText } from '../core/storing/note-text.js';

interface RunRecord {
  summary: RunSummary;
  seq: number;
  fence: number;
  owner: string | undefined;
  readonly parts: Map<string, Json>;
  journal: JournalEntry[];
}

/**
 * A store that keeps runs in this process and nowhere else: for tests, for demos, and for runs that need not outlive their
 * process. It stores copies and gives copies, and keeps every run until it is closed.
 *
 * @example
 * const orchestrator = createOrchestrator({ store: createMemoryStore(), agents });
 */
export function createMemoryStore(): RunStore {
  const runs = new Map<string, RunRecord>();
  /** When the lease of each owner ends. */
  const leases = new Map<string, number>();
  /** As JSON text, by name. */
  const notes = new Map<string, string>();
  let closed = false;
  let sortedIds: readonly string[] | undefined;

  const openRuns = (): Map<string, RunRecord> => {
    if (closed) throw new StoreClosedError();
    return runs;
  };

  return {
    async commit(commit) {
      const record = openRuns().get(commit.runId);
      checkCommitShape(commit);
      checkCommitPlace(commit, record ?? { seq: 0, fence: 0 });
      if (record === undefined) sortedIds = undefined;
      runs.set(commit.runId, apply(commit, record));
      return { bytes: 0 };
    },

    async load(runId) {
      const record = openRuns().get(runId);
      return record && storedRun(record);
    },

    async journal(runId, { after = 0, limit = defaultRangeSize } = {}) {
      const { journal = [] } = openRuns().get(runId) ?? {};
      const start = Math.max(0, after - (journal[0]?.seq ?? 1) + 1);
      return copyJson(journal.slice(start, start + limit));
    },

    async list(filter = {}) {
      sortedIds ??= [...openRuns().keys()].sort();
      return page(sortedIds, openRuns(), filter);
    },

    async claim(request) {
      return claim(openRuns().get(request.runId), leases, request);
    },

    async renew({ owner, at, leaseMs }) {
      openRuns();
      lengthen(leases, owner, at + leaseMs);
    },

    async release({ owner, runId }) {
      const held = runId === undefined ? [...openRuns().values()] : [openRuns().get(runId)];
      for (const record of held) if (record?.owner === owner) record.owner = undefined;
      if (runId === undefined) leases.delete(owner);
    },

    notes: {
      async read(name) {
        openRuns();
        const text = notes.get(name);
        return text === undefined ? undefined : (JSON.parse(text) as Json);
      },
      async write(name, value) {
        openRuns();
        notes.set(name, noteText(name, value));
      },
    },

    async close() {
      closed = true;
      runs.clear();
      notes.clear();
    },
  };
}

/** Copies everything first, so that what cannot be copied leaves the run as it was. */
function apply({ expectedSeq, fence, entries, summary, checkpoint, compactTo = 0 }: Commit, record?: RunRecord): RunRecord {
  const copies = copyJson({ entries, summary, checkpoint });
  const { owner, parts = new Map<string, Json>(), journal = [] } = record ?? {};
  if (copies.checkpoint) mergeParts(parts, copies.checkpoint);
  for (const entry of copies.entries) journal.push(entry);
  return {
    summary: copies.summary,
    seq: expectedSeq + entries.length,
    fence,
    owner,
    parts,
    journal: compactTo > 0 ? journal.filter(({ seq }) => seq > compactTo) : journal,
  };
}

function storedRun({ summary, seq, fence, parts, journal }: RunRecord): StoredRun {
  const checkpoint = checkpointOf(parts);
  return copyJson({ summary, seq, fence, ...(checkpoint && { checkpoint }), journal });
}

function claim(
  record: RunRecord | undefined,
  leases: Map<string, number>,
  { owner, at, leaseMs, insteadOf }: ClaimRequest,
): ClaimAnswer {
  if (!record) return { kind: 'unknown-run' };
  const holder = record.owner;
  const until = holder === undefined ? 0 : (leases.get(holder) ?? 0);
  const isFree = holder === undefined || holder === owner || holder === insteadOf || until <= at;
  if (!isFree) return { kind: 'held', owner: holder, until };
  record.owner = owner;
  record.fence += 1;
  lengthen(leases, owner, at + leaseMs);
  return { kind: 'claimed', fence: record.fence, seq: record.seq };
}

function lengthen(leases: Map<string, number>, owner: string, until: number): void {
  leases.set(owner, Math.max(leases.get(owner) ?? 0, until));
}

function page(ids: readonly string[], runs: ReadonlyMap<string, RunRecord>, filter: RunFilter): RunPage {
  const { after } = filter;
  const limit = Math.max(1, filter.limit ?? defaultPageSize);
  const found: RunSummary[] = [];
  for (let index = after === undefined ? 0 : firstAfter(ids, after); index < ids.length; index += 1) {
    const summary = runs.get(ids[index]!)?.summary;
    if (summary === undefined || !matchesFilter(summary, filter)) continue;
    // One more than fits: there is a next page, and it starts after the last of this one.
    if (found.length === limit) return { runs: found, cursor: found.at(-1)?.runId ?? '' };
    found.push(copyJson(summary));
  }
  return { runs: found };
}

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
