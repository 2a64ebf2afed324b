import fc from 'fast-check';
import { type Commit, isPlanwrightError, type RunFilter, type RunStatus, type RunStore } from 'planwright';

import { entriesOf, summaryOf } from '../../../src/core/testing/store-samples.js';

export const runIds = ['a', '__proto__', 'ru\ud800n\u0000'];
const statuses: readonly RunStatus[] = ['proposed', 'executing', 'completed'];

/** A call that is made on both stores. `seq` and `fence` are those of the run before it. */
export interface Act {
  readonly runId: string;
  readonly call: (store: RunStore, known: { readonly seq: number; readonly fence: number }) => Promise<unknown>;
}

const runId = fc.constantFrom(...runIds);
const owner = fc.constantFrom('one', 'two');
const at = fc.integer({ min: 0, max: 300 });
const leaseMs = fc.integer({ min: 0, max: 100 });
/** Mostly right, sometimes behind or ahead. */
const slip = fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1);
/** Some are so long that a log full of them is soon written anew. */
const text = fc.constantFrom('short', 'ä'.repeat(300), '🧭 long '.repeat(20_000));
const part = fc.oneof(fc.constant(null), fc.integer(), fc.string({ maxLength: 5 }), text);

export const committing: fc.Arbitrary<Act> = fc
  .record({
    runId,
    count: fc.integer({ min: 0, max: 4 }),
    output: text,
    seqSlip: slip,
    fenceSlip: slip,
    checkpoint: fc.option(fc.dictionary(fc.constantFrom('p', 'q', '__proto__', '1'), part, { maxKeys: 3 }), { nil: undefined }),
    kept: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    status: fc.constantFrom(...statuses),
    parentTicket: fc.constantFrom('T-1', 'T-2', null),
    scope: fc.constantFrom({}, { kind: 'sprint' }),
    open: fc.boolean(),
  })
  .map(({ runId, count, output, seqSlip, fenceSlip, checkpoint, kept, ...listed }) => ({
    runId,
    call: (store, { seq, fence }) => {
      const expectedSeq = Math.max(0, seq + seqSlip);
      const commit: Commit = {
        runId,
        expectedSeq,
        fence: Math.max(0, fence + fenceSlip),
        entries: entriesOf({ from: expectedSeq + 1, count, output }),
        summary: { ...summaryOf({ runId }), ...listed },
        ...(checkpoint && { checkpoint }),
        ...(kept !== undefined && { compactTo: Math.max(0, expectedSeq + count - kept) }),
      };
      // What it cost is for each store to say.
      return store.commit(commit).then(() => 'committed');
    },
  }));

export const holding: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ runId, owner, at, leaseMs, insteadOf: fc.option(owner, { nil: undefined }) }).map(({ insteadOf, ...claim }) => ({
    runId: claim.runId,
    call: (store: RunStore) => store.claim({ ...claim, ...(insteadOf !== undefined && { insteadOf }) }),
  })),
  fc.record({ owner, at, leaseMs }).map((lease) => ({ runId: 'a', call: (store: RunStore) => store.renew(lease) })),
  fc.record({ owner, all: fc.boolean(), runId }).map(({ owner, all, runId }) => ({
    runId,
    call: (store: RunStore) => store.release(all ? { owner } : { owner, runId }),
  })),
);

const range = fc.record(
  { after: fc.integer({ min: -1, max: 30 }), limit: fc.integer({ min: 0, max: 30 }) },
  { requiredKeys: [] },
);
const filter: fc.Arbitrary<RunFilter> = fc.record(
  {
    status: fc.subarray([...statuses]),
    parentTicket: fc.constantFrom('T-1', 'T-3'),
    open: fc.boolean(),
    after: fc.constantFrom('', 'a', 'aa', 'z'),
    limit: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
);
export const reading: fc.Arbitrary<Act> = fc.oneof(
  runId.map((id) => ({ runId: id, call: (store: RunStore) => store.load(id) })),
  fc.tuple(runId, range).map(([id, within]) => ({ runId: id, call: (store: RunStore) => store.journal(id, within) })),
  filter.map((wanted) => ({ runId: 'a', call: (store: RunStore) => store.list(wanted) })),
);

/** What came of a call: its answer, or its error with the facts. */
const outcomeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (answer) => ({ answer }),
    (error: unknown) => {
      if (!isPlanwrightError(error)) throw error;
      return { code: error.code, message: error.message };
    },
  );

/** Outcomes of calls that are made in one turn, each knowing the run as it was before all of them. */
export async function outcomesOf(store: RunStore, acts: readonly Act[]): Promise<readonly unknown[]> {
  const runs = new Map<string, { readonly seq: number; readonly fence: number }>();
  for (const { runId } of acts) {
    const { seq = 0, fence = 0 } = (await store.load(runId)) ?? {};
    runs.set(runId, { seq, fence });
  }
  return Promise.all(acts.map(({ runId, call }) => outcomeOf(call(store, runs.get(runId)!))));
}

/** All that can be read of a store. */
export async function contentOf(store: RunStore): Promise<unknown> {
  const { runs } = await store.list({ limit: 1_000 });
  return { runs, stored: await Promise.all(runs.map(({ runId }) => store.load(runId))) };
}
