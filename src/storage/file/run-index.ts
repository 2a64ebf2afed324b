import type { RunSummary } from '../../core/ports/store.js';
import type { CommitRecord, LogRecord, NoteRecord, Place } from './records.js';

/** Entries of a run that lie together, as the text of a list. */
export interface Chunk extends Place {
  /** `seq` of the first entry in the text. */
  readonly from: number;
  /** `seq` of the last entry in the text. */
  readonly to: number;
}

/** What is known of a run without reading it. */
export interface RunHead {
  readonly summary: RunSummary;
  readonly seq: number;
  readonly fence: number;
  readonly owner: string | undefined;
}

export interface IndexedRun extends RunHead {
  /** Entries up to here are dropped, also those that still stand in the first chunk. */
  readonly dropped: number;
  readonly chunks: readonly Chunk[];
  readonly parts: ReadonlyMap<string, Place>;
}

/** Where the values of a commit lie: its entries, if it has any, and its parts in order; none for a part that is taken away. */
export interface ValuePlaces {
  readonly entries?: Place | undefined;
  readonly parts: readonly (Place | undefined)[];
}

/** All that a store keeps in memory: for each run its summary, and where its entries and parts lie in the log. */
export interface RunIndex {
  readonly runs: ReadonlyMap<string, IndexedRun>;
  /** When the lease of each owner ends. */
  readonly leases: ReadonlyMap<string, number>;
  /** Values that belong to no run, as JSON text by name. */
  readonly notes: ReadonlyMap<string, string>;
  /** Bytes of the log that are still needed, a little more rather than less. */
  readonly liveBytes: number;
  /** In the order of a listing. */
  sortedIds(): readonly string[];
  apply(record: LogRecord, places?: ValuePlaces): void;
}

interface MutableRun extends IndexedRun {
  summary: RunSummary;
  seq: number;
  fence: number;
  owner: string | undefined;
  dropped: number;
  chunks: Chunk[];
  parts: Map<string, Place>;
}

/** What a run takes up beside its id, summary, entries and parts, at most; its id stands in up to four records. */
const runBytes = 300;
const idRecords = 4;
const partBytes = 12;
/** What a note takes up beside its name and value. */
const noteBytes = 24;

export function createRunIndex(): RunIndex {
  const runs = new Map<string, MutableRun>();
  const leases = new Map<string, number>();
  const notes = new Map<string, string>();
  let sortedIds: readonly string[] | undefined;
  let liveBytes = 0;

  const runOf = (runId: string): MutableRun => {
    const known = runs.get(runId);
    if (known) return known;
    const run = {
      summary: {} as RunSummary,
      seq: 0,
      fence: 0,
      owner: undefined,
      dropped: 0,
      chunks: [],
      parts: new Map<string, Place>(),
    };
    runs.set(runId, run);
    sortedIds = undefined;
    liveBytes += runBytes + idRecords * sizeOf(runId) + sizeOf(run.summary);
    return run;
  };

  const applyCommit = (record: CommitRecord, { entries, parts }: ValuePlaces): void => {
    const run = runOf(record.commit);
    liveBytes -= sizeOf(run.summary);
    run.summary = changedSummary(run.summary, record);
    liveBytes += sizeOf(run.summary);
    run.seq = record.seq;
    if (record.entries && entries) {
      const [from, count] = record.entries;
      const chunk = { ...entries, from, to: from + count - 1 };
      // In a log that was rewritten meanwhile, what dropped them may stand before them.
      if (chunk.to > run.dropped) run.chunks.push(chunk);
      liveBytes += liveBytesOf(chunk, run.dropped);
    }
    for (const [index, [name]] of (record.parts ?? []).entries()) {
      const place = parts[index];
      liveBytes -= sizeOfPart(name, run.parts.get(name)) - sizeOfPart(name, place);
      if (place) run.parts.set(name, place);
      else run.parts.delete(name);
    }
    if (record.drop !== undefined) drop(run, record.drop);
  };

  const drop = (run: MutableRun, to: number): void => {
    if (to <= run.dropped) return;
    let gone = 0;
    for (const chunk of run.chunks) {
      if (chunk.from > to) break;
      liveBytes -= liveBytesOf(chunk, run.dropped) - liveBytesOf(chunk, to);
      if (chunk.to <= to) gone += 1;
    }
    run.chunks.splice(0, gone);
    run.dropped = to;
  };

  const takeNote = ({ note, value }: NoteRecord): void => {
    const before = notes.get(note);
    const text = JSON.stringify(value);
    liveBytes += sizeOfNote(note, text) - (before === undefined ? 0 : sizeOfNote(note, before));
    notes.set(note, text);
  };

  return {
    runs,
    leases,
    notes,
    get liveBytes() {
      return liveBytes;
    },
    sortedIds: () => (sortedIds ??= [...runs.keys()].sort()),
    apply(record, places = { parts: [] }) {
      if ('commit' in record) applyCommit(record, places);
      else if ('claim' in record) Object.assign(runOf(record.claim), { fence: record.fence, owner: record.owner });
      else if ('renew' in record) leases.set(record.renew, record.until);
      else if ('note' in record) takeNote(record);
      else if (record.run === undefined) {
        leases.delete(record.release);
        for (const run of runs.values()) if (run.owner === record.release) run.owner = undefined;
      } else {
        const run = runs.get(record.run);
        if (run?.owner === record.release) run.owner = undefined;
      }
    },
  };
}

function changedSummary(before: RunSummary, { summary, without = [] }: CommitRecord): RunSummary {
  if (!summary && without.length === 0) return before;
  const members = Object.entries({ ...before, ...summary }).filter(([name]) => !without.includes(name));
  return Object.fromEntries(members) as unknown as RunSummary;
}

const sizeOf = (value: RunSummary | string): number => Buffer.byteLength(JSON.stringify(value));

const sizeOfPart = (name: string, place: Place | undefined): number => (place ? place.bytes + sizeOf(name) + partBytes : 0);

const sizeOfNote = (name: string, text: string): number => Buffer.byteLength(text) + sizeOf(name) + noteBytes;

/** The share of a chunk that is not dropped. */
function liveBytesOf({ from, to, bytes }: Chunk, dropped: number): number {
  const live = Math.max(0, to - Math.max(from - 1, dropped));
  return (bytes * live) / (to - from + 1);
}
