import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { RunEvent } from '../../../src/core/ports/run-output.js';
import { toUsd } from '../../../src/core/shared/money.js';
import { createRunProjection, projectRun } from '../../../src/core/views/run-view.js';
import { anyMaterialized, anyTeam, handWritten, materialized } from '../../support/materialized.js';
import { createKernel } from '../../../src/core/kernel/create-kernel.js';
import { fateArbitrary, runToEnd, type Turn } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

/** The events of a turn, numbered on from those before. */
const eventsOf = ({ input, commands }: Pick<Turn, 'input' | 'commands'>, seq: number): RunEvent[] =>
  commands
    .flatMap((command) => (command.type === 'publish' ? [command.event] : []))
    .map((event, place) => ({ ...event, seq: seq + place + 1, at: input.at, runId: 'r1' }));

describe('the view of a run', () => {
  it('CC-22 HB-35 shows after every input what the kernel knows: statuses, errors, gaps, spend, and why it ended', () => {
    fc.assert(
      fc.property(fc.oneof(anyMaterialized(), sagaRun, anyTeam()), fateArbitrary(), (run, fate) => {
        const projection = createRunProjection(run.plan);
        runToEnd(run, fate, {
          onTurn(turn) {
            for (const event of eventsOf(turn, projection.seq)) projection.apply(event);
            const { kernel } = turn;
            const view = projection.view();
            expect([view.status, view.paused]).toEqual([kernel.status, kernel.paused && view.endedAt === undefined]);
            expect(view.steps.map(({ id, status }) => ({ id, status }))).toEqual(kernel.statuses());
            expect(view.gaps).toEqual(kernel.gaps());
            expect(view.usage.costUsd).toBe(toUsd(kernel.ledger.spentMicroUsd));
            expect(view.usage.tokens).toBe(kernel.ledger.spentTokens);
            expect(view.reason).toBe(kernel.stop?.reason);
            if (kernel.status === 'failed') expect(view.error).toEqual(kernel.stop!.error);
            if (kernel.status === 'cancelled')
              expect(view.error?.['compensationsFailed']).toEqual(kernel.stop!.error['compensationsFailed']);
            for (const { id, error, status } of view.steps) {
              // A step that backs off, or is being undone, shows what came before.
              if (status === 'succeeded' || status === 'compensated' || kernel.errorOf(id))
                expect(error).toEqual(kernel.errorOf(id));
            }
          },
        });
      }),
      { numRuns: 80 },
    );
  });

  it('CX-17 counts no time in which no process was there', () => {
    const run = materialized(handWritten([{ id: 'a' }, { id: 'b', effect: 'once' }]));
    const kernel = createKernel(run);
    const events: RunEvent[] = [];
    const take = (input: Parameters<typeof kernel.apply>[0]): void => {
      const commands = kernel.apply(input);
      events.push(...eventsOf({ input: { ...input, seq: kernel.seq }, commands }, events.length));
    };
    const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
    take({ type: 'run.start', at: 0, graceMs: 10 });
    for (const stepId of ['a', 'b']) take({ type: 'step.started', at: 100, stepId, attempt: 1 });
    take({ type: 'run.recovered', at: 90_000, lost: [], maxLostStarts: 3, shiftMs: 0 });
    take({ type: 'step.started', at: 90_100, stepId: 'a', attempt: 1 });
    take({ type: 'step.succeeded', at: 90_150, stepId: 'a', attempt: 1, output: null, spend });
    const [a, b] = projectRun(run.plan, events).steps;
    expect(a).toMatchObject({ status: 'succeeded', startedAt: 100, endedAt: 90_150, activeMs: 50 });
    expect(b).toMatchObject({ status: 'in-doubt', activeMs: 0 });
  });

  it('FO-26 says what the run is for, before anything has happened and after', () => {
    const context = { parentTicket: 'T-1', scope: { sprint: 7, streams: ['a', 'b'] } };
    const plan = handWritten([{ id: 'a' }], { context });
    const proposed = { type: 'run.proposed', revision: 1, digest: plan.digest, seq: 1, at: 5, runId: 'r1' } as const;
    for (const events of [[], [proposed]]) {
      expect(projectRun(plan, events)).toMatchObject({ parentTicket: 'T-1', scope: context.scope });
    }
    expect(projectRun(handWritten([{ id: 'a' }]), []).scope).toEqual({});
  });
});
