import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import { CheckpointMismatchError } from '../../../src/core/kernel/illegal-input-error.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import type { CheckpointParts } from '../../../src/core/ports/store.js';
import { mergeCheckpoint } from '../../../src/core/storing/merge-checkpoint.js';
import { chainProposal, starProposal } from '../../../src/core/testing/sample-proposals.js';
import { anyMaterialized, anyTeam, handWritten, materialized, planned } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { sagaRun } from '../../support/saga-run.js';
import { tightRun } from '../../support/tight-run.js';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const spend = { inputTokens: 1, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
const begin = { type: 'run.start', at: 0, graceMs: 10 } as const;

/** Every part as a store would have it, kept up as changes are taken. */
function createShelf() {
  let parts: CheckpointParts | undefined;
  return {
    keep: (kernel: Kernel): void => void (parts = mergeCheckpoint(parts, copy(kernel.takeChanges()))),
    restored: (run: MaterializedRun): Kernel => createKernel(run, { parts: parts! }),
    get parts() {
      return parts!;
    },
  };
}

describe('the changes of a kernel', () => {
  it('HB-04 add up to its state, whenever they are taken', () => {
    const runs = fc.oneof(anyMaterialized(), tightRun('fail'), sagaRun, limitedRun, anyTeam(), anyTeam());
    fc.assert(
      fc.property(
        runs,
        fateArbitrary({ unclear: true }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
        (run, fate, moments) => {
          const shelf = createShelf();
          let turn = 0;
          const { kernel } = runToEnd(run, fate, {
            onTurn({ kernel: now }) {
              if (!moments[turn++ % moments.length]) return;
              shelf.keep(now);
              const restored = shelf.restored(run);
              expect(restored.digest()).toBe(now.digest());
              expect(restored.takeChanges()).toEqual({});
            },
          });
          shelf.keep(kernel);
          expect(shelf.restored(run).digest()).toBe(kernel.digest());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('CC-21 go on being taken by whoever goes on from them', () => {
    fc.assert(
      fc.property(fc.oneof(anyMaterialized(), anyTeam()), fateArbitrary(), (run, fate) => {
        const live = runToEnd(run, fate);
        const shelf = createShelf();
        const interrupted = runToEnd(run, fate, {
          swap(kernel) {
            shelf.keep(kernel);
            return shelf.restored(run);
          },
        });
        expect(interrupted.commands).toEqual(live.commands);
        expect(interrupted.kernel.digest()).toBe(live.kernel.digest());
      }),
      { numRuns: 40 },
    );
  });

  it('are given in full by a kernel that was made from a whole checkpoint', () => {
    const run = materialized(handWritten([{ id: 'a' }, { id: 'b' }]));
    const kernel = createKernel(run);
    const error = { code: 'X', message: 'x' };
    const inputs: readonly RunInput[] = [
      begin,
      { type: 'step.started', at: 1, stepId: 'a', attempt: 1 },
      { type: 'step.failed', at: 2, stepId: 'a', attempt: 1, error, retryable: false, spend },
    ];
    for (const input of inputs) kernel.apply(input);
    const shelf = createShelf();
    shelf.keep(createKernel(run, copy(kernel.checkpoint())));
    expect(Object.keys(shelf.parts).sort()).toEqual(['accounts/0', 'errors/0', 'run', 'steps/0']);
    expect(shelf.restored(run).digest()).toBe(kernel.digest());
  });

  it('hold where a route led', () => {
    const rule = { to: ['b'], reason: 'Because.' };
    const steps = [{ id: 'a', kind: 'route' as const, routes: [rule] }, ...['b', 'c'].map((id) => ({ id, dependsOn: ['a'] }))];
    const run = materialized(handWritten(steps));
    const shelf = createShelf();
    let kernel = createKernel(run);
    const inputs: readonly RunInput[] = [
      begin,
      { type: 'step.started', at: 1, stepId: 'a', attempt: 1 },
      { type: 'step.succeeded', at: 2, stepId: 'a', attempt: 1, output: null, spend, branch: rule },
    ];
    for (const input of inputs) {
      kernel.apply(input);
      shelf.keep(kernel);
      expect(shelf.restored(run).digest()).toBe(kernel.digest());
      kernel = shelf.restored(run);
    }
    expect([kernel.stepStatus('b'), kernel.stepStatus('c')]).toEqual(['ready', 'skipped']);
  });

  it('cost what an input has touched, whatever the size of the plan', () => {
    const kernel = createKernel(materialized(planned(chainProposal({ tickets: 10_000 }))));
    kernel.apply(begin);
    kernel.takeChanges();
    expect(kernel.takeChanges()).toEqual({});
    kernel.apply({ type: 'step.started', at: 1, stepId: 't0', attempt: 1 });
    const changes = kernel.takeChanges();
    expect(Object.keys(changes)).toEqual(['run', 'steps/0']);
    expect(JSON.stringify(changes).length).toBeLessThan(8_000);
  });

  it('take a few bytes a step in all, where a run of 10,000 is stored now and then', () => {
    const run = materialized(planned(starProposal({ dependents: 9_999 })));
    const kernel = createKernel(run);
    let at = 0;
    let bytes = 0;
    const take = (input: RunInput): void => {
      const commands = kernel.apply(input);
      at += 1;
      if (at % 500 === 0) bytes += JSON.stringify(kernel.takeChanges()).length;
      if (commands.some(({ type }) => type === 'continue')) take({ type: 'run.continue', at });
    };
    take(begin);
    for (const { id } of kernel.statuses().slice(0, -1)) {
      take({ type: 'step.started', at, stepId: id, attempt: 1 });
      take({ type: 'step.succeeded', at, stepId: id, attempt: 1, output: null, spend });
    }
    expect(kernel.status).toBe('synthesizing');
    expect(bytes / 10_000).toBeLessThan(150);
  });
});

describe('parts that do not make a checkpoint', () => {
  const run = materialized(handWritten([{ id: 'a' }]));
  const kernel = createKernel(run);
  kernel.apply(begin);
  const parts = kernel.takeChanges();

  it.each<[string, CheckpointParts, RegExp]>([
    ['of another format', { ...parts, run: { ...(parts['run'] as object), formatVersion: 2 } }, /version 2, .* version 1/],
    ['of other machines', { ...parts, run: { ...(parts['run'] as object), digest: 'zebra' } }, /digest zebra/],
    ['without the figures of the run', { 'steps/0': parts['steps/0']!, 'accounts/0': parts['accounts/0']! }, /"run" is missing/],
    ['without a block', { run: parts['run']!, 'accounts/0': parts['accounts/0']! }, /"steps\/0" is missing/],
    ['with rows cut off', { ...parts, 'steps/0': { ...(parts['steps/0'] as object), status: [1] } }, /"status" of block 0/],
    ['with a column lost', { ...parts, 'steps/0': { status: [1, 0] } }, /has no rows/],
    ['that are none', {}, /"run" is missing/],
  ])('%s are refused', (_, bad, message) => {
    expect(() => createKernel(run, { parts: bad })).toThrow(CheckpointMismatchError);
    expect(() => createKernel(run, { parts: bad })).toThrow(message);
  });
});
