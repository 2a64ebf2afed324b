import fc from 'fast-check';
import { isPlanwrightError, type Commit, type RunFilter, type RunStatus, type RunStore } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { expect } from 'vitest';

import { entriesOf, summaryOf } from '../../../src/core/testing/store-samples.js';

const runIds = ['a', 'b', 'run-3'];
const owners = ['one', 'two'];
const statuses: readonly RunStatus[] = ['proposed', 'executing', 'completed'];

/** A call that is made on both stores. `seq` and `fence` are those of the run before it. */
type Call = (store: RunStore, known: { readonly seq: number; readonly fence: number }) => Promise<unknown>;
interface Act {
  readonly runId: string;
  readonly call: Call;
}

const runId = fc.constantFrom(...runIds);
const owner = fc.constantFrom(...owners);
const at = fc.integer({ min: 0, max: 300 });
const leaseMs = fc.integer({ min: 0, max: 100 });
/** Mostly right, sometimes behind or ahead. */
const slip = fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1);
const part = fc.oneof(fc.constant(null), fc.integer(), fc.string({ maxLength: 5 }), fc.constant('long '.repeat(300)));

const committing: fc.Arbitrary<Act> = fc
  .record({
    runId,
    count: fc.integer({ min: 0, max: 4 }),
    output: fc.constantFrom('short', 'long '.repeat(200)),
    seqSlip: slip,
    fenceSlip: slip,
    checkpoint: fc.option(fc.dictionary(fc.constantFrom('p', 'q', '__proto__', '1'), part, { maxKeys: 3 }), { nil: undefined }),
    dropped: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    status: fc.constantFrom(...statuses),
    parentTicket: fc.constantFrom('T-1', 'T-2', '', null),
    open: fc.boolean(),
  })
  .map(({ runId, count, output, seqSlip, fenceSlip, checkpoint, dropped, ...listed }) => ({
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
        ...(dropped !== undefined && { compactTo: Math.max(0, expectedSeq + count - dropped) }),
      };
      // What it cost is for each store to say.
      return store.commit(commit).then(() => 'committed');
    },
  }));

const holding: fc.Arbitrary<Act> = fc.oneof(
  fc
    .record(
      { runId, owner, at, leaseMs, insteadOf: fc.option(owner, { nil: undefined }) },
      { requiredKeys: ['runId', 'owner', 'at', 'leaseMs'] },
    )
    .map(({ insteadOf, ...claim }) => ({
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
    parentTicket: fc.constantFrom('T-1', 'T-3', ''),
    open: fc.boolean(),
    after: fc.constantFrom('', 'a', 'aa', 'z'),
    limit: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
);
const reading: fc.Arbitrary<Act> = fc.oneof(
  runId.map((id) => ({ runId: id, call: (store: RunStore) => store.load(id) })),
  fc.tuple(runId, range).map(([id, within]) => ({ runId: id, call: (store: RunStore) => store.journal(id, within) })),
  filter.map((wanted) => ({ runId: 'a', call: (store: RunStore) => store.list(wanted) })),
);

/** What came of a call: its answer, or the code of its error with its facts. */
const outcomeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (answer) => ({ answer }),
    (error: unknown) => {
      if (!isPlanwrightError(error)) throw error;
      return { code: error.code, message: error.message };
    },
  );

/** Outcomes of calls that are made in one turn, each knowing the run as it was before all of them. */
async function outcomesOf(store: RunStore, acts: readonly Act[]): Promise<readonly unknown[]> {
  const runs = new Map<string, { readonly seq: number; readonly fence: number }>();
  for (const { runId } of acts) {
    const { seq = 0, fence = 0 } = (await store.load(runId)) ?? {};
    runs.set(runId, { seq, fence });
  }
  return Promise.all(acts.map(({ runId, call }) => outcomeOf(call(store, runs.get(runId)!))));
}

/** Calls that are made at once, and what to make next. */
const turns = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.oneof({ weight: 3, arbitrary: committing }, holding), { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: reading.map((act) => [act]) },
  ),
  { minLength: 1, maxLength: 25 },
);

/** Holds a store to the one in memory: every call is answered alike, also where several are made at once. `create` makes an empty store. */
export async function expectLikeMemory(create: () => RunStore, { numRuns }: { readonly numRuns: number }): Promise<void> {
  await fc.assert(
    fc.asyncProperty(turns, async (turns) => {
      const stores = [createMemoryStore(), create()] as const;
      for (const acts of turns) {
        const [expected, actual] = [await outcomesOf(stores[0], acts), await outcomesOf(stores[1], acts)];
        expect(actual).toEqual(expected);
      }
      for (const runId of runIds) expect(await stores[1].load(runId)).toEqual(await stores[0].load(runId));
      expect(await stores[1].list()).toEqual(await stores[0].list());
      for (const store of stores) await store.close();
    }),
    { numRuns },
  );
}
