import { expect, it } from 'vitest';

import { parseProposal } from '../../src/core/proposal/parse-proposal.js';
import { builtInTopologies } from '../../src/topologies/index.js';
import { describeData } from '../support/real-data/data-set.js';
import { cleanToolPlans, dirtyToolPlans, issueCodes, type ToolPlan } from '../support/real-data/taskbench.js';

const clean = cleanToolPlans();
const dirty = dirtyToolPlans();
const codesOf = ({ input }: ToolPlan): readonly string[] => {
  const parsed = parseProposal(input, { topologies: builtInTopologies });
  return parsed.ok ? [] : parsed.error.map(({ code }) => code);
};

describeData('taskbench, clean', clean, () => {
  it('accepts every plan', () => {
    expect(clean.map((plan) => [plan.id, codesOf(plan)]).filter(([, codes]) => codes!.length > 0)).toEqual([]);
  });
});

describeData('taskbench, dirty', dirty, () => {
  it('knows every kind of fault that the file lists', () => {
    expect([...new Set(dirty.flatMap(({ faults }) => faults))].filter((fault) => !issueCodes.has(fault))).toEqual([]);
  });

  it.each([...issueCodes])('reports each %s as %s', (fault, code) => {
    const affected = dirty.filter(({ faults }) => faults.includes(fault));
    expect(affected.length).toBeGreaterThan(0);
    expect(affected.filter((plan) => !codesOf(plan).includes(code)).map(({ id }) => id)).toEqual([]);
  });

  it('reports nothing else', () => {
    const expected = (plan: ToolPlan): ReadonlySet<string | undefined> =>
      new Set(plan.faults.map((fault) => issueCodes.get(fault)));
    const surprises = dirty.map((plan) => [plan.id, codesOf(plan).filter((code) => !expected(plan).has(code))]);
    expect(surprises.filter(([, codes]) => codes!.length > 0)).toEqual([]);
  });
});
