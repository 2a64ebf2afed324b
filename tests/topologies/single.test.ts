import { describe, expect, it } from 'vitest';

import { issuesOf, planOf, proposal, ticket } from '../core/plan/support.js';

describe('single', () => {
  it('takes exactly one ticket', () => {
    const topology = { kind: 'single' };
    expect(planOf(proposal([ticket('only')], { topology })).steps.map(({ id }) => id)).toEqual(['only', 'synthesis']);
    expect(issuesOf(proposal([ticket('a'), ticket('b')], { topology }))).toMatchObject([
      { code: 'not-single', pointer: '/tickets' },
    ]);
  });
});
