import { describe, expect, it } from 'vitest';

import { createKernel, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import type { Command } from '../../../src/core/ports/run-output.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import { handWritten, materialized } from '../../support/materialized.js';

const spend = { inputTokens: 3, outputTokens: 4, costMicroUsd: 0, provenance: 'measured' } as const;
const recovered = { type: 'run.recovered', at: 50, lost: [], maxLostStarts: 3, shiftMs: 0 } as const;
const probed = (kind: 'happened' | 'not-happened' | 'unknown', attempt = 1): RunInput => ({
  type: 'step.probed',
  at: 60,
  stepId: 'a',
  attempt,
  finding: kind === 'happened' ? { kind, output: 'found', spend } : { kind },
});

type Steps = Parameters<typeof handWritten>[0];
type Parts = Parameters<typeof handWritten>[1];

/** A kernel that has taken these inputs, and the commands of each. */
function run(steps: Steps, inputs: readonly RunInput[], parts: Parts = {}) {
  const kernel = createKernel(materialized(handWritten(steps, parts)));
  const commands = inputs.map((input) => kernel.apply(input));
  return { kernel, commands, last: commands.at(-1)! };
}

const begin = { type: 'run.start', at: 0, graceMs: 10 } as const;
const started = { type: 'step.started', at: 1, stepId: 'a', attempt: 1 } as const;
const start: readonly RunInput[] = [begin, started];

const ofType = <Type extends Command['type']>(commands: readonly Command[], type: Type) =>
  commands.filter((command): command is Extract<Command, { readonly type: Type }> => command.type === type);
const facts = (commands: readonly Command[]) => ofType(commands, 'publish').map(({ event }) => event);

describe('a run that another process takes up', () => {
  it('CC-22 HB-46 asks for what was under way again, under the same id and with the same allowance', () => {
    const parts = { budget: { maxTokens: 100 } };
    const { kernel, commands, last } = run([{ id: 'a' }, { id: 'b' }], [...start, recovered], parts);
    const first = ofType(commands[0]!, 'step.start');
    expect(ofType(last, 'step.start')).toEqual(first);
    expect(first.map(({ stepId, allowance }) => [stepId, allowance])).toEqual([
      ['a', { tokens: 33 }],
      ['b', { tokens: 33 }],
    ]);
    expect(facts(last)[0]).toEqual({ type: 'run.recovered', lost: [] });
    expect([kernel.stepStatus('a'), kernel.attempt('a'), kernel.ledger.reservedTokens]).toEqual(['ready', 1, 66]);
    const ended = [
      { ...started, at: 51 },
      { type: 'step.succeeded', at: 52, stepId: 'a', attempt: 1, output: null, spend } as const,
    ];
    for (const input of ended) kernel.apply(input);
    expect([kernel.stepStatus('a'), kernel.ledger.reservedTokens]).toEqual(['succeeded', 33]);
  });

  it('counts lost starts, says so when it asks again, and parks the step after as many as it may lose', () => {
    const lost = { ...recovered, lost: ['a'] };
    const { kernel, commands, last } = run([{ id: 'a' }], [...start, lost, lost, { ...lost, lost: [] }, lost]);
    expect(commands.map((given) => ofType(given, 'step.start').map(({ lostStarts }) => lostStarts))).toEqual([
      [undefined],
      [],
      [1],
      [2],
      [2],
      [],
    ]);
    expect(kernel.stepStatus('a')).toBe('in-doubt');
    expect(kernel.errorOf('a')).toMatchObject({ code: 'LOST_STARTS', starts: 3, stepId: 'a' });
    expect(facts(last).map(({ type }) => type)).toEqual(['run.recovered', 'step.started', 'step.in-doubt']);
    kernel.apply(probed('not-happened'));
    expect(kernel.stepStatus('a')).toBe('in-doubt');
  });

  it('HB-34 HB-46 CX-17 never starts a step again that may happen only once: it is in doubt, and its agent is asked', () => {
    const { kernel, commands, last } = run([{ id: 'a', effect: 'once' }], [...start, recovered]);
    expect(ofType(last, 'step.start')).toEqual([]);
    const { id: startId } = ofType(commands[0]!, 'step.start')[0]!;
    expect(ofType(last, 'step.probe')).toMatchObject([{ stepId: 'a', attempt: 1, startId }]);
    expect(kernel.errorOf('a')).toMatchObject({ code: 'EFFECT_IN_DOUBT' });
    kernel.apply(probed('unknown'));
    expect(kernel.stepStatus('a')).toBe('in-doubt');
    expect(ofType(kernel.apply(recovered), 'step.probe')).toHaveLength(1);
  });

  it('HB-34 starts it again under its id when the probe says that it has not happened, and goes on when it has', () => {
    const steps = [{ id: 'a', effect: 'once' }] as const;
    const again = run(steps, [...start, recovered, probed('not-happened')]);
    expect(ofType(again.last, 'step.start')).toEqual(ofType(again.commands[0]!, 'step.start'));
    const on = run(steps, [...start, recovered, probed('happened')]);
    expect(facts(on.last)).toContainEqual(expect.objectContaining({ type: 'step.succeeded', output: 'found', spend }));
    expect([on.kernel.status, on.kernel.errorOf('a')]).toEqual(['synthesizing', undefined]);
  });

  it('asks again for a step that may happen only once and was only asked for: its start is on record before it starts', () => {
    const { commands, last } = run([{ id: 'a', effect: 'once' }], [begin, { ...recovered, lost: ['a'], maxLostStarts: 1 }]);
    expect(ofType(last, 'step.start')).toEqual(ofType(commands[0]!, 'step.start'));
  });

  it('relies on no probe that was asked while the attempt may have been under way', () => {
    const timedOut = { type: 'step.timed-out', at: 20, stepId: 'a', attempt: 1 } as const;
    const failed = {
      type: 'step.failed',
      at: 30,
      stepId: 'a',
      attempt: 1,
      error: { code: 'X', message: 'x' },
      retryable: true,
      spend,
    } as const;
    const steps = [{ id: 'a', effect: 'once', timeoutMs: 19 }] as const;
    const { kernel, commands } = run(steps, [...start, timedOut, failed, probed('not-happened')]);
    expect(commands.map((given) => ofType(given, 'step.probe').length)).toEqual([0, 0, 1, 1, 0]);
    expect(kernel.stepStatus('a')).toBe('in-doubt');
    // Now that it is certain, it is an attempt like any other whose time was up.
    kernel.apply(probed('not-happened'));
    expect(kernel.errorOf('a')).toMatchObject({ code: 'TIMED_OUT' });
    expect(kernel.stepStatus('a')).toBe('failed');
  });

  it('HB-32 sets its timers again, later by as long as nobody was there', () => {
    const retry = { attempts: 2, backoffMs: 100, factor: 1, maxBackoffMs: 100, jitter: 0 };
    const failed = {
      type: 'step.failed',
      at: 2,
      stepId: 'a',
      attempt: 1,
      error: { code: 'X', message: 'x' },
      retryable: true,
      spend,
    } as const;
    const { last } = run([{ id: 'a', retry }], [...start, failed, { ...recovered, shiftMs: 1_000 }], {
      budget: { maxDurationMs: 500 },
    });
    expect(ofType(last, 'timer.set')).toMatchObject([
      { timer: 'run:deadline', dueAt: 1_500, input: { type: 'run.deadline', at: 1_500 } },
      { timer: 'run:time', dueAt: 1_400, input: { type: 'run.time-used', at: 1_400 } },
      { timer: 'step:0', dueAt: 1_102, input: { type: 'step.retry-due', at: 1_102, attempt: 1 } },
    ]);
  });

  it('ends what was under way when it was on its way out', () => {
    const steps = [{ id: 'a' }, { id: 'b', effect: 'once' }] as const;
    const cancel = { type: 'run.cancel', at: 5, reason: 'Enough.' } as const;
    const { kernel, last } = run(steps, [...start, { ...started, stepId: 'b' }, cancel, recovered]);
    expect([kernel.status, kernel.stepStatus('a'), kernel.stepStatus('b')]).toEqual(['cancelled', 'cancelled', 'in-doubt']);
    expect(ofType(last, 'run.ended')).toHaveLength(1);
  });

  it('refuses a lost step that the plan does not have, and changes nothing', () => {
    const { kernel } = run([{ id: 'a' }], start);
    const before = kernel.digest();
    expect(() => kernel.apply({ ...recovered, lost: ['zebra'] })).toThrow('the plan has no such step');
    expect(kernel.digest()).toBe(before);
  });
});

describe('a recovery of many steps', () => {
  const width = 3_000;
  const plan = handWritten(Array.from({ length: width }, (_, index) => ({ id: `t${index}` })));

  /** Applies an input and every `continue` it asks for. */
  const applyAll = (kernel: Kernel, input: RunInput): Command[] => {
    const all = kernel.apply(input);
    for (let more = all; more.some(({ type }) => type === 'continue');) {
      all.push(...(more = kernel.apply({ type: 'run.continue', at: input.at })));
    }
    return all;
  };

  it('goes on in chunks, and one that comes before the last is through takes its place', () => {
    const machines = materialized(plan);
    const kernel = createKernel(machines);
    const asked = ofType(applyAll(kernel, begin), 'step.start');
    expect(asked).toHaveLength(width);
    expect(ofType(kernel.apply(recovered), 'step.start').length).toBeLessThan(1_000);
    expect(ofType(applyAll(kernel, recovered), 'step.start')).toEqual(asked);
  });

  it('CC-22 HB-46 leads to the same ids, whatever checkpoints the kernel went through', () => {
    const roots = Array.from({ length: 1_500 }, (_, index) => ({ id: `t${index}` }));
    const machines = materialized(handWritten([...roots, { id: 'last', dependsOn: ['t0'] }]));
    const done = [
      { type: 'step.started', at: 60, stepId: 't0', attempt: 1 },
      { type: 'step.succeeded', at: 61, stepId: 't0', attempt: 1, output: null, spend },
    ] as const;
    const asked = (restore: boolean): string[] => {
      let kernel = createKernel(machines);
      const ids: string[] = [];
      const take = (input: RunInput): void => {
        const commands = kernel.apply(input);
        ids.push(...ofType(commands, 'step.start').map(({ id, stepId }) => `${id} ${stepId}`));
        if (restore) kernel = createKernel(machines, kernel.checkpoint());
        if (commands.some(({ type }) => type === 'continue')) take({ type: 'run.continue', at: input.at });
      };
      for (const input of [begin, { ...started, stepId: 't1' }, recovered, ...done]) take(input);
      return ids;
    };
    expect(asked(true)).toEqual(asked(false));
  });
});
