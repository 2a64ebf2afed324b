import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createOrchestrator, type AgentFunction, type RunStore } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { createVirtualClock } from 'planwright/testing';

import { ada, eventsOf, rejectionOf, ticket, tickets } from '../running/support/world.js';

/** Talks a lot, fails twice at `b`, and gives an output that is larger than the memory there is. */
const chatty: AgentFunction = async ({ stepId, attempt }, context) => {
  for (let line = 0; line < 30; line += 1) context.progress(`line ${line}`);
  const once = await context.once('effect', () => `${stepId} was done`);
  if (stepId === 'b' && attempt < 3) throw new Error('not yet');
  return { output: { once, text: stepId.repeat(2_000) } };
};

const proposal = tickets([
  'a',
  ticket('b', { dependsOn: ['a'], retry: { attempts: 3, backoffMs: 1_000 } }),
  ticket('c', { dependsOn: ['b'], input: { from: ['a', 'b'] } }),
  ticket('d', { dependsOn: ['c'] }),
]);

interface Life {
  readonly journalLimit: number;
  readonly memoryLimitBytes: number;
  /** The process is lost before the commit with this number; none where it is never reached. */
  readonly lostAt: number;
}

/** A store handle that is cut off at a commit: the process behind it is gone. */
function cutAt(inner: RunStore, commits: number): RunStore & { readonly lost: Promise<void> } {
  let left = commits;
  let tell = (): void => undefined;
  const lost = new Promise<void>((resolve) => (tell = resolve));
  const hang = (): Promise<never> => {
    tell();
    return new Promise(() => undefined);
  };
  const guard =
    <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      left < 0 ? hang() : call(...args);
  return {
    lost,
    commit: (commit) => {
      left -= 1;
      return left < 0 ? hang() : inner.commit(commit);
    },
    load: guard(inner.load),
    journal: guard(inner.journal),
    list: guard(inner.list),
    claim: guard(inner.claim),
    renew: guard(inner.renew),
    release: guard(inner.release),
    close: guard(inner.close),
  };
}

/** Runs the plan over two lives, the first of which may be lost. */
async function runTwice({ journalLimit, memoryLimitBytes, lostAt }: Life) {
  const inner = createMemoryStore();
  const clock = createVirtualClock({ startAt: 0 });
  const options = { clock, owner: 'one', ids: () => 'run', agents: { worker: chatty }, journalLimit, memoryLimitBytes };
  const cut = cutAt(inner, lostAt);
  const first = createOrchestrator({ ...options, store: cut });
  const whole = (async () => {
    const proposed = await first.propose(proposal);
    const run = await first.approve(proposed.runId, { ...proposed, approvedBy: ada });
    await run.result();
    return { run, orchestrator: first };
  })();
  const end = await clock.runUntil(Promise.race([whole, cut.lost]));
  if (end) return { ...end, inner, clock };
  const orchestrator = createOrchestrator({ ...options, store: inner });
  const [run] = await clock.runUntil(orchestrator.recover());
  if (!run) return undefined;
  await clock.runUntil(run.result());
  return { run, orchestrator, inner, clock };
}

const unlimited = { journalLimit: 1e9, memoryLimitBytes: 1e9 };

it('what is stored of a run stays within its live state and the journal that is kept', async () => {
  const { inner } = (await runTwice({ ...unlimited, lostAt: 1e9 }))!;
  const whole = await inner.load('run');
  expect(whole!.journal.length).toBeGreaterThan(200);
  const compacted = (await runTwice({ ...unlimited, journalLimit: 40, lostAt: 1e9 }))!;
  const stored = await compacted.inner.load('run');
  expect(stored!.journal.length).toBeLessThan(60);
  expect(stored!.seq).toBe(whole!.seq);
  expect(JSON.stringify(stored!.checkpoint).length).toBeLessThan(60_000);
});

it('HB-31: a run that is compacted, short of memory and lost at any commit ends as one that is none of it', async () => {
  const reference = (await runTwice({ ...unlimited, lostAt: 1e9 }))!;
  const expected = reference.run.view();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 40 }),
      fc.constantFrom(20, 50, 100, 1e9),
      fc.constantFrom(1_000, 20_000, 1e9),
      async (lostAt, journalLimit, memoryLimitBytes) => {
        const world = await runTwice({ journalLimit, memoryLimitBytes, lostAt });
        // Lost before it was approved: nothing is to be taken up.
        if (!world) return;
        const { run } = world;
        expect(await run.result()).toEqual(await reference.run.result());
        for (const { id, output, status, attempts } of expected.steps) {
          const step = run.view().steps.find((candidate) => candidate.id === id);
          expect(step).toMatchObject({ status, attempts });
          expect(await run.output(id)).toEqual(output);
        }
      },
    ),
    { numRuns: 60 },
  );
});

it('a reader finds the last events, and is told where older ones are gone', async () => {
  const { run } = (await runTwice({ ...unlimited, lostAt: 1e9 }))!;
  const all = await eventsOf(run);
  const { inner } = (await runTwice({ ...unlimited, journalLimit: 40, lostAt: 1e9 }))!;
  const later = createOrchestrator({ store: inner, agents: {} });
  const stored = await later.run('run');
  expect(stored.view()).toEqual(run.view());
  const kept = await eventsOf(stored, all.length - 10);
  expect(kept).toEqual(all.slice(-10));
  expect(await eventsOf(stored)).toEqual(all);
});

it('a reader whose cursor is older than what is kept is told so, and how to go on', async () => {
  const talkative: AgentFunction = async ({ stepId }, context) => {
    for (let line = 0; line < 100; line += 1) context.progress(`line ${line}`);
    return { output: { of: stepId } };
  };
  const store = createMemoryStore();
  const options = { store, ids: () => 'run', agents: { worker: talkative }, journalLimit: 50 };
  const orchestrator = createOrchestrator(options);
  const proposed = await orchestrator.propose(tickets(Array.from({ length: 20 }, (_, index) => `t${index}`)));
  const run = await orchestrator.approve(proposed.runId, { ...proposed, approvedBy: ada });
  await run.result();
  const later = await createOrchestrator(options).run('run');
  const gone = await rejectionOf(eventsOf(later));
  expect(gone).toMatchObject({ code: 'EVENTS_GONE', runId: 'run', after: 0 });
  const kept = await eventsOf(later, (gone as unknown as { readonly firstSeq: number }).firstSeq - 1);
  expect(kept.length).toBeGreaterThanOrEqual(1_000);
  expect(kept.at(-1)?.type).toBe('run.completed');
  expect(later.view()).toEqual(run.view());
});
