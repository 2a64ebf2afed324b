import fc from 'fast-check';
import { expect, it } from 'vitest';

import { createKernel, replay, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import { createRunProjection } from '../../../src/core/views/run-view.js';
import { anyGoverned, anyMaterialized, anyTeam, anyVerified } from '../../support/materialized.js';
import { fateArbitrary, runToEnd, type Story } from '../../support/run-world.js';
import { limitedRun } from '../../support/limited-run.js';
import { sagaRun } from '../../support/saga-run.js';
import { tightRun } from '../../support/tight-run.js';

const runs = fc.oneof(
  sagaRun,
  sagaRun,
  anyMaterialized(),
  tightRun('pause'),
  tightRun('fail'),
  anyTeam(),
  anyTeam(),
  anyVerified(),
  anyGoverned(),
  anyGoverned(),
  limitedRun,
  limitedRun,
  anyMaterialized({ limits: true }),
);
const numRuns = process.env['PLANWRIGHT_LONG'] === undefined ? 100 : 10_000;
const restored = (kernel: Kernel) =>
  createKernel(kernel.materialized, JSON.parse(JSON.stringify(kernel.checkpoint())) as ReturnType<Kernel['checkpoint']>);

const fates = fc.oneof(
  fateArbitrary(),
  fateArbitrary({ unclear: true }),
  fateArbitrary({ unclear: true, controls: ['pause', 'resume', 'repeat', 'crash', 'replan', 'replan', 'replan'] }),
);

/** Pauses that a step has made because an attempt had failed, and the most in a row that its provider has asked for. */
function pausesOf({ facts }: Story, stepId: string): { readonly failed: number; readonly throttled: number } {
  const pauses = facts.flatMap((fact) => (fact.type === 'step.backing-off' && fact.stepId === stepId ? [fact] : []));
  return {
    failed: pauses.filter(({ throttled }) => throttled === undefined).length,
    throttled: Math.max(0, ...pauses.map(({ throttled = 0 }) => throttled)),
  };
}

/** Steps that may happen only once, by each time that they have. Those of a goal that failed, and that another plan has dropped, are gone. So are those
 * that a person was wrong about, who said that they had failed while they were still under way: another plan may try them again. */
const onceEffects = ({ effects, facts, kernel }: Story): string[] => {
  const isReplanned = facts.some(({ type }) => type === 'run.replanned');
  const declared = facts.flatMap((fact) =>
    fact.type === 'step.failed' && fact.error.code === 'DECLARED_FAILED' ? [fact.stepId] : [],
  );
  const misjudged = new Set(isReplanned ? declared : []);
  const once = new Set(kernel.statuses().flatMap(({ id }) => (kernel.step(id).effect === 'once' ? [id] : [])));
  return effects
    .filter(({ stepId, isUndoing }) => !isUndoing && once.has(stepId) && !misjudged.has(stepId))
    .map(({ stepId }) => stepId);
};

// All laws at once, over as many worlds as there is time for.
it(
  'CC-22 HB-04 HB-34 HB-35 HB-46 holds what it promises in any world',
  () => {
    fc.assert(
      fc.property(runs, fates, (run, fate) => {
        const projection = createRunProjection(run.plan);
        const story = runToEnd(run, fate, {
          onTurn({ input, commands }) {
            for (const command of commands) {
              if (command.type !== 'publish') continue;
              projection.apply({ ...command.event, seq: projection.seq + 1, at: input.at, runId: 'r1' });
            }
          },
        });
        const { kernel, journal } = story;
        expect(runToEnd(run, fate, { swap: restored }).commands).toEqual(story.commands);
        expect(replay(run, journal).digest()).toBe(kernel.digest());
        expect(projection.view().steps.map(({ id, status }) => ({ id, status }))).toEqual(kernel.statuses());
        expect([kernel.ledger.reservedMicroUsd, kernel.ledger.reservedTokens]).toEqual([0, 0]);
        const once = onceEffects(story);
        expect(new Set(once).size).toBe(once.length);
        for (const { id } of kernel.statuses()) {
          const { retry, fallbackAgents = [] } = kernel.step(id);
          const { failed, throttled } = pausesOf(story, id);
          expect(throttled).toBeLessThanOrEqual(retry.maxThrottled ?? 20);
          if (!fate.controls.some(({ what }) => what === 'replan'))
            expect(failed).toBeLessThan(retry.attempts * (1 + fallbackAgents.length));
        }
      }),
      { numRuns },
    );
  },
  numRuns * 1_000,
);
