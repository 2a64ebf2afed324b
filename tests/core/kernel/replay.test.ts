import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel, replay } from '../../../src/core/kernel/create-kernel.js';
import { CheckpointMismatchError } from '../../../src/core/kernel/illegal-input-error.js';
import type { JournalEntry } from '../../../src/core/ports/run.js';
import { ada, anyMaterialized, anyTeam, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { sagaRun } from '../../support/saga-run.js';

const runs = fc.oneof(anyMaterialized(), sagaRun, anyTeam(), limitedRun);
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('replay', () => {
  it('comes to the digest and the commands of the live kernel at every entry of the journal', () => {
    fc.assert(
      fc.property(runs, fateArbitrary({ unclear: true }), (run, fate) => {
        const digests: string[] = [];
        const { journal, commands } = runToEnd(run, fate, { onTurn: ({ kernel }) => digests.push(kernel.digest()) });
        const again = createKernel(run);
        for (const [place, entry] of copy(journal).entries()) {
          expect(again.apply(entry)).toEqual(commands[place]);
          expect(again.digest()).toBe(digests[place]);
        }
        const half = Math.floor(journal.length / 2);
        expect(replay(run, copy(journal).slice(0, half)).digest()).toBe(
          half === 0 ? createKernel(run).digest() : digests[half - 1],
        );
        expect(replay(run, copy(journal)).digest()).toBe(digests.at(-1));
      }),
      { numRuns: 70 },
    );
  });

  it('CC-22 HB-46 gives every command an id of its own, and to one that is given again the id that it had', () => {
    let again = 0;
    fc.assert(
      fc.property(runs, fateArbitrary({ unclear: true, controls: ['crash', 'crash', 'cancel'] }), (run, fate) => {
        const { commands, journal } = runToEnd(run, fate);
        const known = new Map<string, string>();
        for (const [place, given] of commands.entries()) {
          for (const [nth, { id, ...command }] of given.entries()) {
            const asked = command.type === 'step.start' || command.type === 'step.compensate' ? command : undefined;
            // What an attempt is asked for may have less to spend, or more lost starts, when it is asked for again.
            const what = asked ? `${asked.type} ${asked.attempt} ${asked.stepId}` : `${command.type} ${place} ${nth}`;
            if (known.has(id)) again += 1;
            else expect(id).toBe(`${journal[place]!.seq}.${nth}`);
            expect(known.get(id) ?? what).toBe(what);
            known.set(id, what);
          }
        }
        expect(new Set(known.values()).size).toBe(known.size);
      }),
      { numRuns: 50 },
    );
    expect(again).toBeGreaterThan(5);
  });

  it('passes over entries that are not for the kernel, and keeps their place in the ids', () => {
    const run = materialized(handWritten([{ id: 'a' }]));
    const journal: JournalEntry[] = [
      { seq: 1, at: 1, type: 'run.approved', revision: 1, digest: 'd', approvedBy: ada, steps: null },
      { seq: 2, at: 2, type: 'run.start', graceMs: 0 },
    ];
    const kernel = replay(run, journal);
    expect(kernel.seq).toBe(2);
    expect(kernel.apply({ type: 'step.started', at: 3, stepId: 'a', attempt: 1 })[0]).toMatchObject({ id: '3.0' });
  });
});

describe('a checkpoint', () => {
  it('taken and put back after every input, through JSON, changes nothing in how the run goes on', () => {
    fc.assert(
      fc.property(runs, fateArbitrary({ unclear: true }), (run, fate) => {
        const live = runToEnd(run, fate);
        const interrupted = runToEnd(run, fate, { swap: (kernel) => createKernel(run, copy(kernel.checkpoint())) });
        expect(interrupted.journal).toEqual(live.journal);
        expect(interrupted.commands).toEqual(live.commands);
        expect(interrupted.kernel.digest()).toBe(live.kernel.digest());
        expect(interrupted.kernel.gaps()).toEqual(live.kernel.gaps());
      }),
      { numRuns: 50 },
    );
  });

  it('is not touched by the kernel that it was taken from, nor by one that starts from it', () => {
    const run = materialized(handWritten([{ id: 'a' }, { id: 'b', dependsOn: ['a'] }]));
    const kernel = createKernel(run);
    kernel.apply({ type: 'run.start', at: 1, graceMs: 0 });
    const checkpoint = kernel.checkpoint();
    const before = JSON.stringify(checkpoint);
    createKernel(run, checkpoint).apply({ type: 'run.cancel', at: 2, reason: 'no' });
    kernel.apply({ type: 'run.cancel', at: 2, reason: 'no' });
    expect(JSON.stringify(checkpoint)).toBe(before);
  });

  it('of other machines, of another format, or with a column cut off is refused', () => {
    const run = materialized(handWritten([{ id: 'a' }]));
    const other = materialized(handWritten([{ id: 'b' }]));
    const checkpoint = createKernel(run).checkpoint();
    const columns = { ...checkpoint.columns, status: [] };
    const unknown = { ...checkpoint.columns, status: checkpoint.columns['status']!.map(() => 99) };
    expect(() => createKernel(other, checkpoint)).toThrow(CheckpointMismatchError);
    expect(() => createKernel(run, { ...checkpoint, formatVersion: 2 as 1 })).toThrow(/version 2/);
    expect(() => createKernel(run, { ...checkpoint, columns })).toThrow(/"status" has 0 rows instead of 2/);
    expect(() => createKernel(run, { ...checkpoint, columns: unknown })).toThrow(/a status that no chart has/);
  });
});
