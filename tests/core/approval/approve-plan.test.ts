import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { approvePlan, isApprovedPlan, type Approval, type ApprovedPlan } from '../../../src/core/approval/approve-plan.js';
import { materialize } from '../../../src/core/materializer/materialize.js';
import type { Plan } from '../../../src/core/ports/plan.js';
import { planArbitrary } from '../../../src/core/testing/plan-arbitrary.js';
import { builtInTopologies } from '../../../src/topologies/index.js';
import { ada, agentsOf, approved, handWritten, unwrap } from '../../support/materialized.js';

const anyPlan = planArbitrary({ topologies: builtInTopologies, maxTickets: 6 });
const soundFor = ({ digest, revision }: Plan): Approval => ({ digest, revision, approvedBy: ada });
const codesOf = (plan: Plan, approval: Approval): readonly string[] => {
  const result = approvePlan(plan, approval);
  return result.ok ? [] : result.error.map(({ code }) => code);
};

/** A plan that needs two steps where one is allowed. */
const unsound = handWritten([{ id: 'a' }], { budget: { maxSteps: 1 } });

/** Ways in which an approval can be wrong, each with the code that says so. */
const faults: readonly { readonly code: string; readonly spoil: (approval: Approval) => Approval }[] = [
  { code: 'stale-digest', spoil: (approval) => ({ ...approval, digest: 'f'.repeat(64) }) },
  { code: 'stale-revision', spoil: (approval) => ({ ...approval, revision: approval.revision + 1 }) },
  { code: 'approver-not-allowed', spoil: (approval) => ({ ...approval, approvedBy: { ...approval.approvedBy, kind: 'agent' } }) },
  { code: 'approver-unnamed', spoil: (approval) => ({ ...approval, approvedBy: { ...approval.approvedBy, id: '  ' } }) },
];

describe('approvePlan', () => {
  it('CX-16 names every reason to refuse, all at once', () => {
    fc.assert(
      fc.property(anyPlan, fc.subarray([...faults]), (plan, chosen) => {
        const approval = chosen.reduce((spoilt, { spoil }) => spoil(spoilt), soundFor(plan));
        expect([...codesOf(plan, approval)].sort()).toEqual(chosen.map(({ code }) => code).sort());
      }),
    );
  });

  it.each(['agent', 'User', '', undefined, null, 7])('CX-16 refuses an approver of kind %j', (kind) => {
    const plan = handWritten([{ id: 'a' }]);
    expect(codesOf(plan, { ...soundFor(plan), approvedBy: { kind: kind as string, id: 'bob' } })).toEqual([
      'approver-not-allowed',
    ]);
  });

  it.each([undefined, null, 'ada', []])('CX-16 refuses %j in the place of an approver, without a throw', (approvedBy) => {
    const plan = handWritten([{ id: 'a' }]);
    expect(codesOf(plan, { ...soundFor(plan), approvedBy: approvedBy as unknown as Approval['approvedBy'] })).toEqual([
      'approver-not-allowed',
      'approver-unnamed',
    ]);
  });

  it('CX-16 takes a declared policy as well as a user', () => {
    const plan = handWritten([{ id: 'a' }]);
    const policy = { kind: 'policy', id: 'nightly' };
    expect(unwrap(approvePlan(plan, { ...soundFor(plan), approvedBy: policy })).approvedBy).toEqual(policy);
  });

  it('refuses a plan whose analysis has found an error, with what was found', () => {
    const result = approvePlan(unsound, soundFor(unsound));
    expect(result).toMatchObject({ ok: false, error: [{ code: 'max-steps-below-plan' }] });
    expect(codesOf(unsound, { ...soundFor(unsound), revision: 9 })).toEqual(['stale-revision', 'max-steps-below-plan']);
  });

  it('CC-42 keeps the revision and the digest that were shown, and who approved them', () => {
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 1, max: 99 }), (shown, revision) => {
        const plan = { ...shown, revision };
        const value = unwrap(approvePlan(plan, soundFor(plan)));
        expect(value).toMatchObject({ plan: { revision, digest: plan.digest }, approvedBy: ada, steps: null });
        expect(value.plan).toEqual(plan);
      }),
    );
  });

  it('gives the same for the same, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const approval = soundFor(plan);
        const before = JSON.stringify([plan, approval]);
        expect(approvePlan(plan, approval)).toEqual(approvePlan(plan, approval));
        expect(JSON.stringify([plan, approval])).toBe(before);
        expect(Object.isFrozen(unwrap(approvePlan(plan, approval)).approvedBy)).toBe(true);
      }),
    );
  });

  it('refuses a plan that is not what its digest says, and keeps a copy of one that could still be changed', () => {
    const plan = handWritten([{ id: 'a' }]);
    const read = JSON.parse(JSON.stringify(plan)) as Plan;
    const steps = read.steps.map((step) => ({ ...step, instructions: 'Something else.' }));
    expect(codesOf({ ...read, steps }, soundFor(read))).toEqual(['digest-mismatch']);
    const value = unwrap(approvePlan(read, soundFor(read)));
    expect(value.plan).toEqual(plan);
    (read.steps[0] as { instructions: string }).instructions = 'Changed after the approval.';
    expect(value.plan).toEqual(plan);
    expect(Object.isFrozen(value.plan.steps[0])).toBe(true);
  });
});

describe('the approval of a part', () => {
  const plan = handWritten([{ id: 'a' }, { id: 'b', dependsOn: ['a'] }, { id: 'c' }]);
  const part = (...steps: string[]): Approval => ({ ...soundFor(plan), steps });

  it('names the steps that may start, each once', () => {
    expect(unwrap(approvePlan(plan, part('b', 'a', 'b'))).steps).toEqual(['a', 'b']);
    expect(unwrap(approvePlan(plan, part())).steps).toEqual([]);
  });

  it('is refused when it leaves out what a part of it waits for, or names what is no step of the work', () => {
    expect(codesOf(plan, part('b'))).toEqual(['part-not-closed']);
    expect(codesOf(plan, part('zebra', 'synthesis', 'b'))).toEqual(['unknown-step', 'unknown-step', 'part-not-closed']);
    expect(approvePlan(plan, part('zebra'))).toMatchObject({
      error: [{ pointer: '/steps/0', message: expect.stringContaining('"zebra"') as string }],
    });
  });
});

describe('ApprovedPlan', () => {
  const plan = handWritten([{ id: 'a' }]);
  const agents = agentsOf(plan);

  it('cannot be made in any other way, as far as types go', () => {
    // These lines compile only because each of them is an error.
    // @ts-expect-error a plan that nobody approved
    expect(() => materialize(plan, agents)).toThrow();
    // @ts-expect-error an object that looks like one
    const forged: ApprovedPlan = { plan, approvedBy: ada, steps: null };
    // @ts-expect-error the whole result, which may be a refusal
    expect(() => materialize(approvePlan(plan, soundFor(plan)), agents)).toThrow();
    expect(isApprovedPlan(forged)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a plan', plan],
    ['a look-alike', { plan, approvedBy: ada, steps: null }],
    ['a copy of a real one', { ...approved(plan) }],
    ['a clone of a real one', structuredClone(approved(plan))],
    ['something that inherits from a real one', Object.create(approved(plan))],
    ['a proxy of a real one', new Proxy(approved(plan), {})],
    ['nothing', undefined],
    ['a text', 'approved'],
  ])('is refused at run time when it is %s', (_, forged) => {
    const attempt = () => materialize(forged as ApprovedPlan, agents);
    expect(attempt).toThrow(expect.objectContaining({ code: 'NOT_APPROVED' }));
    expect(isApprovedPlan(forged)).toBe(false);
  });

  it('is frozen, so that what was approved is what runs', () => {
    const real = approved(plan);
    expect(isApprovedPlan(real)).toBe(true);
    expect(() => Object.assign(real, { plan: unsound })).toThrow(TypeError);
  });
});
