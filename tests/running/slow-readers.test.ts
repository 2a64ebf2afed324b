import { type RunEvent } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { layeredProposal } from 'planwright/testing';
import { expect, it } from 'vitest';

import { createWorld } from './support/world.js';

it('HB-40 a reader that stops after one event holds up nothing and keeps nothing in memory, and then gets every event in order', async () => {
  const inner = createMemoryStore();
  let read = 0;
  const store: typeof inner = {
    ...inner,
    async journal(runId, range) {
      const entries = await inner.journal(runId, range);
      read += entries.length;
      return entries;
    },
  };
  const world = createWorld({
    agents: { worker: async () => ({ output: {} }) },
    store,
    memoryLimitBytes: 200_000,
    limits: { maxTickets: 20_000 },
  });
  const run = await world.start(layeredProposal({ tickets: 20_000 }));
  const reader = run.events()[Symbol.asyncIterator]();
  const first = await reader.next();
  expect(first.value).toMatchObject({ seq: 1 });
  const { status } = await world.end(run);
  expect(status).toBe('completed');
  const before = read;
  let seq = 1;
  const types = new Map<RunEvent['type'], number>();
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    seq += 1;
    if (next.value.seq !== seq) expect(next.value.seq).toBe(seq);
    types.set(next.value.type, (types.get(next.value.type) ?? 0) + 1);
  }
  // They were not kept for it: it reads them from the store, and each entry once.
  expect([before <= 1, read > 40_000, read < 50_000]).toEqual([true, true, true]);
  expect(types.get('step.succeeded')).toBe(20_001);
  expect(types.get('run.completed')).toBe(1);
  expect(seq).toBe(run.view().seq);
}, 60_000);

it('HB-40 a thousand readers that have stopped make no event wait', async () => {
  const world = createWorld({ store: createMemoryStore(), script: { default: { delayMs: 10 } } });
  const run = await world.start(layeredProposal({ tickets: 50 }));
  const readers = Array.from({ length: 1_000 }, () => run.events()[Symbol.asyncIterator]());
  await Promise.all(readers.map((reader) => reader.next()));
  const before = world.clock.now();
  await world.end(run);
  const alone = createWorld({ script: { default: { delayMs: 10 } } });
  await alone.run(layeredProposal({ tickets: 50 }));
  expect(world.clock.now() - before).toBe(alone.clock.now());
  for (const reader of readers) void reader.return?.();
});
