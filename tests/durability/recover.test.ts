import { expect, it } from 'vitest';

import { createOrchestrator } from '../../src/index.js';
import { createMemoryStore } from '../../src/storage/memory.js';
import { ada, ticket, tickets } from '../running/support/world.js';

it('CC-21: a new process goes on from the last settled step, under the same keys', async () => {
  const store = createMemoryStore();
  const proposal = tickets(['a', ticket('b', { dependsOn: ['a'] }), ticket('c', { dependsOn: ['b'] })]);
  const calls: string[] = [];
  const agent = (hangsAt?: string, onHang?: () => void) => ({
    worker: async ({ stepId, idempotencyKey }: { readonly stepId: string; readonly idempotencyKey: string }) => {
      calls.push(`${stepId} ${idempotencyKey.split(':')[1]}`);
      if (stepId === hangsAt) {
        onHang?.();
        await new Promise(() => undefined);
      }
      return { output: { of: stepId } };
    },
  });
  let lost: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve) => {
    const first = createOrchestrator({ store, owner: 'one', agents: agent('b', resolve) });
    lost = first.propose(proposal).then((proposed) => first.approve(proposed.runId, { ...proposed, approvedBy: ada }));
  });
  await lost;
  const second = createOrchestrator({ store, owner: 'one', agents: agent() });
  const [run] = await second.recover();
  expect(await run?.result()).toMatchObject({ status: 'completed', deliverable: { of: 'synthesis' } });
  const [a, b, again, c] = calls;
  expect([a, b, c].map((call) => call?.split(' ')[0])).toEqual(['a', 'b', 'c']);
  expect(again).toBe(b);
  expect(run?.view().steps.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
});
