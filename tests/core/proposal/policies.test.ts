import { describe, expect, it } from 'vitest';

import {
  currentRevision,
  diffProposals,
  dropTicket,
  parseProposal,
  planProposal,
  type PolicySpec,
  proposalJsonSchema,
  setPolicies,
  startHistory,
} from 'planwright';
import { proposalOf } from 'planwright/testing';

import { ticket } from '../../running/support/world.js';

const policy = (parts: Partial<PolicySpec> = {}): PolicySpec => ({
  key: 'careful',
  verdict: 'require-approval',
  on: { type: 'start' },
  reason: 'It costs.',
  ...parts,
});
const proposal = (policies?: readonly unknown[]) => ({
  ...proposalOf([ticket('a'), ticket('b')]),
  ...(policies && { policies }),
});
const must = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T => {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
};
const parsed = (policies?: readonly unknown[]) => must(parseProposal(proposal(policies)));
const issuesOf = (...policies: readonly unknown[]) => {
  const result = parseProposal(proposal(policies));
  return result.ok ? [] : result.error.map(({ code, pointer }) => `${pointer} ${code}`);
};

describe('HB-30 policies of a proposal', () => {
  it('are parsed, stand in the plan in their order, with money in micro-dollars', () => {
    const policies = [
      policy({ on: { type: 'spend', aboveUsd: 0.25 }, roles: ['worker'], tickets: ['b', 'a'] }),
      policy({ key: 'tools', verdict: 'deny', on: { type: 'tool', tools: ['mail'], when: { type: 'object' } } }),
    ];
    const plan = must(planProposal(parsed(policies)));
    expect(plan.policies).toEqual([
      { ...policies[0], on: { type: 'spend', aboveMicroUsd: 250_000 }, tickets: ['a', 'b'] },
      policies[1],
    ]);
  });

  it('move the digest of the plan, and leave it alone where there are none', () => {
    const digestOf = (policies?: readonly unknown[]) => must(planProposal(parsed(policies))).digest;
    expect(digestOf([])).toBe(digestOf());
    expect(digestOf([policy()])).not.toBe(digestOf());
    expect(digestOf([policy(), policy({ key: 'other' })])).not.toBe(digestOf([policy({ key: 'other' }), policy()]));
    expect(digestOf([policy({ tickets: ['a', 'b'] })])).toBe(digestOf([policy({ tickets: ['b', 'a'] })]));
  });

  it.each([
    ['a role that there is not', { roles: ['wroker'] }, '/policies/0/roles/0 unknown-role'],
    ['a ticket that there is not', { tickets: ['a', 'c'] }, '/policies/0/tickets/1 unknown-ticket'],
    ['a kind that there is not', { kinds: ['tikcet'] }, '/policies/0/kinds/0 invalid-value'],
    ['a trigger that there is not', { on: { type: 'stop' } }, '/policies/0/on/type invalid-value'],
    ['no trigger', { on: {} }, '/policies/0/on/type missing'],
    ['a key that is not known', { on: { type: 'start', when: true } }, '/policies/0/on/when unknown-key'],
    ['a schema that is none', { on: { type: 'tool', when: { type: 'x' } } }, '/policies/0/on/when malformed-schema'],
    ['no money', { on: { type: 'spend', aboveUsd: -1 } }, '/policies/0/on/aboveUsd out-of-range'],
    ['nobody', { roles: [] }, '/policies/0/roles policy-never-applies'],
    ['what is never asked', { kinds: ['compensation'] }, '/policies/0/kinds policy-never-applies'],
    ['no reason', { reason: ' ' }, '/policies/0/reason blank'],
    ['a key that is reserved', { key: 'autonomy:a' }, '/policies/0/key reserved-policy'],
  ])('refuses one that names %s', (_, parts, issue) => {
    expect(issuesOf({ ...policy(), ...parts })).toEqual([issue]);
  });

  it('refuses two of one key', () => {
    expect(issuesOf(policy(), policy())).toEqual(['/policies/1/key duplicate-policy']);
  });

  it('can be set by an edit, are shown by a diff, and let go of a ticket that is dropped', () => {
    const at = 0;
    const author = { kind: 'user', id: 'ada' } as const;
    const first = startHistory(parsed(), { at, author });
    const both = [policy({ tickets: ['a'] }), policy({ key: 'two', tickets: ['a', 'b'] })];
    const set = must(setPolicies(first, { policies: both, baseRevision: 1, at, author }));
    const dropped = must(dropTicket(set, { ticket: 'a', baseRevision: 2, at, author }));
    expect(currentRevision(dropped).proposal.policies).toEqual([policy({ key: 'two', tickets: ['b'] })]);
    const diff = diffProposals(currentRevision(set).proposal, currentRevision(dropped).proposal);
    expect(diff.policies).toEqual({
      added: [],
      removed: ['careful'],
      changed: [{ key: 'two', fields: ['tickets'] }],
      reordered: false,
    });
    const none = must(setPolicies(dropped, { policies: [], baseRevision: 3, at, author }));
    expect(currentRevision(none).proposal).not.toHaveProperty('policies');
    expect(setPolicies(first, { policies: [policy({ roles: ['x'] })], baseRevision: 1, at, author }).ok).toBe(false);
  });

  it('are described to planners', () => {
    expect(JSON.stringify(proposalJsonSchema())).toContain('Of the policies on the same, the first that applies decides.');
  });
});
