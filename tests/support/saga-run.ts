import fc from 'fast-check';

import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import type { GateSpec } from '../../src/core/ports/proposal.js';
import { dagArbitrary } from '../../src/core/testing/dag-arbitrary.js';
import { handWritten, shownAsPlan } from './materialized.js';

const gate = fc.record<GateSpec>(
  {
    kind: fc.constant('before'),
    prompt: fc.constant('May it?'),
    expiresAfterMs: fc.constantFrom(5, 86_400_000),
    onExpiry: fc.constantFrom<NonNullable<GateSpec['onExpiry']>[]>('refuse', 'approve'),
  },
  { requiredKeys: ['kind', 'prompt'] },
);

/** In one case of five; `freq` of fast-check counts against one `nil`. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Runs that mostly fail, and that have much to undo: effects of every kind, time limits, gates that run out, tight ceilings now and then. */
export const sagaRun: fc.Arbitrary<MaterializedRun> = fc
  .record({
    dag: dagArbitrary({ minNodes: 2, maxNodes: 7, maxDependencies: 2 }),
    steps: fc.array(
      fc.record({
        effect: fc.constantFrom('idempotent' as const, 'once' as const),
        isUndoable: fc.nat({ max: 3 }).map((number) => number > 0),
        attempts: fc.integer({ min: 1, max: 4 }),
        failsRun: fc.nat({ max: 3 }).map((number) => number === 3),
        gate: rarely(gate),
      }),
      { minLength: 7, maxLength: 7 },
    ),
    maxTokens: rarely(fc.constantFrom(8, 40, 10_000)),
  })
  .map(({ dag, steps, maxTokens }) => {
    const drafts = dag.map((dependencies, index) => {
      const { effect, isUndoable, attempts, failsRun, gate: own } = steps[index]!;
      return {
        id: `t${index}`,
        effect,
        timeoutMs: 20,
        dependsOn: dependencies.map((dependency) => `t${dependency}`),
        retry: { attempts, backoffMs: 10, factor: 1, maxBackoffMs: 10, jitter: 0 },
        ...(isUndoable && { compensation: { role: 'worker', instructions: 'Undo it.' } }),
        ...(failsRun && { onFailure: 'fail-run' as const }),
        ...(own && { gate: own }),
      };
    });
    return shownAsPlan(handWritten(drafts, maxTokens === undefined ? {} : { budget: { maxTokens } }));
  });
