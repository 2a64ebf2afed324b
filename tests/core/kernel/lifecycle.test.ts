import { describe, expect, it } from 'vitest';

import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import { IllegalInputError } from '../../../src/core/kernel/illegal-input-error.js';
import { nextRunStatus } from '../../../src/core/kernel/run-lifecycle.js';
import type { LifecycleEvent } from '../../../src/core/materializer/lifecycle-chart.js';
import type { RunInput, RunStatus } from '../../../src/core/ports/run.js';
import { handWritten, materialized } from '../../support/materialized.js';

const statuses = [
  'proposed',
  'approved',
  'executing',
  'synthesizing',
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly RunStatus[];
const events = [
  'REVISE',
  'APPROVE',
  'START',
  'SYNTHESIZE',
  'COMPLETE',
  'FAIL',
  'CANCEL',
] as const satisfies readonly LifecycleEvent[];

/** The diagram, written down once more by hand: everything that is not here must be refused. */
const diagram: Readonly<Partial<Record<`${RunStatus} ${LifecycleEvent}`, RunStatus>>> = {
  'proposed REVISE': 'proposed',
  'proposed APPROVE': 'approved',
  'proposed CANCEL': 'cancelled',
  'approved START': 'executing',
  'approved FAIL': 'failed',
  'approved CANCEL': 'cancelled',
  'executing SYNTHESIZE': 'synthesizing',
  'executing FAIL': 'failed',
  'executing CANCEL': 'cancelled',
  'synthesizing COMPLETE': 'completed',
  'synthesizing FAIL': 'failed',
  'synthesizing CANCEL': 'cancelled',
};
const pairs = statuses.flatMap((status) => events.map((event) => ({ status, event, to: diagram[`${status} ${event}`] })));

describe('the life of a run', () => {
  it('CC-40 covers every pair of status and event, of which these are allowed', () => {
    expect(pairs).toHaveLength(49);
    expect(pairs.filter(({ to }) => to !== undefined)).toHaveLength(12);
  });

  it.each(pairs.filter(({ to }) => to !== undefined))('CC-40 goes from $status on $event to $to', ({ status, event, to }) => {
    expect(nextRunStatus(status, event)).toBe(to);
  });

  it.each(pairs.filter(({ to }) => to === undefined))(
    'CC-40 HB-27 refuses $event in $status with a typed error',
    ({ status, event }) => {
      const attempt = () => nextRunStatus(status, event);
      expect(attempt).toThrow(IllegalInputError);
      expect(attempt).toThrow(expect.objectContaining({ code: 'ILLEGAL_INPUT', input: event, status }));
    },
  );

  it.each(['completed', 'failed', 'cancelled'] as const)('CC-40 takes nothing more once %s', (status) => {
    for (const event of events) expect(() => nextRunStatus(status, event)).toThrow(IllegalInputError);
  });
});

describe('a kernel', () => {
  const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
  const path: readonly (RunInput & { readonly then: RunStatus })[] = [
    { type: 'run.start', at: 1, graceMs: 0, then: 'executing' },
    { type: 'step.started', at: 2, stepId: 'a', attempt: 1, then: 'executing' },
    { type: 'step.succeeded', at: 3, stepId: 'a', attempt: 1, output: null, spend, then: 'synthesizing' },
    { type: 'step.started', at: 4, stepId: 'synthesis', attempt: 1, then: 'synthesizing' },
    { type: 'step.succeeded', at: 5, stepId: 'synthesis', attempt: 1, output: null, spend, then: 'synthesizing' },
    { type: 'run.delivered', at: 6, then: 'completed' },
  ];

  it('CC-33 CC-34 CC-35 goes from approved through executing and synthesizing to completed', () => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a' }])));
    expect(kernel.status).toBe('approved');
    const seen = path.map(({ then: _, ...input }) => {
      kernel.apply(input);
      return kernel.status;
    });
    expect(seen).toEqual(path.map(({ then }) => then));
  });

  it.each(path.map((_, taken) => taken))('CC-39 can be cancelled after %i of these inputs', (taken) => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a' }])));
    for (const { then: _, ...input } of path.slice(0, taken)) kernel.apply(input);
    kernel.apply({ type: 'run.cancel', at: 9, reason: 'Enough.' });
    if (kernel.status !== 'cancelled') kernel.apply({ type: 'run.grace-over', at: 10 });
    expect(kernel.status).toBe('cancelled');
  });

  it('CC-36 fails on the step that ends the run, and says which it was and why', () => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a', onFailure: 'fail-run' }, { id: 'b' }])));
    kernel.apply({ type: 'run.start', at: 1, graceMs: 0 });
    kernel.apply({ type: 'step.started', at: 2, stepId: 'a', attempt: 1 });
    const error = { code: 'NO_DISK', message: 'The disk is full.' };
    kernel.apply({ type: 'step.failed', at: 3, stepId: 'a', attempt: 1, error, retryable: false, spend });
    expect(kernel.status).toBe('failed');
    expect(kernel.stop).toEqual({
      to: 'failed',
      reason: 'step_failed',
      error: { code: 'NO_DISK', message: 'Step "a" failed: The disk is full.', stepId: 'a' },
    });
  });

  it('CC-36 fails when its time is over', () => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a' }], { budget: { maxDurationMs: 1_000 } })));
    const commands = kernel.apply({ type: 'run.start', at: 50, graceMs: 0 });
    expect(commands).toContainEqual(expect.objectContaining({ type: 'timer.set', timer: 'run:deadline', dueAt: 1_050 }));
    kernel.apply({ type: 'run.deadline', at: 1_050 });
    expect([kernel.status, kernel.stop?.reason]).toEqual(['failed', 'deadline_exceeded']);
  });
});
