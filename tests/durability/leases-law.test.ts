import fc from 'fast-check';
import { type Approval, type Proposed, type Run } from 'planwright';
import { expect, it } from 'vitest';

import { ada, eventsOf, ticket, tickets } from '../running/support/world.js';
import { createRestartWorld, type Process } from './support/restart-world.js';

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const timeout = isLong ? 900_000 : 60_000;
const leaseMs = 6_000;

/** What happens to one of three machines that share a store. */
const mishaps = fc.record({
  afterMs: fc.nat({ max: 9_000 }),
  machine: fc.nat({ max: 2 }),
  what: fc.constantFrom('killed', 'cut off', 'connected again', 'closed', 'asked'),
});

const input = tickets([
  'a',
  ticket('b', { dependsOn: ['a'] }),
  ticket('c', { dependsOn: ['a'], retry: { attempts: 2, backoffMs: 4_000 } }),
  ticket('d', { dependsOn: ['b', 'c'], effect: 'none' }),
]);
const script = {
  steps: { c: [{ fail: 'not yet', delayMs: 1_000 }, { delayMs: 2_000 }] },
  default: { delayMs: 3_000 },
};

it(
  'HB-37, CX-18: machines that die, are cut off and come back bring runs to their ends, each result on record once',
  { timeout },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mishaps, { maxLength: 14 }), fc.nat({ max: 3 }), async (events, storeMs) => {
        const world = createRestartWorld({ leaseMs, script, maxLostStarts: 1_000, graceMs: 500 });
        const boot = (machine: number): Process => {
          const started = world.boot({ owner: `machine ${machine}`, storeMs });
          started.orchestrator.recover().catch(() => undefined);
          return started;
        };
        const machines = [0, 1, 2].map(boot);
        const proposed = await world.propose(machines[0]!, input);
        const { runId } = proposed;
        const ask = (machine: number): void => {
          const approving = machines[machine]!.orchestrator.approve(runId, approvalOf(proposed));
          approving.then((run) => run.result()).catch(() => undefined);
        };
        for (let machine = 0; machine < 3; machine += 1) ask(machine);
        for (const { afterMs, machine, what } of events) {
          await world.clock.advanceAsync(afterMs);
          const hit = machines[machine]!;
          if (what === 'cut off') hit.cut();
          if (what === 'connected again') hit.heal();
          if (what === 'asked') ask(machine);
          if (what !== 'killed' && what !== 'closed') continue;
          if (what === 'closed') await world.clock.runUntil(Promise.race([hit.orchestrator.close(), world.clock.sleep(30_000)]));
          hit.kill();
          machines[machine] = boot(machine);
        }
        const last = world.boot({ owner: 'last' });
        const run = await world.clock.runUntil(last.orchestrator.approve(runId, approvalOf(proposed)));
        last.orchestrator.recover().catch(() => undefined);
        // Whoever is cut off comes back as the zombie that it is.
        await world.clock.advanceAsync(leaseMs * 2);
        for (const machine of machines) machine.heal();
        expect((await world.clock.runUntil(run.result(), { limitMs: 600_000 })).status).toBe('completed');
        await expectOneRecord(run, await world.journal(runId));
        // Everyone who can be asked says the same.
        await world.clock.advanceAsync(10_000);
        const seen = await world.clock.runUntil(Promise.all(machines.map(({ orchestrator }) => orchestrator.run(runId))));
        for (const one of seen) expect(one.view()).toEqual(run.view());
      }),
      { numRuns: isLong ? 3_000 : 80 },
    );
  },
);

const approvalOf = ({ revision, digest }: Proposed): Approval => ({ revision, digest, approvedBy: ada });

async function expectOneRecord(run: Run, entries: readonly { readonly seq: number; readonly type: string }[]): Promise<void> {
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
  expect([count('run.approved'), count('run.start'), count('step.succeeded'), count('run.delivered')]).toEqual([1, 1, 5, 1]);
  const events = await eventsOf(run);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(run.view().steps.map(({ status, attempts }) => [status, attempts])).toEqual([
    ['succeeded', 1],
    ['succeeded', 1],
    ['succeeded', 2],
    ['succeeded', 1],
    ['succeeded', 1],
  ]);
}
