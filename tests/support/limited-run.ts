import fc from 'fast-check';

import type { MaterializedRun } from '../../src/core/materializer/materialize.js';
import { dagArbitrary } from '../../src/core/testing/dag-arbitrary.js';
import { handWritten, shownAsPlan } from './materialized.js';

const few = { minLength: 6, maxLength: 6 };

/** Runs whose steps have little time in all, may be silent for a moment only, and may be turned away now and then; others may take over. */
export const limitedRun: fc.Arbitrary<MaterializedRun> = fc
  .record({
    dag: dagArbitrary({ minNodes: 1, maxNodes: 6, maxDependencies: 2 }),
    steps: fc.array(
      fc.record(
        {
          effect: fc.constantFrom('none' as const, 'idempotent' as const, 'once' as const),
          totalTimeoutMs: fc.constantFrom(5, 25, 60, 1_000),
          heartbeatTimeoutMs: fc.constant(10),
          compensation: fc.constant({ role: 'worker', instructions: 'Undo it.' }),
          onFailure: fc.constantFrom('continue' as const, 'fail-run' as const),
          gate: fc.constant({ kind: 'before', prompt: 'May it?' } as const),
        },
        { requiredKeys: ['effect'] },
      ),
      few,
    ),
    retries: fc.array(
      fc.record(
        { attempts: fc.integer({ min: 1, max: 4 }), maxThrottled: fc.integer({ min: 0, max: 2 }) },
        { requiredKeys: ['attempts'] },
      ),
      few,
    ),
    needsPerson: fc.boolean(),
    fallbacks: fc.constantFrom<(readonly string[])[]>([], [], ['stand-in'], ['stand-in', 'last resort']),
    maxTokens: fc.option(fc.constantFrom(40, 10_000), { nil: undefined }),
  })
  .map(({ dag, steps, retries, needsPerson, fallbacks, maxTokens }) => {
    const drafts = dag.map((dependencies, index) => ({
      id: `t${index}`,
      timeoutMs: 20,
      dependsOn: dependencies.map((dependency) => `t${dependency}`),
      retry: { backoffMs: 10, factor: 1, maxBackoffMs: 10, jitter: 0, ...retries[index]! },
      ...steps[index]!,
    }));
    const person = { key: 'person', verdict: 'require-approval', on: { type: 'retry' }, reason: 'Look first.' } as const;
    const worker = { key: 'worker', kind: 'existing', agentId: 'agent-1' } as const;
    return shownAsPlan(
      handWritten(drafts, {
        ...(fallbacks.length > 0 && { roles: [{ ...worker, fallbacks }] }),
        ...(maxTokens !== undefined && { budget: { maxTokens } }),
        ...(needsPerson && { policies: [person] }),
      }),
    );
  });
