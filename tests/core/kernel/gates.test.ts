import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import type { GateSpec } from '../../../src/core/ports/proposal.js';
import type { Command } from '../../../src/core/ports/run-output.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import { ada, handWritten, materialized } from '../../support/materialized.js';

const dayMs = 86_400_000;
const begin = { type: 'run.start', at: 0, graceMs: 10 } as const;
const expired = { type: 'step.gate-expired', at: 60 * dayMs, stepId: 'a' } as const;
const recovered = { type: 'run.recovered', at: 50 * dayMs, lost: [], maxLostStarts: 3, shiftMs: 0 } as const;

/** A run whose first step is at a gate of 60 days, after some inputs. */
function gated(gate: Partial<GateSpec>, inputs: readonly RunInput[] = [begin]) {
  const steps = [
    { id: 'a', gate: { kind: 'before', prompt: 'May it?', expiresAfterMs: 60 * dayMs, ...gate } as const },
    { id: 'b' },
  ];
  const kernel = createKernel(materialized(handWritten(steps)));
  const commands = inputs.map((input) => kernel.apply(input));
  return { kernel, commands, last: commands.at(-1)! };
}

const timers = (commands: readonly Command[]) => commands.filter(({ type }) => type === 'timer.set' || type === 'timer.clear');
const facts = (commands: readonly Command[]) => commands.flatMap((one) => (one.type === 'publish' ? [one.event] : []));

describe('a gate that waits for an answer only so long', () => {
  it('HB-32 lets its time run from when it opens, also for 60 days', () => {
    const input = { type: 'step.gate-expired', at: 60 * dayMs, stepId: 'a' };
    expect(timers(gated({}).last)).toMatchObject([{ type: 'timer.set', timer: 'step:0', dueAt: 60 * dayMs, input }]);
  });

  it('is refused when nobody has answered, unless it says otherwise', () => {
    const { kernel, last } = gated({}, [begin, expired]);
    expect(kernel.stepStatus('a')).toBe('failed');
    expect(kernel.errorOf('a')).toMatchObject({ code: 'GATE_EXPIRED', stepId: 'a' });
    expect(facts(last).map(({ type }) => type)).toContain('step.failed');
  });

  it('lets its step go where it says so, and says whose decision that was', () => {
    const { kernel, last } = gated({ onExpiry: 'approve' }, [begin, expired]);
    expect(kernel.stepStatus('a')).toBe('ready');
    const decision = { approve: true, by: { kind: 'policy', id: 'gate-expiry' } };
    expect(facts(last)).toContainEqual({ type: 'step.decided', stepId: 'a', decision });
    expect(last).toContainEqual(expect.objectContaining({ type: 'step.start', stepId: 'a', attempt: 1 }));
  });

  it.each<[string, RunInput]>([
    ['answered', { type: 'step.decided', at: 5, stepId: 'a', decision: { approve: true, by: ada } }],
    ['left by the end of the run', { type: 'run.cancel', at: 5, reason: 'Enough.' }],
  ])('does not run out any more once it is %s', (_, input) => {
    const { kernel, last } = gated({}, [begin, input]);
    expect(timers(last)).toContainEqual(expect.objectContaining({ type: 'timer.clear', timer: 'step:0' }));
    expect(() => kernel.apply(expired)).toThrow();
  });

  it('HB-32 runs on across processes, and by as much later as it is told to', () => {
    const { last } = gated({}, [begin, { ...recovered, shiftMs: dayMs }]);
    expect(timers(last)).toMatchObject([{ type: 'timer.set', timer: 'step:0', dueAt: 61 * dayMs }]);
  });

  it('waits for its step to be approved, where only a part of the plan was', () => {
    const part = { ...begin, steps: ['b'] };
    const { kernel, last } = gated({ onExpiry: 'approve' }, [part]);
    expect(timers(last)).toEqual([]);
    expect(() => kernel.apply(expired)).toThrow('no gate of it is running out');
    const commands = kernel.apply({ type: 'run.widen', at: dayMs, steps: ['a'], approvedBy: ada });
    expect(timers(commands)).toMatchObject([{ timer: 'step:0', dueAt: 61 * dayMs }]);
  });

  it('for ever sets no timer', () => {
    const steps = [{ id: 'a', gate: { kind: 'before', prompt: 'May it?' } as const }];
    const kernel = createKernel(materialized(handWritten(steps)));
    expect(timers(kernel.apply(begin))).toEqual([]);
    expect(() => kernel.apply(expired)).toThrow('no gate of it is running out');
  });
});
