import { resolve } from 'node:path';

import type { JournalEntry } from '../core/ports/run.js';
import type { RunFilter, RunPage, RunStore, RunSummary, StoredRun } from '../core/ports/store.js';
import { copyJson } from '../core/shared/copy-json.js';
import type { Json } from '../core/shared/json.js';
import { StoreClosedError } from '../core/shared/store-error.js';
import { defaultPageSize, defaultRangeSize, matchesFilter } from '../core/storing/matches-filter.js';
import type { FileLog } from './file/file-log.js';
import { readTexts } from './file/read-texts.js';
import type { IndexedLog } from './file/rewrite-log.js';
import type { IndexedRun } from './file/run-index.js';
import { holdLog, type LogHold } from './file/shared-logs.js';
import { stageClaim, stageCommit, stageNote, stageRelease, stageRenewal } from './file/stage-writes.js';

export interface FileStoreOptions {
  /** Where the files lie; made where it is not there. One process at a time can use it. */
  readonly directory: string;
  /**
   * `FULL`: a commit resolves when it is on the disk. `NORMAL`: when the operating system has it, so that a power failure can take back the
   * newest commits, but no crash of the process can. Default: `FULL`.
   */
  readonly synchronous?: 'FULL' | 'NORMAL';
}

/**
 * A store that keeps runs in a directory of this machine and needs nothing but Node: one log to which every commit is appended, and which is
 * written anew when most of it is no longer needed. It is opened at the first call. Stores of one process may share a
 * directory; another process is refused with a StoreUnavailableError that names the holder, until that one has closed it or has
 * ended, however it ended.
 *
 * @example
 * const orchestrator = createOrchestrator({ store: createFileStore({ directory: 'runs' }), agents });
 */
export function createFileStore({ directory, synchronous = 'FULL' }: FileStoreOptions): RunStore {
  const path = resolve(directory);
  const isAwaited = synchronous === 'FULL';
  const pending = new Set<Promise<unknown>>();
  let hold: Promise<LogHold> | undefined;
  let closing: Promise<void> | undefined;

  const opened = async (): Promise<FileLog> => {
    const opening = (hold ??= holdLog(path));
    try {
      return (await opening).log;
    } catch (error) {
      // What stood in the way may be gone at the next call.
      if (hold === opening) hold = undefined;
      throw error;
    }
  };

  const withLog = async <T>(work: (log: FileLog) => T | Promise<T>): Promise<T> => {
    const working = opened().then(work);
    pending.add(working);
    try {
      return await working;
    } finally {
      pending.delete(working);
    }
  };

  const checkOpen = (): void => {
    if (closing) throw new StoreClosedError();
  };

  const close = async (): Promise<void> => {
    await Promise.allSettled(pending);
    const held = await hold?.catch(() => undefined);
    await held?.release();
  };

  return {
    async commit(commit) {
      checkOpen();
      const write = stageCommit(commit);
      return withLog((log) => log.write(write, { operation: 'commit', isAwaited }));
    },

    async load(runId) {
      checkOpen();
      return withLog((log) => log.read('load', (state) => storedRun(state, runId)));
    },

    async journal(runId, { after = 0, limit = defaultRangeSize } = {}) {
      checkOpen();
      return withLog((log) => log.read('read a journal', (state) => entriesOf(state, { runId, after, limit })));
    },

    async list(filter = {}) {
      checkOpen();
      return withLog((log) => log.read('list', ({ index }) => page(index.sortedIds(), index.runs, filter)));
    },

    async claim(request) {
      checkOpen();
      return withLog((log) => log.write(stageClaim(request), { operation: 'claim', isAwaited }));
    },

    // Neither need be on the disk before it is answered: what is lost with the power only lets others claim sooner, or later.
    async renew({ owner, at, leaseMs }) {
      checkOpen();
      return withLog((log) => log.write(stageRenewal({ owner, until: at + leaseMs }), { operation: 'renew', isAwaited: false }));
    },
    async release(request) {
      checkOpen();
      return withLog((log) => log.write(stageRelease(request), { operation: 'release', isAwaited: false }));
    },

    notes: {
      async read(name) {
        checkOpen();
        return withLog((log) =>
          log.read('read a note', ({ index }) => {
            const text = index.notes.get(name);
            return text === undefined ? undefined : (JSON.parse(text) as Json);
          }),
        );
      },
      async write(name, value) {
        checkOpen();
        const write = stageNote(name, value);
        return withLog((log) => log.write(write, { operation: 'write a note', isAwaited }));
      },
    },

    async close() {
      closing ??= close();
      await closing;
    },
  };
}

function storedRun({ log, index }: IndexedLog, runId: string): StoredRun | undefined {
  const run = index.runs.get(runId);
  if (!run) return undefined;
  const { summary, seq, fence, chunks, parts } = run;
  const texts = readTexts(log, [...chunks, ...parts.values()]);
  const journal = texts.slice(0, chunks.length).flatMap(liveEntries(run));
  const names = [...parts.keys()];
  const values = texts.slice(chunks.length).map((text, position) => [names[position]!, JSON.parse(text) as Json] as const);
  return {
    summary: copyJson(summary),
    seq,
    fence,
    ...(values.length > 0 && { checkpoint: Object.fromEntries(values) }),
    journal,
  };
}

function entriesOf(
  { log, index }: IndexedLog,
  { runId, after, limit }: { runId: string; after: number; limit: number },
): JournalEntry[] {
  const run = index.runs.get(runId);
  if (!run) return [];
  const start = Math.max(after, run.dropped);
  const chunks = run.chunks.filter(({ from, to }) => to > start && from <= start + limit);
  return readTexts(log, chunks)
    .flatMap(liveEntries(run))
    .filter(({ seq }) => seq > start)
    .slice(0, limit);
}

const liveEntries =
  ({ dropped }: IndexedRun) =>
  (text: string): JournalEntry[] =>
    (JSON.parse(text) as JournalEntry[]).filter(({ seq }) => seq > dropped);

function page(ids: readonly string[], runs: ReadonlyMap<string, IndexedRun>, filter: RunFilter): RunPage {
  const { after, limit: asked = defaultPageSize } = filter;
  const limit = Math.max(1, asked);
  const found: RunSummary[] = [];
  for (let position = after === undefined ? 0 : firstAfter(ids, after); position < ids.length; position += 1) {
    const summary = runs.get(ids[position]!)?.summary;
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
