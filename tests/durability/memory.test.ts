import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { RunEvent } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { layeredProposal } from 'planwright/testing';

import { ada, createWorld, eventsOf, ticket, tickets } from '../running/support/world.js';

/** Runs a layered plan whose outputs are large, with so much memory for it, and reads its events as it goes. */
async function runWith(memoryLimitBytes: number) {
  const world = createWorld({
    store: createMemoryStore(),
    memoryLimitBytes,
    agents: { worker: async ({ stepId }) => ({ output: { from: stepId, text: stepId.padEnd(10_000, '.') } }) },
  });
  const run = await world.start(layeredProposal({ tickets: 60 }));
  const followed = eventsOf(run);
  const result = await world.end(run);
  return { world, run, result, followed: await followed };
}

const withoutOutput = ({ steps, ...view }: ReturnType<Awaited<ReturnType<typeof runWith>>['run']['view']>) => ({
  ...view,
  steps: steps.map(({ output: _output, outputReleased: _released, ...step }) => step),
});

it('HB-64: outputs that no step needs any more leave memory, and are read from the store when they are asked for', async () => {
  const roomy = await runWith(100_000_000);
  const tight = await runWith(100_000);
  expect(tight.result).toEqual(roomy.result);
  expect(withoutOutput(tight.run.view())).toEqual(withoutOutput(roomy.run.view()));
  const steps = tight.run.view().steps;
  const released = steps.filter((step) => step.outputReleased);
  expect(released.length).toBeGreaterThan(steps.length / 2);
  for (const { id } of steps) {
    const expected = roomy.run.view().steps.find((step) => step.id === id)?.output;
    expect(await tight.run.output(id)).toEqual(expected);
  }
  expect(await tight.run.output('no such step')).toBeUndefined();
});

it('readers see every event once and in order, whatever has left memory by then', async () => {
  const roomy = await runWith(100_000_000);
  const tight = await runWith(50_000);
  expect(tight.followed).toEqual(roomy.followed);
  const all = await eventsOf(tight.run);
  expect(all).toEqual(roomy.followed);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: all.length + 1 }), async (after) => {
      expect(await eventsOf(tight.run, after)).toEqual(all.slice(after));
    }),
    { numRuns: 20 },
  );
});

it('a reader who stops while reading from the store leaves nothing behind', async () => {
  const { run } = await runWith(50_000);
  const seen: RunEvent[] = [];
  for await (const event of run.events()) {
    seen.push(event);
    if (seen.length === 7) break;
  }
  expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

it('what a compensation will need stays, however little memory there is', async () => {
  const undone: unknown[] = [];
  const world = createWorld({
    memoryLimitBytes: 1_000,
    agents: {
      worker: async ({ stepId, kind, input }) => {
        if (kind === 'compensation') undone.push(input);
        if (stepId === 'z') throw new Error('no');
        return { output: { from: stepId, text: '.'.repeat(5_000) } };
      },
    },
  });
  const compensation = { role: 'worker', instructions: 'Undo it.' };
  const chain = ['a', 'b', 'c', 'd'].map((key, index, keys) =>
    ticket(key, { dependsOn: keys.slice(Math.max(0, index - 1), index), ...(key === 'a' && { compensation }) }),
  );
  const failing = ticket('z', { dependsOn: ['d'], onFailure: 'fail-run' });
  const { runId, revision, digest } = await world.propose(tickets([...chain, failing]));
  const run = await world.approve({ runId, revision, digest } as never, { approvedBy: ada });
  expect(await world.end(run)).toMatchObject({ status: 'failed', reason: 'step_failed' });
  expect(undone).toEqual([{ a: { from: 'a', text: '.'.repeat(5_000) } }]);
});
