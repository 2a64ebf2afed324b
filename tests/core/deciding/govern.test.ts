import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { govern, type PolicyQuestion } from '../../../src/core/deciding/govern.js';
import type { PlanPolicy, PolicyVerdict } from '../../../src/core/ports/policy.js';
import type { Effect, StepKind } from '../../../src/core/ports/step-traits.js';
import { deepFreeze } from '../../../src/core/shared/freeze.js';

const some = <T>(...values: readonly T[]) => fc.option(fc.subarray([...values]), { nil: undefined });
const triggers: fc.Arbitrary<PlanPolicy['on']> = fc.oneof(
  fc.constantFrom<PlanPolicy['on'][]>({ type: 'start' }, { type: 'retry' }, { type: 'tool' }),
  fc.constantFrom<PlanPolicy['on'][]>({ type: 'tool', tools: ['mail'] }, { type: 'tool', tools: [], when: false }),
  fc.nat({ max: 3 }).map((aboveMicroUsd) => ({ type: 'spend' as const, aboveMicroUsd })),
);
const policies = fc.array(
  fc
    .record({
      verdict: fc.constantFrom<PolicyVerdict[]>('allow', 'deny', 'require-approval'),
      on: triggers,
      roles: some('a', 'b'),
      tickets: some('t', 'u'),
      kinds: some<StepKind>('ticket', 'route'),
      effects: some<Effect>('none', 'once'),
    })
    .map((policy) => ({ key: 'p', reason: 'So.', ...policy }) as PlanPolicy),
  { maxLength: 6 },
);
const questions: fc.Arbitrary<PolicyQuestion> = fc.record({
  transition: fc.constantFrom<PolicyQuestion['transition'][]>('start', 'retry', 'spend', 'tool'),
  role: fc.constantFrom('a', 'b', undefined),
  ticket: fc.constantFrom('t', 'u', 'v'),
  kind: fc.constantFrom<StepKind[]>('ticket', 'route'),
  effect: fc.constantFrom<Effect[]>('none', 'once'),
  costMicroUsd: fc.constantFrom(0, 1, 2, 3, Infinity),
  tool: fc.record({ name: fc.constantFrom('mail', 'search'), fits: fc.constant((schema: unknown) => schema === true) }),
});

describe('HB-30 the first policy that applies decides', () => {
  it('each by itself: of many, the answer is that of the first that has one', () => {
    fc.assert(
      fc.property(policies, questions, (list, question) => {
        const first = list.find((policy) => govern([policy], question) !== undefined);
        expect(govern(list, question)?.policy).toBe(first);
        expect(govern(list, question)?.verdict).toBe(first?.verdict);
      }),
    );
  });

  it('is pure: what comes behind it, and asking again, change nothing', () => {
    fc.assert(
      fc.property(policies, policies, questions, (list, more, question) => {
        const answer = govern(deepFreeze(list), question);
        expect(govern(list, question)).toEqual(answer);
        if (answer) expect(govern([...list, ...more], question)).toEqual(answer);
        else expect(govern([...list, ...more], question)).toEqual(govern(more, question));
      }),
    );
  });

  it('applies only where all that it names holds', () => {
    const question = { transition: 'start', role: 'a', ticket: 't', kind: 'ticket', effect: 'once' } as const;
    const policy = { key: 'p', verdict: 'deny', on: { type: 'start' }, reason: 'So.' } as const;
    const isApplied = (parts: Partial<PlanPolicy>) => govern([{ ...policy, ...parts }], question) !== undefined;
    expect(isApplied({ roles: ['b', 'a'], tickets: ['t'], kinds: ['ticket'], effects: ['once'] })).toBe(true);
    for (const parts of [{ roles: ['b'] }, { tickets: ['u'] }, { kinds: ['route'] }, { effects: ['none'] }] as const)
      expect(isApplied(parts)).toBe(false);
    expect(govern([{ ...policy, roles: ['a'] }], { ...question, role: undefined })).toBeUndefined();
  });
});
