import type { Commit } from '../../core/ports/store.js';
import { keyOf } from './keys.js';
import { encodeText, jsonOf } from './values.js';

/** What a commit asks for, written down as it was when it was given. `Value` is JSON text at first, then bytes as they are stored. */
export interface CommitAsk<Value> {
  readonly kind: 'commit';
  readonly runId: string;
  readonly run: string;
  readonly expectedSeq: number;
  readonly fence: number;
  /** `seq` of the newest entry afterwards. */
  readonly seq: number;
  readonly compactTo: number;
  readonly status: string;
  readonly parentTicket: string | null;
  readonly isOpen: boolean;
  readonly summary: Value;
  readonly entries: Value | null;
  /** By key; `null` for a part that is taken away. */
  readonly parts: readonly (readonly [part: string, value: Value | null])[];
}

/** @throws StoreValueError for what is too large. */
export function commitAskOf(commit: Commit): CommitAsk<string> {
  const { runId, expectedSeq, fence, entries, summary, checkpoint = {}, compactTo = 0 } = commit;
  // As in JSON, what is undefined is not there.
  const parts = Object.entries<unknown>(checkpoint).filter(([, part]) => part !== undefined);
  return {
    kind: 'commit',
    runId,
    run: keyOf(runId),
    expectedSeq,
    fence,
    seq: expectedSeq + entries.length,
    compactTo,
    status: summary.status,
    parentTicket: summary.parentTicket === null ? null : keyOf(summary.parentTicket),
    isOpen: summary.open,
    summary: jsonOf(summary, runId),
    entries: entries.length === 0 ? null : jsonOf(entries, runId),
    parts: parts.map(([name, part]) => [keyOf(name), part === null ? null : jsonOf(part, runId)]),
  };
}

/** @throws StoreValueError for what is too large. */
export async function encodeAsk(ask: CommitAsk<string>): Promise<CommitAsk<Buffer>> {
  const encode = async (text: string | null) => (text === null ? null : encodeText(text, ask.runId));
  const parts: (readonly [string, Buffer | null])[] = [];
  for (const [part, text] of ask.parts) parts.push([part, await encode(text)]);
  return { ...ask, summary: await encodeText(ask.summary, ask.runId), entries: await encode(ask.entries), parts };
}

/** Bytes of all values. */
export function sizeOf({ summary, entries, parts }: CommitAsk<Buffer>): number {
  let bytes = summary.length + (entries?.length ?? 0);
  for (const [, value] of parts) bytes += value?.length ?? 0;
  return bytes;
}
