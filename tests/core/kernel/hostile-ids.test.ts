import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import { hostileKeys } from '../../../src/core/testing/key-arbitrary.js';
import { handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';

/** Of hand-written plans, whose ids nobody has restricted. */
const ids = [
  ...hostileKeys,
  '__proto__',
  'x'.repeat(500),
  'xstate.stop',
  'done.state.run',
  '(machine)',
  ' ',
  'a\nb',
  'send',
  'ref',
  'sessionId',
];

describe('a step id, whatever it is', () => {
  it('keeps its status, its commands and its gap to itself, through a checkpoint as JSON', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(ids, { minLength: 2, maxLength: 10 }),
        fateArbitrary({ deliveryFails: false }),
        (some, fate) => {
          const steps = some.map((id, place) => ({ id, dependsOn: place % 3 === 2 ? [some[place - 1]!] : [] }));
          const run = materialized(handWritten(steps));
          const { kernel, journal, commands } = runToEnd(run, fate, {
            swap: (before) =>
              createKernel(run, JSON.parse(JSON.stringify(before.checkpoint())) as ReturnType<typeof before.checkpoint>),
          });
          const plain = handWritten(
            steps.map(({ dependsOn }, place) => ({ id: `k${place}`, dependsOn: dependsOn.map((id) => `k${some.indexOf(id)}`) })),
          );
          const nameOf = new Map([...some.map((id, place) => [id, `k${place}`] as const), ['synthesis', 'synthesis'] as const]);
          expect(new Set(kernel.statuses().map(({ id }) => id))).toEqual(new Set([...some, 'synthesis']));
          for (const { id, status } of kernel.statuses()) expect(kernel.stepStatus(id)).toBe(status);
          const started = commands
            .flat()
            .flatMap((command) => (command.type === 'step.start' ? [nameOf.get(command.stepId)] : []));
          expect(started.every((name) => name !== undefined)).toBe(true);
          // The same inputs under plain names come to the same statuses.
          const twin = createKernel(materialized(plain));
          for (const entry of journal) {
            if ('stepId' in entry) twin.apply({ ...entry, stepId: nameOf.get(entry.stepId)! });
            else if ('lost' in entry) twin.apply({ ...entry, lost: entry.lost.map((id) => nameOf.get(id)!) });
            else twin.apply(entry);
          }
          for (const { id, status } of kernel.statuses()) expect(twin.stepStatus(nameOf.get(id)!)).toBe(status);
          expect(
            kernel
              .gaps()
              .map(({ key }) => nameOf.get(key))
              .sort(),
          ).toEqual(
            twin
              .gaps()
              .map(({ key }) => key)
              .sort(),
          );
        },
      ),
      { numRuns: 80 },
    );
  });

  it('survives alone', () => {
    for (const id of ids) {
      const kernel = createKernel(materialized(handWritten([{ id }])));
      const [start] = kernel.apply({ type: 'run.start', at: 0, graceMs: 0 }).filter(({ type }) => type === 'step.start');
      expect(start).toMatchObject({ stepId: id, attempt: 1 });
      kernel.apply({ type: 'step.started', at: 0, stepId: id, attempt: 1 });
      expect(kernel.stepStatus(id)).toBe('running');
    }
  });
});
