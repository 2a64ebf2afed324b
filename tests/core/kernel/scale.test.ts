import { describe, expect, it } from 'vitest';

import { chunk } from '../../../src/core/kernel/agenda.js';
import { createKernel, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import type { Command } from '../../../src/core/ports/run-output.js';
import type { RunInput } from '../../../src/core/ports/run.js';
import { chainProposal, starProposal } from '../../../src/core/testing/sample-proposals.js';
import { materialized, planned } from '../../support/materialized.js';

const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
const error = { code: 'X', message: 'x' };

/** Steps that were touched by the commands of one input. */
const touched = (commands: readonly Command[]): number =>
  commands.filter(({ type }) => type === 'step.start' || type === 'step.abort').length +
  commands.filter((command) => command.type === 'publish' && command.event.type.startsWith('step.')).length;

/** Applies an input and every `continue` it asks for; gives the commands of each. */
function applyAll(kernel: Kernel, input: RunInput): Command[][] {
  const rounds = [kernel.apply(input)];
  while (rounds.at(-1)!.some(({ type }) => type === 'continue'))
    rounds.push(kernel.apply({ type: 'run.continue', at: input.at }));
  return rounds;
}

describe('one step with 9,999 dependents', () => {
  const run = materialized(planned(starProposal({ dependents: 9_999 })));
  const begin = (): Kernel => {
    const kernel = createKernel(run);
    applyAll(kernel, { type: 'run.start', at: 0, graceMs: 10 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 't0', attempt: 1 });
    return kernel;
  };

  it('is told to them in chunks, so that no input touches more than one', () => {
    const rounds = applyAll(begin(), { type: 'step.succeeded', at: 1, stepId: 't0', attempt: 1, output: null, spend });
    expect(rounds.length).toBeGreaterThan(Math.floor(9_999 / chunk));
    for (const commands of rounds) expect(touched(commands)).toBeLessThanOrEqual(chunk + 1);
    const started = rounds.flat().flatMap((command) => (command.type === 'step.start' ? [command.stepId] : []));
    expect(new Set(started).size).toBe(9_999);
  });

  it('fails, skips and ends in chunks too', () => {
    const kernel = begin();
    const rounds = applyAll(kernel, { type: 'step.failed', at: 1, stepId: 't0', attempt: 1, error, retryable: false, spend });
    for (const commands of rounds) expect(touched(commands)).toBeLessThanOrEqual(chunk + 2);
    expect([kernel.status, kernel.stop?.reason]).toEqual(['failed', 'all_tickets_failed']);
    expect(kernel.gaps()).toHaveLength(10_000);
  });

  it('takes other inputs between two chunks, and comes to the same from a checkpoint taken there', () => {
    const kernel = begin();
    kernel.apply({ type: 'step.succeeded', at: 1, stepId: 't0', attempt: 1, output: null, spend });
    expect(kernel.stepStatus('t9999')).toBe('blocked');
    const other = createKernel(run, JSON.parse(JSON.stringify(kernel.checkpoint())) as ReturnType<Kernel['checkpoint']>);
    for (const one of [kernel, other]) {
      applyAll(one, { type: 'run.cancel', at: 2, reason: 'Enough.' });
      expect(one.status).toBe('cancelled');
    }
    expect(other.digest()).toBe(kernel.digest());
  });

  it('CC-49 starts none of them once the run is stopping, though their turn had come', () => {
    const kernel = begin();
    const [first] = applyAll(kernel, { type: 'step.succeeded', at: 1, stepId: 't0', attempt: 1, output: null, spend })
      .flat()
      .flatMap((command) => (command.type === 'step.start' ? [command] : []))
      .reverse();
    const commands = kernel.apply({ type: 'run.cancel', at: 2, reason: 'Enough.' });
    // The sweep has not come to this step: it is ready, and asked for, but the run is on its way out.
    expect(commands.some(({ type }) => type === 'continue')).toBe(true);
    expect(kernel.stepStatus(first!.stepId)).toBe('ready');
    expect(() => kernel.apply({ type: 'step.started', at: 3, stepId: first!.stepId, attempt: 1 })).toThrow('the run is stopping');
  });
});

describe('a chain of 10,000', () => {
  it('is skipped link by link without deep calls when its first step fails', () => {
    const kernel = createKernel(materialized(planned(chainProposal({ tickets: 10_000 }))));
    applyAll(kernel, { type: 'run.start', at: 0, graceMs: 0 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 't0', attempt: 1 });
    const rounds = applyAll(kernel, { type: 'step.failed', at: 1, stepId: 't0', attempt: 1, error, retryable: false, spend });
    for (const commands of rounds) expect(touched(commands)).toBeLessThanOrEqual(chunk + 2);
    expect(kernel.status).toBe('failed');
    expect(kernel.errorOf('t9999')).toEqual({
      code: 'DEPENDENCY_NOT_MET',
      message: '"t9999" was not run, because "t9998", which it depends on, is skipped.',
      dependency: 't9998',
    });
  });
});
