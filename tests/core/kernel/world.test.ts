import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { anyMaterialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { tightRun } from '../../support/tight-run.js';

/** Everything that happened in some hundred random runs, the same ones each time. */
function happenings(runs: ReturnType<typeof anyMaterialized>, unclear = false): Set<string> {
  const seen = new Set<string>();
  for (const [run, fate] of fc.sample(fc.tuple(runs, fateArbitrary({ mostShare: 2, unclear })), { numRuns: 200, seed: 11 })) {
    const { kernel, facts, journal } = runToEnd(run, fate);
    seen.add(`end ${kernel.stop?.reason ?? kernel.status}`);
    for (const fact of facts) seen.add('reason' in fact && fact.type === 'run.paused' ? `paused ${fact.reason}` : fact.type);
    for (const fact of facts) if ('throttled' in fact) seen.add(`throttled ${fact.type}`);
    for (const { type } of journal) seen.add(type);
  }
  return seen;
}

describe('the random runs that the laws of the kernel are held to', () => {
  it('meet every input, every end and every event that a run of such plans can have', () => {
    const inputs = [
      'run.pause',
      'run.resume',
      'run.cancel',
      'run.deadline',
      'run.grace-over',
      'run.delivered',
      'run.delivery-failed',
      'run.recovered',
    ];
    const ends = [
      'completed',
      'Enough.',
      'step_failed',
      'all_tickets_failed',
      'deadline_exceeded',
      'delivery_failed',
      'budget_exceeded',
    ];
    const steps = [
      'started',
      'succeeded',
      'failed',
      'timed-out',
      'retry-due',
      'spent',
      'decided',
      'skipped',
      'cancelled',
      'in-doubt',
      'backing-off',
      'probed',
      'given-up',
      'compensating',
      'compensated',
      'compensation-failed',
    ];
    const expected = [
      ...inputs,
      ...ends.map((end) => `end ${end}`),
      ...steps.map((step) => `step.${step}`),
      'step.gated',
      'step.ready',
    ];
    const seen = happenings(anyMaterialized());
    expect(expected.filter((one) => one !== 'end budget_exceeded' && !seen.has(one))).toEqual([]);
    expect([...happenings(limitedRun, true)]).toEqual(
      expect.arrayContaining([
        ...['step.throttled', 'step.heartbeat-missed', 'step.time-over', 'step.gated', 'step.in-doubt'],
        ...['throttled step.backing-off', 'throttled step.compensation-failed'],
      ]),
    );
    expect([...happenings(tightRun('fail'))]).toContain('end budget_exceeded');
    expect([...happenings(tightRun('pause'))]).toEqual(expect.arrayContaining(['paused budget_exceeded', 'end completed']));
  });
});
