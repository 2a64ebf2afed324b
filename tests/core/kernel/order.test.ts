import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import { isSettled } from '../../../src/core/kernel/step-status.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { StepStatus } from '../../../src/core/ports/run.js';
import { anyMaterialized, handWritten, materialized } from '../../support/materialized.js';
import { expectedEnd, isCompensated, undoneStatus } from '../../support/run-oracle.js';
import { fateArbitrary, isOver, runToEnd, type Fate, type Story } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

const statusesOf = ({ kernel }: Story) => new Map(kernel.statuses().map(({ id, status }) => [id, status]));

const unlimited = () => anyMaterialized({ budgets: false });
const undisturbed = () => fateArbitrary({ controls: ['pause', 'resume', 'repeat'], racing: false });

describe('what a run comes to', () => {
  it('CX-20 CC-37 is what a reader of the plan would expect, whatever the order of results', () => {
    fc.assert(
      fc.property(unlimited(), undisturbed(), (run, fate) => {
        const story = runToEnd(run, fate);
        const expected = expectedEnd(run, fate);
        expect(story.kernel.status).toBe(expected.status);
        expect(story.kernel.stop?.reason).toBe(expected.reason);
        const isCut = expected.reason === 'step_failed';
        for (const [id, status] of statusesOf(story)) {
          const outcomes = [expected.statuses.get(id)!, ...(isCut ? cutOutcomes(run, fate, id) : [])];
          expect(outcomes).toContain(status);
        }
      }),
      { numRuns: 70 },
    );
  });

  it('CC-39 does not depend on luck: every run ends, its steps settled or in doubt, and a cancelled one is cancelled', () => {
    fc.assert(
      fc.property(fc.oneof(anyMaterialized(), sagaRun), fateArbitrary(), (run, fate) => {
        const { kernel, facts } = runToEnd(run, fate);
        expect(isOver(kernel)).toBe(true);
        for (const { status } of kernel.statuses()) expect(isSettled(status) || status === 'in-doubt').toBe(true);
        expect(kernel.status).toBe(kernel.stop?.to ?? 'completed');
        const end = facts.findIndex(({ type }) => type === `run.${kernel.status}`);
        // What comes after the end is about single steps.
        const after = facts.slice(end).filter(({ type }) => type.startsWith('run.') && type !== 'run.recovered');
        expect(after).toHaveLength(1);
      }),
      { numRuns: 70 },
    );
  });
});

/** What may stand in the place of an expected status when the run was cut short before the step had come to it. */
function cutOutcomes({ definition, graph }: MaterializedRun, fate: Fate, id: string): StepStatus[] {
  const index = graph.indexOf.get(id)!;
  const step = definition.steps[index]!;
  const isUndoable = step.compensation !== undefined && isCompensated(fate);
  // What was cut off turns out to have happened, or not to have, and in the first case it is undone.
  if (isUndoable) return ['cancelled', 'failed', undoneStatus(step, fate, index)];
  // Who would have been cut off by its time limit may answer within the grace time instead.
  const plans = fate.attempts[index % fate.attempts.length]!;
  const mayAnswerLate = plans.some(({ end, late }) => end === 'hang' && late === 'succeed');
  return [
    'cancelled',
    ...(mayAnswerLate ? (['succeeded'] as const) : []),
    ...(step.effect === 'once' ? (['in-doubt', 'succeeded', 'failed'] as const) : []),
  ];
}

describe('no step starts', () => {
  it('CC-08 before all it waits for has succeeded, or, where it waits for settling, has settled', () => {
    fc.assert(
      fc.property(anyMaterialized(), fateArbitrary(), (run, fate) => {
        runToEnd(run, fate, {
          onTurn({ kernel, input, commands }) {
            const started = commands.flatMap((command) => (command.type === 'step.start' ? [command.stepId] : []));
            if (input.type === 'step.started') started.push(input.stepId);
            for (const id of started) {
              const { dependsOn, join } = run.definition.steps[run.graph.indexOf.get(id)!]!;
              const statuses = dependsOn.map((dependency) => kernel.stepStatus(dependency));
              expect(statuses.every((status) => (join === 'all-settled' ? isSettled(status) : status === 'succeeded'))).toBe(
                true,
              );
            }
          },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('CC-49 after the run was cancelled, or is stopping for another reason', () => {
    fc.assert(
      fc.property(fc.oneof(anyMaterialized(), sagaRun), fateArbitrary(), (run, fate) => {
        let isStopping = false;
        runToEnd(run, fate, {
          onTurn({ kernel, input, commands }) {
            if (isStopping && input.type === 'step.started') expect(kernel.stepStatus(input.stepId)).toBe('compensating');
            isStopping = kernel.stop !== null;
            if (isStopping) expect(commands.filter(({ type }) => type === 'step.start')).toEqual([]);
          },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('while the run is paused', () => {
    fc.assert(
      fc.property(anyMaterialized(), fateArbitrary({ controls: ['pause', 'pause', 'resume'] }), (run, fate) => {
        runToEnd(run, fate, {
          onTurn({ kernel, commands }) {
            if (kernel.paused) expect(commands.filter(({ type }) => type === 'step.start')).toEqual([]);
          },
        });
      }),
      { numRuns: 30 },
    );
  });

  it('CC-11 CC-34 of the synthesis before everything else has settled and the run says that it is synthesizing', () => {
    fc.assert(
      fc.property(anyMaterialized(), fateArbitrary(), (run, fate) => {
        const { facts } = runToEnd(run, fate);
        const synthesizing = facts.findIndex(({ type }) => type === 'run.synthesizing');
        const starts = facts.flatMap((fact, place) =>
          fact.type === 'step.started' && fact.stepId === 'synthesis' ? [place] : [],
        );
        if (starts.length > 0) expect(starts[0]).toBeGreaterThan(synthesizing);
        if (synthesizing < 0) expect(starts).toEqual([]);
        else {
          const settling = new Set(['step.succeeded', 'step.failed', 'step.skipped', 'step.cancelled']);
          const before = facts.slice(0, synthesizing).filter(({ type }) => settling.has(type));
          expect(before).toHaveLength(run.definition.steps.length - 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('CC-37 of the synthesis when every ticket failed', () => {
    const run = materialized(handWritten([{ id: 'a' }, { id: 'b' }, { id: 'c', dependsOn: ['b'] }]));
    fc.assert(
      fc.property(fateArbitrary({ controls: [], racing: false }), (fate) => {
        const attempts = [[{ end: 'fatal', late: 'fail', share: 0 } as const]];
        const { kernel, facts } = runToEnd(run, { ...fate, attempts });
        expect(kernel.status).toBe('failed');
        expect(kernel.stop?.reason).toBe('all_tickets_failed');
        expect(facts.some((fact) => fact.type === 'run.synthesizing')).toBe(false);
        expect(
          kernel
            .statuses()
            .map(({ status }) => status)
            .sort(),
        ).toEqual(['cancelled', 'failed', 'failed', 'skipped']);
        expect(kernel.gaps().map(({ key, reason }) => [key, reason.code])).toEqual([
          ['a', 'NO_LUCK'],
          ['b', 'NO_LUCK'],
          ['c', 'DEPENDENCY_NOT_MET'],
        ]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('cancelling', () => {
  it('CC-39 ends a run in any state in which it is not over', () => {
    fc.assert(
      fc.property(anyMaterialized(), fateArbitrary({ controls: [] }), fc.nat({ max: 40 }), (run, fate, turn) => {
        const { kernel, journal } = runToEnd(run, { ...fate, controls: [{ turn, what: 'cancel' }] });
        // It comes too late for a run that is over, or on its way to fail.
        const isTaken = journal.some(({ type }) => type === 'run.cancel');
        expect(kernel.status === 'cancelled').toBe(isTaken);
        if (isTaken) expect(kernel.stop?.to).toBe('cancelled');
        else expect(kernel.stop?.to ?? kernel.status).toBe(kernel.status);
      }),
      { numRuns: 50 },
    );
    const approvedOnly = createKernel(materialized(handWritten([{ id: 'a' }])));
    approvedOnly.apply({ type: 'run.cancel', at: 1, reason: 'Never mind.' });
    expect(approvedOnly.status).toBe('cancelled');
  });

  it('gives what is under way the grace time, after which it is cancelled, or in doubt where it may happen only once', () => {
    const run = materialized(
      handWritten([
        { id: 'once', effect: 'once' },
        { id: 'again', effect: 'idempotent' },
        { id: 'later', dependsOn: ['once'] },
      ]),
    );
    const kernel = createKernel(run);
    kernel.apply({ type: 'run.start', at: 0, graceMs: 5_000 });
    for (const stepId of ['once', 'again']) kernel.apply({ type: 'step.started', at: 0, stepId, attempt: 1 });
    const commands = kernel.apply({ type: 'run.cancel', at: 100, reason: 'Enough.' });
    expect(
      commands
        .filter(({ type }) => type === 'step.abort')
        .map((command) => 'stepId' in command && command.stepId)
        .sort(),
    ).toEqual(['again', 'once']);
    expect(commands).toContainEqual(expect.objectContaining({ type: 'timer.set', timer: 'run:grace', dueAt: 5_100 }));
    expect([kernel.status, kernel.stepStatus('later'), kernel.stepStatus('once')]).toEqual(['executing', 'cancelled', 'running']);
    kernel.apply({ type: 'run.grace-over', at: 5_100 });
    expect([kernel.status, kernel.stepStatus('once'), kernel.stepStatus('again')]).toEqual([
      'cancelled',
      'in-doubt',
      'cancelled',
    ]);
    expect(kernel.errorOf('once')?.code).toBe('RUN_STOPPED');
  });

  it('takes a result that comes within the grace time, and ends as soon as nothing is under way', () => {
    const run = materialized(handWritten([{ id: 'a' }, { id: 'b', dependsOn: ['a'] }]));
    const kernel = createKernel(run);
    kernel.apply({ type: 'run.start', at: 0, graceMs: 5_000 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 'a', attempt: 1 });
    kernel.apply({ type: 'run.cancel', at: 1, reason: 'Enough.' });
    const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 5, provenance: 'measured' } as const;
    const commands = kernel.apply({ type: 'step.succeeded', at: 2, stepId: 'a', attempt: 1, output: 1, spend });
    expect(commands).toContainEqual(expect.objectContaining({ type: 'timer.clear', timer: 'run:grace' }));
    expect([kernel.status, kernel.stepStatus('a'), kernel.stepStatus('b')]).toEqual(['cancelled', 'succeeded', 'cancelled']);
    expect(kernel.ledger.spentMicroUsd).toBe(5);
  });
});
