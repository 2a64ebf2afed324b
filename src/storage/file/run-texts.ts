import type { JournalEntry } from '../../core/ports/run.js';
import type { LogFile } from './log-file.js';
import { readTexts } from './read-texts.js';
import type { CommitRecord, LogRecord } from './records.js';
import type { Chunk, IndexedRun } from './run-index.js';

/** A text as part of a record. Long enough that records cost little, short enough that a reader need not read much in vain. */
const pieceBytes = 64 << 10;

/** A record and its values as lines of a log. */
export const linesOf = (record: LogRecord, values: readonly string[] = []): string =>
  `${[JSON.stringify(record), ...values].join('\n')}\n`;

/** A list of entries as a value of a commit. */
export const entriesField = (from: number, count: number, text: string): NonNullable<CommitRecord['entries']> => [
  from,
  count,
  Buffer.byteLength(text),
];

/**
 * Lines that say of a run what the log says of it now, as far as it lies before `to`: what lies behind is still to come, and has the
 * last word.
 */
export function* runTexts(runId: string, run: IndexedRun, { log, to }: { log: LogFile; to: number }): Generator<string> {
  // As it is at this moment: between two pieces others write to it.
  const { summary, seq, fence, owner, dropped } = run;
  const chunks = run.chunks.filter(({ offset }) => offset < to);
  const parts = [...run.parts].filter(([, { offset }]) => offset < to);
  yield linesOf({ commit: runId, seq, summary, ...(dropped > 0 && { drop: dropped }) });
  if (fence > 0) yield linesOf({ claim: runId, fence, ...(owner !== undefined && { owner }) });
  for (const piece of piecesOf(chunks, ({ bytes }) => bytes)) {
    const text = `[${readTexts(log, piece).map(innerText(piece, dropped)).join(',')}]`;
    const from = Math.max(piece[0]!.from, dropped + 1);
    yield linesOf({ commit: runId, seq, entries: entriesField(from, piece.at(-1)!.to - from + 1, text) }, [text]);
  }
  for (const piece of piecesOf(parts, ([, { bytes }]) => bytes)) {
    const places = piece.map(([, place]) => place);
    const record = { commit: runId, seq, parts: piece.map(([name, { bytes }]) => [name, bytes] as const) };
    yield linesOf(record, readTexts(log, places));
  }
}

/** The text of a chunk without its brackets and without what was dropped. */
const innerText =
  (chunks: readonly Chunk[], dropped: number) =>
  (text: string, index: number): string => {
    if (chunks[index]!.from > dropped) return text.slice(1, -1);
    const live = (JSON.parse(text) as JournalEntry[]).filter(({ seq }) => seq > dropped);
    return JSON.stringify(live).slice(1, -1);
  };

function* piecesOf<T>(items: readonly T[], sizeOf: (item: T) => number): Generator<readonly T[]> {
  let piece: T[] = [];
  let size = 0;
  for (const item of items) {
    piece.push(item);
    size += sizeOf(item);
    if (size < pieceBytes) continue;
    yield piece;
    piece = [];
    size = 0;
  }
  if (piece.length > 0) yield piece;
}
