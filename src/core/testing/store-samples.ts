import type { Json } from '../shared/json.js';
import type { JournalEntry, RunStatus } from '../ports/run.js';
import type { Commit, RunSummary } from '../ports/store.js';

/** Texts that stores are known to lose, to merge or to trip over. Each differs from every other. */
export const hostileText: readonly string[] = [
  'a',
  'plain',
  'Plain',
  ' plain ',
  '__proto__',
  'constructor',
  '1',
  'a.b',
  'a/b',
  '../a',
  '..',
  'C:\\a',
  'con',
  '#x',
  '%2e',
  '*?<>|"',
  "'; DROP TABLE runs; --",
  '\u0000',
  'a\u0000b',
  'line\nbreak\r\u2028',
  'ä',
  'a\u0308',
  '漢字',
  '🧭',
  '\ud800',
  'long'.repeat(200),
];

const noSpend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'unknown' } as const;

/** Entries with `seq` from `from` on, each a step that succeeded with `output`. */
export const entriesOf = ({
  from,
  count = 1,
  output = 'done',
}: {
  from: number;
  count?: number;
  output?: Json;
}): JournalEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    seq: from + index,
    at: 1_000 + from + index,
    type: 'step.succeeded',
    stepId: `step-${from + index}`,
    attempt: 1,
    output,
    spend: noSpend,
  }));

/** A summary of a run with an unremarkable goal. */
export const summaryOf = ({
  runId,
  status = 'proposed',
  parentTicket = null,
}: {
  runId: string;
  status?: RunStatus;
  parentTicket?: string | null;
}): RunSummary => ({
  runId,
  status,
  goal: 'Try the store',
  revision: 1,
  parentTicket,
  scope: {},
  createdAt: 1_000,
  updatedAt: 2_000,
  open: false,
});

/** A sound commit of `count` entries after `expectedSeq`. */
export const commitOf = ({
  runId,
  expectedSeq,
  count = 1,
  status = 'proposed',
  output = 'done',
}: {
  runId: string;
  expectedSeq: number;
  count?: number;
  status?: RunStatus;
  output?: Json;
}): Commit => ({
  runId,
  expectedSeq,
  fence: 0,
  entries: entriesOf({ from: expectedSeq + 1, count, output }),
  summary: summaryOf({ runId, status }),
});
