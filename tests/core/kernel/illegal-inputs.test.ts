import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import { IllegalInputError } from '../../../src/core/kernel/illegal-input-error.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import { anyMaterialized, anyTeam, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { sagaRun } from '../../support/saga-run.js';

const types: readonly RunInput['type'][] = [
  ...([
    'run.start',
    'run.widen',
    'run.continue',
    'run.pause',
    'run.resume',
    'run.cancel',
    'run.deadline',
    'run.grace-over',
  ] as const),
  ...(['run.delivered', 'run.delivery-failed', 'step.started', 'step.succeeded', 'step.failed', 'step.timed-out'] as const),
  ...(['step.retry-due', 'step.spent', 'step.progress', 'step.decided', 'effect.recorded'] as const),
  ...([
    'run.recovered',
    'step.probed',
    'step.given-up',
    'step.late',
    'step.overdue',
    'run.replanned',
    'step.gate-expired',
  ] as const),
  ...(['step.throttled', 'step.heartbeat-missed', 'step.time-over'] as const),
];

const runs = fc.oneof(anyMaterialized({ maxTickets: 5 }), sagaRun, anyTeam({ maxTickets: 2 }), limitedRun);
const anyValue = fc.oneof(
  { weight: 9, arbitrary: fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }) },
  // What no text can be made of.
  { weight: 1, arbitrary: fc.constant({ toString: 1, valueOf: 2 }) },
);
const amount = fc.oneof(fc.nat(), fc.constantFrom(-1, NaN, Infinity, '1', null));
const spend = fc.record({ inputTokens: amount, outputTokens: amount, costMicroUsd: amount, provenance: fc.constant('measured') });

/** Inputs from nonsense to ones that only come at the wrong time. `pick` chooses the step, `attempt` may be any. */
const stray = fc.oneof(
  anyValue,
  fc.record({ type: anyValue, at: anyValue }),
  fc.record(
    {
      type: fc.constantFrom(...types, '__proto__', 'constructor', 'step.sung'),
      at: fc.oneof({ weight: 9, arbitrary: fc.constant(9_999) }, { weight: 1, arbitrary: anyValue }),
      seq: fc.constantFrom(0, -1, 1.5, NaN, '7'),
      pick: fc.nat(),
      attempt: fc.oneof(fc.integer({ min: 0, max: 4 }), anyValue),
      spend: fc.oneof(spend, anyValue),
      error: fc.oneof(fc.constant({ code: 'X', message: 'x' }), anyValue),
      output: anyValue,
      route: anyValue,
      reason: fc.oneof(fc.string(), anyValue),
      message: fc.oneof(fc.string(), anyValue),
      retryable: fc.oneof(fc.boolean(), anyValue),
      graceMs: fc.oneof(amount, anyValue),
      decision: fc.oneof(fc.constant({ approve: false, by: { kind: 'user', id: 'x' } }), anyValue),
      steps: fc.oneof(fc.constant(['nobody']), anyValue),
      approvedBy: anyValue,
      compensate: fc.oneof(fc.constant('never'), fc.boolean(), anyValue),
      lost: fc.oneof(fc.constant([]), fc.constant(['nobody']), anyValue),
      maxLostStarts: fc.oneof(fc.integer({ min: 1, max: 3 }), amount),
      shiftMs: amount,
      lastBeatAt: amount,
      retryAt: fc.oneof(fc.nat(), anyValue),
      inDoubt: fc.oneof(fc.constant(true), anyValue),
      details: anyValue,
      finding: fc.oneof(
        fc.constant({ kind: 'not-happened' }),
        fc.record({ kind: fc.constant('happened'), output: anyValue, spend }),
      ),
    },
    { requiredKeys: ['type', 'at', 'pick'] },
  ),
);

/** Names a step of the plan, or of none, or what is no name. */
function addressed(input: unknown, run: MaterializedRun): RunInput {
  if (typeof input !== 'object' || input === null || !('pick' in input)) return input as RunInput;
  const ids = [...run.graph.ids, 'no such step', { toString: 1, valueOf: 2 }];
  return { ...input, stepId: ids[(input.pick as number) % ids.length] } as unknown as RunInput;
}

/** Whether the kernel refused an input, in which case it must be as it was. Anything but a typed refusal is a fault. */
function refuses(kernel: Kernel, input: RunInput): boolean {
  const before = kernel.digest();
  const status = kernel.status;
  try {
    kernel.apply(input);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(IllegalInputError);
    expect((error as IllegalInputError).status).not.toBe('');
    expect(kernel.digest()).toBe(before);
    expect(kernel.status).toBe(status);
    return true;
  }
}

describe('an input that the state does not allow', () => {
  it('HB-27 is refused with a typed error that names the status, and leaves no trace', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        runs,
        fateArbitrary({ unclear: true }),
        fc.array(stray, { minLength: 1, maxLength: 20 }),
        (run, fate, strays) => {
          let shadow = createKernel(run);
          let turn = 0;
          runToEnd(run, fate, {
            onTurn({ kernel, input, commands }) {
              const isRefused = refuses(shadow, addressed(strays[turn++ % strays.length], run));
              if (isRefused) {
                refused += 1;
                expect(shadow.apply(input)).toEqual(commands);
                expect(shadow.digest()).toBe(kernel.digest());
              } else shadow = createKernel(run, kernel.checkpoint());
            },
          });
        },
      ),
      { numRuns: 60 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it('HB-27 is refused by a run that is over, whatever it is', () => {
    fc.assert(
      fc.property(runs, fateArbitrary({ unclear: true }), fc.array(stray), (run, fate, strays) => {
        const { kernel, journal } = runToEnd(run, fate);
        for (const input of [...journal, ...strays.map((one) => addressed(one, run))]) expect(refuses(kernel, input)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each<[string, object, string]>([
    ['an unknown type', { type: 'run.sing', at: 1 }, 'there is no such input'],
    ['a time that is none', { type: 'run.pause', at: NaN }, 'its time (at) is null'],
    ['an entry that was there before', { type: 'run.pause', at: 1, seq: 2 }, 'entry 2 comes after entry 2'],
    [
      'a spend that mints budget',
      result({ spend: { inputTokens: 0, outputTokens: 0, costMicroUsd: -5 } }),
      'its spend must have',
    ],
    ['a result without an output', result({ output: undefined }), 'its output is missing'],
    ['another attempt', result({ attempt: 2 }), 'it speaks of attempt 2, the step is at attempt 1'],
    ['a step that is not there', result({ stepId: 'zebra' }), 'the plan has no such step'],
    ['a second start', { type: 'run.start', at: 1, graceMs: 0 }, 'a run starts once'],
    ['a decision that nobody waits for', decision('a'), 'only a gated step or one in doubt waits for a decision'],
    ['spend of an attempt that was not given up', { ...result({}), type: 'step.spent' }, 'was not given up'],
  ])('refuses %s', (_, input, message) => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a' }])));
    kernel.apply({ type: 'run.start', at: 0, graceMs: 0 });
    if ((input as RunInput).type !== 'run.start') kernel.apply({ type: 'step.started', at: 0, stepId: 'a', attempt: 1 });
    expect(() => kernel.apply(input as RunInput)).toThrow(message);
    expect(refuses(kernel, input as RunInput)).toBe(true);
  });
});

function result(parts: object): object {
  const spent = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' };
  return { type: 'step.succeeded', at: 1, stepId: 'a', attempt: 1, output: null, spend: spent, ...parts };
}

function decision(stepId: string): object {
  return { type: 'step.decided', at: 1, stepId, decision: { approve: true, by: { kind: 'user', id: 'ada' } } };
}

/** Whether an input made a guard throw, after which the kernel must be as it was. */
function throwsAndStays(kernel: Kernel, input: RunInput): boolean {
  const before = kernel.digest();
  try {
    kernel.apply(input);
    return false;
  } catch (error) {
    expect(String(error)).toContain('The guard is broken.');
    expect(kernel.digest()).toBe(before);
    return true;
  }
}

describe('a guard that throws', () => {
  it('leaves the kernel as it was, so that the same input does all it should once the guard is mended', () => {
    let thrown = 0;
    fc.assert(
      fc.property(runs, fateArbitrary({ unclear: true }), (run, fate) => {
        let isBroken = false;
        const guard = (name: string) => (args: { readonly event: object }) => {
          if (isBroken) throw new Error('The guard is broken.');
          return (args.event as Record<string, unknown>)[name] === true;
        };
        const names = ['last', 'unmet', 'retry', 'exhausted', 'compensable'];
        const guards = Object.fromEntries(names.map((name) => [name, guard(name)]));
        const machines = Object.fromEntries(
          Object.entries(run.machines).map(([name, machine]) => [name, machine.provide({ guards })]),
        );
        let before = createKernel(run).checkpoint();
        runToEnd(run, fate, {
          onTurn({ kernel, input, commands }) {
            const shadow = createKernel({ ...run, machines }, before);
            isBroken = true;
            const isThrown = throwsAndStays(shadow, input);
            isBroken = false;
            if (isThrown) {
              thrown += 1;
              expect(shadow.apply(input)).toEqual(commands);
            }
            expect(shadow.digest()).toBe(kernel.digest());
            before = kernel.checkpoint();
          },
        });
      }),
      { numRuns: 60 },
    );
    expect(thrown).toBeGreaterThan(50);
  });
});
