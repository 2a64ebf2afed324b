import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { Command, RunFact } from '../../../src/core/ports/run-output.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import { ada, anyMaterialized, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, isOver, runToEnd } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

const spend = { inputTokens: 1, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
const error = { code: 'X', message: 'It is broken.' };
const compensation = { role: 'worker', instructions: 'Undo it.' };
const begin = { type: 'run.start', at: 0, graceMs: 10 } as const;
const recovered = { type: 'run.recovered', at: 50, lost: [], maxLostStarts: 2, shiftMs: 0 } as const;

const ofType = <Type extends Command['type']>(commands: readonly Command[], type: Type) =>
  commands.filter((command): command is Extract<Command, { readonly type: Type }> => command.type === type);
const factsOf = (commands: readonly Command[]): RunFact[] => ofType(commands, 'publish').map(({ event }) => event);
const started = (stepId: string, attempt = 1): RunInput => ({ type: 'step.started', at: 1, stepId, attempt });
const succeeded = (stepId: string, attempt = 1): RunInput => ({
  type: 'step.succeeded',
  at: 2,
  stepId,
  attempt,
  output: stepId,
  spend,
});
const failed = (stepId: string, attempt = 1, retryable = false): RunInput => ({
  type: 'step.failed',
  at: 3,
  stepId,
  attempt,
  error,
  retryable,
  spend,
});
const done = (stepId: string, attempt = 1): readonly RunInput[] => [started(stepId, attempt), succeeded(stepId, attempt)];

/** Three steps in a row that can be undone; the last ends the run when it fails. */
const chain = (parts: Parameters<typeof handWritten>[1] = {}): MaterializedRun =>
  materialized(
    handWritten(
      [
        { id: 'a', compensation },
        { id: 'b', compensation, dependsOn: ['a'], timeoutMs: 100 },
        { id: 'c', compensation, dependsOn: ['b'], onFailure: 'fail-run' },
      ],
      parts,
    ),
  );

function take(run: MaterializedRun, inputs: readonly RunInput[]) {
  const kernel = createKernel(run);
  const commands = inputs.map((input) => kernel.apply(input));
  return { kernel, commands, last: commands.at(-1)! };
}

const failing = [begin, ...done('a'), ...done('b'), started('c'), failed('c')];

describe('a run that fails', () => {
  it('HB-35 undoes what it did, the last first, each once, and then ends', () => {
    const { kernel, commands } = take(chain(), [...failing, ...done('b', 2), ...done('a', 2)]);
    expect(ofType(commands.flat(), 'step.compensate').map(({ stepId, attempt, effort }) => [stepId, attempt, effort])).toEqual([
      ['b', 2, 1],
      ['a', 2, 1],
    ]);
    expect(kernel.statuses().map(({ status }) => status)).toEqual(['compensated', 'compensated', 'failed', 'cancelled']);
    expect([kernel.status, kernel.hasWorkLeft]).toEqual(['failed', false]);
    const ends = factsOf(commands.flat()).map(({ type }) => type);
    expect(ends.slice(-3)).toEqual(['step.compensating', 'step.compensated', 'run.failed']);
    expect(kernel.stop?.error['compensationsFailed']).toBe(undefined);
  });

  it('HB-35 HB-46 asks again for what was being undone when its process was lost, under the same id', () => {
    for (const before of [[], [started('b', 2)]]) {
      const { kernel, commands, last } = take(chain({ budget: { maxTokens: 100 } }), [...failing, ...before, recovered]);
      const [asked] = ofType(commands.flat(), 'step.compensate');
      expect(ofType(last, 'step.compensate')).toEqual([asked]);
      for (const input of [...done('b', 2), ...done('a', 2)]) kernel.apply(input);
      expect([kernel.status, kernel.ledger.reservedTokens]).toEqual(['failed', 0]);
    }
  });

  it('does not start for ever what ends its process each time', () => {
    const lost = { ...recovered, lost: ['b'] };
    const { kernel, last } = take(chain(), [...failing, started('b', 2), lost, started('b', 2), lost]);
    expect(kernel.errorOf('b')).toMatchObject({ code: 'COMPENSATION_FAILED', cause: { code: 'LOST_STARTS' } });
    expect(ofType(last, 'step.compensate').map(({ stepId }) => stepId)).toEqual(['a']);
  });

  it('tries three times at least, with pauses, and says what it could not undo', () => {
    const efforts = [2, 3].flatMap((attempt): RunInput[] => [
      started('b', attempt),
      failed('b', attempt, true),
      { type: 'step.retry-due', at: 9, stepId: 'b', attempt },
    ]);
    const { kernel, commands } = take(chain(), [...failing, ...efforts, started('b', 4), failed('b', 4, true), ...done('a', 2)]);
    const facts = factsOf(commands.flat());
    const tries = facts.filter((fact) => fact.type === 'step.compensation-failed');
    expect(tries.map((fact) => [fact.attempt, fact.retryAt])).toEqual([
      [2, 1_003],
      [3, 2_003],
      [4, undefined],
    ]);
    expect(ofType(commands.flat(), 'step.compensate').map(({ stepId, effort }) => `${stepId} ${effort}`)).toEqual([
      'b 1',
      'b 2',
      'b 3',
      'a 1',
    ]);
    expect(kernel.errorOf('b')).toMatchObject({ code: 'COMPENSATION_FAILED', efforts: 3, cause: error });
    expect(facts.at(-1)).toMatchObject({ type: 'run.failed', error: { code: 'X', compensationsFailed: ['b'] } });
    expect(kernel.stepStatus('a')).toBe('compensated');
  });

  it('gives up at once on what says that it is final, and on what takes too long only after it was tried again', () => {
    const final = take(chain(), [...failing, started('b', 2), failed('b', 2)]);
    expect(final.kernel.stepStatus('b')).toBe('failed');
    const slow = take(chain(), [...failing, started('b', 2), { type: 'step.timed-out', at: 200, stepId: 'b', attempt: 2 }]);
    expect(slow.last).toContainEqual(expect.objectContaining({ type: 'step.abort', stepId: 'b', attempt: 2 }));
    expect(factsOf(slow.last)).toContainEqual(expect.objectContaining({ type: 'step.compensation-failed', retryAt: 1_200 }));
  });

  it('CC-12 has no ceiling in its way when it undoes, and charges what that takes', () => {
    const run = chain({ budget: { maxTokens: 5 } });
    const dear = { ...succeeded('b'), spend: { ...spend, inputTokens: 4 } } as RunInput;
    const { kernel, commands } = take(run, [begin, ...done('a'), started('b'), dear]);
    // Nothing is left for c: the run is over its ceiling, and b is undone with nothing to spend.
    expect(kernel.stop?.reason).toBe('budget_exceeded');
    expect(ofType(commands.flat(), 'step.compensate')[0]).toMatchObject({ stepId: 'b', allowance: { tokens: 0 } });
    for (const input of done('b', 2)) kernel.apply(input);
    expect(kernel.ledger.spentTokens).toBe(6);
  });

  it.each([
    ['on-failure', true, false],
    ['on-cancel', false, true],
    ['never', false, false],
    ['always', true, true],
  ] as const)('undoes by policy: %s', (compensate, onFailure, onCancel) => {
    const start = { ...begin, compensate };
    const cancel = { type: 'run.cancel', at: 9, reason: 'Enough.' } as const;
    const asks = (inputs: readonly RunInput[]) => ofType(take(chain(), [start, ...inputs]).last, 'step.compensate').length > 0;
    expect(asks(failing.slice(1))).toBe(onFailure);
    expect(asks([...done('a'), cancel])).toBe(onCancel);
    expect(asks([...done('a'), { ...cancel, compensate: false }])).toBe(false);
    expect(asks([...done('a'), { ...cancel, compensate: true }])).toBe(true);
  });

  it('undoes while it is paused, and after the grace time', () => {
    const cancel = { type: 'run.cancel', at: 9, reason: 'Enough.' } as const;
    const inputs: readonly RunInput[] = [begin, ...done('a'), started('b'), { type: 'run.pause', at: 5 }, cancel];
    const { kernel, last } = take(chain(), [...inputs, { type: 'run.grace-over', at: 19 }]);
    // What was cut off may have happened, and would have to be undone.
    expect(kernel.stepStatus('b')).toBe('in-doubt');
    expect(ofType(last, 'step.compensate').map(({ stepId }) => stepId)).toEqual(['a']);
    for (const input of done('a', 2)) kernel.apply(input);
    expect([kernel.status, kernel.hasWorkLeft]).toEqual(['cancelled', true]);
  });
});

describe('a step in doubt when its run is over', () => {
  /** A run that was cancelled with its first step under way. */
  const cut = (effect: 'once' | 'idempotent' = 'once', undoable = true) => {
    const steps = [{ id: 'a', effect, ...(undoable && { compensation }) }];
    const inputs: readonly RunInput[] = [
      begin,
      started('a'),
      { type: 'run.cancel', at: 5, reason: 'Enough.' },
      { type: 'run.grace-over', at: 15 },
    ];
    const { kernel, last } = take(materialized(handWritten(steps)), inputs);
    expect([kernel.status, kernel.stepStatus('a')]).toEqual(['cancelled', 'in-doubt']);
    return { kernel, last };
  };
  const probed = (kind: 'happened' | 'not-happened'): RunInput => {
    const finding = kind === 'happened' ? ({ kind, output: 1, spend } as const) : ({ kind } as const);
    return { type: 'step.probed', at: 20, stepId: 'a', attempt: 1, finding };
  };
  const approved = (approve: boolean): RunInput => ({
    type: 'step.decided',
    at: 20,
    stepId: 'a',
    decision: { approve, by: ada },
  });
  const settles = (commands: readonly Command[]) => ofType(commands, 'run.settled').length;

  it.each<[string, RunInput]>([
    ['a late result', succeeded('a')],
    ['a probe', probed('happened')],
    ['a person', approved(true)],
  ])('HB-34 HB-35 is undone once %s says that it has happened', (_, input) => {
    const { kernel, last } = cut();
    expect(ofType(last, 'step.probe')).toHaveLength(1);
    expect(kernel.hasWorkLeft).toBe(true);
    expect(ofType(kernel.apply(input), 'step.compensate')).toMatchObject([{ stepId: 'a', attempt: 2, effort: 1 }]);
    kernel.apply(started('a', 2));
    const commands = kernel.apply(succeeded('a', 2));
    if (input.type === 'step.decided')
      commands.push(...kernel.apply({ type: 'step.spent', at: 30, stepId: 'a', attempt: 1, spend }));
    expect([kernel.status, kernel.stepStatus('a'), kernel.hasWorkLeft]).toEqual(['cancelled', 'compensated', false]);
    expect(settles(commands)).toBe(1);
    expect(ofType(commands, 'run.ended')).toEqual([]);
    expect(() => kernel.apply(input)).toThrow('the run is over');
  });

  it('is not undone once it is certain that it has not happened', () => {
    const { kernel } = cut();
    // The attempt may be under way still, so this says nothing yet.
    kernel.apply(probed('not-happened'));
    expect(kernel.stepStatus('a')).toBe('in-doubt');
    kernel.apply(recovered);
    const commands = kernel.apply(probed('not-happened'));
    expect(kernel.errorOf('a')).toMatchObject({ code: 'NOT_STARTED' });
    expect(ofType(commands, 'step.compensate')).toEqual([]);
    expect([settles(commands), kernel.hasWorkLeft]).toEqual([1, false]);
  });

  it('lists what could not be undone, also after the end', () => {
    const { kernel } = cut('idempotent');
    for (const input of [approved(true), started('a', 2), failed('a', 2)]) kernel.apply(input);
    expect(kernel.stop?.error).toMatchObject({ code: 'CANCELLED', compensationsFailed: ['a'] });
    expect(kernel.status).toBe('cancelled');
  });

  it('is settled by a late result where there is nothing to undo', () => {
    const { kernel } = cut('once', false);
    kernel.apply(succeeded('a'));
    expect([kernel.status, kernel.stepStatus('a'), kernel.hasWorkLeft]).toEqual(['cancelled', 'succeeded', false]);
  });
});

describe('an attempt that was given up before its run was over', () => {
  /** A run without ceilings that has completed while an attempt that had timed out was still under way. */
  const completed = () => {
    const retry = { attempts: 2, backoffMs: 0, factor: 1, maxBackoffMs: 0, jitter: 0 };
    return take(materialized(handWritten([{ id: 'a', timeoutMs: 5, retry }])), [
      begin,
      started('a'),
      { type: 'step.timed-out', at: 6, stepId: 'a', attempt: 1 },
      { type: 'step.retry-due', at: 6, stepId: 'a', attempt: 1 },
      ...done('a', 2),
      ...done('synthesis'),
      { type: 'run.delivered', at: 8 },
    ]);
  };

  it('is charged what it says it spent, within the grace time', () => {
    const { kernel, last } = completed();
    expect([kernel.status, kernel.hasWorkLeft]).toEqual(['completed', true]);
    expect(ofType(last, 'timer.set')).toMatchObject([{ timer: 'given-up:0:1', dueAt: 18 }]);
    const spentTokens = kernel.ledger.spentTokens;
    const commands = kernel.apply({ type: 'step.spent', at: 9, stepId: 'a', attempt: 1, spend });
    expect(ofType(commands, 'run.settled')).toHaveLength(1);
    expect(kernel.ledger.spentTokens).toBe(spentTokens + 1);
  });

  it('is seen to in the order of the plan, so that a kernel from a checkpoint says the same', () => {
    const steps = ['a', 'b'].map((id) => ({ id, timeoutMs: 5 }));
    const run = materialized(handWritten(steps));
    const timedOut = (stepId: string): RunInput => ({ type: 'step.timed-out', at: 6, stepId, attempt: 1 });
    const { kernel } = take(run, [begin, started('a'), started('b'), timedOut('b')]);
    const twin = createKernel(run, kernel.checkpoint());
    expect(twin.apply(timedOut('a'))).toEqual(kernel.apply(timedOut('a')));
    expect(createKernel(run, kernel.checkpoint()).apply(recovered)).toEqual(kernel.apply(recovered));
  });

  it('is not waited for any longer', () => {
    const { kernel } = completed();
    const commands = kernel.apply({ type: 'step.given-up', at: 18, stepId: 'a', attempt: 1 });
    expect([kernel.hasWorkLeft, ofType(commands, 'run.settled').length]).toEqual([false, 1]);
    expect(() => kernel.apply({ type: 'step.spent', at: 19, stepId: 'a', attempt: 1, spend })).toThrow('the run is over');
  });
});

const runs = fc.oneof({ weight: 3, arbitrary: sagaRun }, { weight: 1, arbitrary: anyMaterialized() });

describe('whatever happens', () => {
  it('HB-35 steps are undone one at a time, in reverse, each once, with efforts numbered from 1', () => {
    let undone = 0;
    fc.assert(
      fc.property(runs, fateArbitrary({ controls: ['cancel', 'crash', 'pause', 'repeat'] }), (run, fate) => {
        const efforts = new Map<string, number>();
        const concluded = new Set<string>();
        const place = (stepId: string): number => run.graph.indexOf.get(stepId)!;
        let undoing: string | undefined;
        let before: ReadonlyMap<string, string> = new Map();
        runToEnd(run, fate, {
          onTurn({ kernel, commands }) {
            for (const command of commands) {
              if (command.type === 'publish') {
                const { event } = command;
                const isFinal = event.type === 'step.compensation-failed' && event.retryAt === undefined;
                if (event.type === 'step.compensated' || isFinal) {
                  expect(concluded.has(event.stepId)).toBe(false);
                  concluded.add(event.stepId);
                  undoing = undefined;
                  undone += 1;
                }
              }
              if (command.type !== 'step.compensate') continue;
              const { stepId, effort, attempt } = command;
              expect(undoing ?? stepId).toBe(stepId);
              expect(concluded.has(stepId)).toBe(false);
              const known = efforts.get(stepId) ?? 0;
              expect([known, known + 1]).toContain(effort);
              expect(kernel.attempt(stepId)).toBe(attempt);
              if (undoing === undefined) {
                // Whatever else could be undone by now stands before it.
                const later = [...before].filter(([id, status]) => status === 'succeeded' && place(id) > place(stepId));
                expect(later.filter(([id]) => run.definition.steps[place(id)]!.compensation)).toEqual([]);
              }
              undoing = stepId;
              efforts.set(stepId, effort);
            }
            before = new Map(kernel.statuses().map(({ id, status }) => [id, status]));
          },
        });
      }),
      { numRuns: 250 },
    );
    expect(undone).toBeGreaterThan(40);
  });

  it('HB-35 nothing that has happened is left, or the run says of what', () => {
    fc.assert(
      fc.property(runs, fateArbitrary(), (run, fate) => {
        const { kernel, commands, facts } = runToEnd(run, fate);
        expect(kernel.hasWorkLeft).toBe(false);
        const failures = facts.filter((fact) => fact.type === 'step.compensation-failed' && fact.retryAt === undefined);
        const ids = failures.map((fact) => ('stepId' in fact ? fact.stepId : ''));
        expect(kernel.stop?.error['compensationsFailed'] ?? []).toEqual(ids);
        const isUndone = ofType(commands.flat(), 'step.compensate').length > 0;
        for (const { compensation: undoing, id } of run.definition.steps) {
          if (undoing && isUndone) expect(['succeeded', 'in-doubt', 'compensating']).not.toContain(kernel.stepStatus(id));
        }
      }),
      { numRuns: 120 },
    );
  });

  it('HB-46 CC-22 no effect that may happen only once happens twice', () => {
    let happened = 0;
    fc.assert(
      fc.property(runs, fateArbitrary({ controls: ['crash', 'crash', 'cancel', 'repeat'] }), (run, fate) => {
        const { effects } = runToEnd(run, fate);
        const once = effects.filter(({ stepId, isUndoing }) => !isUndoing && effectOf(run, stepId) === 'once');
        happened += once.length;
        expect(new Set(once.map(({ stepId }) => stepId)).size).toBe(once.length);
      }),
      { numRuns: 250 },
    );
    expect(happened).toBeGreaterThan(50);
  });

  it('a run ends once, and says once when it has done what was left after that', () => {
    fc.assert(
      fc.property(runs, fateArbitrary(), (run, fate) => {
        const open: boolean[] = [];
        const { commands } = runToEnd(run, fate, {
          onTurn({ kernel }) {
            if (isOver(kernel)) open.push(kernel.hasWorkLeft);
          },
        });
        expect(ofType(commands.flat(), 'run.ended')).toHaveLength(1);
        const ended = commands.findIndex((given) => ofType(given, 'run.ended').length > 0);
        const settled = commands.flatMap((given, turn) => (ofType(given, 'run.settled').length > 0 ? [turn] : []));
        expect(settled).toEqual(open[0] ? [ended + open.indexOf(false)] : []);
        expect(open.lastIndexOf(true)).toBeLessThan(open.indexOf(false));
      }),
      { numRuns: 80 },
    );
  });
});

const effectOf = ({ definition, graph }: MaterializedRun, stepId: string) => definition.steps[graph.indexOf.get(stepId)!]!.effect;

describe('very many steps', () => {
  it('are undone in linear time', () => {
    const width = 5_000;
    const steps = Array.from({ length: width }, (_, index) => ({ id: `t${index}`, compensation }));
    const kernel = createKernel(materialized(handWritten(steps)));
    const applyAll = (input: RunInput): Command[] => {
      const all = kernel.apply(input);
      for (let more = all; more.some(({ type }) => type === 'continue');)
        all.push(...(more = kernel.apply({ type: 'run.continue', at: input.at })));
      return all;
    };
    applyAll(begin);
    for (const { id } of steps) for (const input of done(id)) kernel.apply(input);
    let asked = ofType(applyAll({ type: 'run.cancel', at: 9, reason: 'Enough.' }), 'step.compensate');
    const order: string[] = [];
    for (let turn = 0; asked.length > 0 && turn < 2 * width; turn += 1) {
      const { stepId, attempt } = asked[0]!;
      order.push(stepId);
      kernel.apply(started(stepId, attempt));
      asked = ofType(kernel.apply(succeeded(stepId, attempt)), 'step.compensate');
    }
    expect(order).toEqual(steps.map(({ id }) => id).reverse());
    expect(kernel.status).toBe('cancelled');
  });
});
