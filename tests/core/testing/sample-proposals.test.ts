import { expect, it } from 'vitest';

import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import { listIssues } from '../../../src/core/shared/error.js';
import { waves } from '../../../src/core/plan/waves.js';
import type { OrchestrationProposal } from '../../../src/core/ports/proposal.js';
import { chainProposal, layeredProposal, starProposal } from '../../../src/core/testing/sample-proposals.js';
import { builtInTopologies } from '../../../src/topologies/index.js';

const wavesOf = (proposal: OrchestrationProposal): readonly (readonly string[])[] => {
  const planned = planProposal(proposal, { topologies: builtInTopologies });
  if (!planned.ok) throw new Error(listIssues(planned.error));
  return waves(planned.value);
};
const edgesOf = ({ tickets }: OrchestrationProposal): number =>
  tickets.reduce((sum, { dependsOn = [] }) => sum + dependsOn.length, 0);

it('layers have their width, their depth and their dependencies', () => {
  const proposal = layeredProposal({ tickets: 10_000, dependenciesPerTicket: 3, width: 250 });
  expect(wavesOf(proposal).map(({ length }) => length)).toEqual([...Array.from({ length: 40 }, () => 250), 1]);
  expect(edgesOf(proposal)).toBe(9_750 * 3);
  expect(layeredProposal({ tickets: 50 })).toEqual(layeredProposal({ tickets: 50 }));
  expect(edgesOf(layeredProposal({ tickets: 6, dependenciesPerTicket: 3, width: 2 }))).toBe(8);
});

it('a chain is as deep, and a star as wide, as it can be', () => {
  expect(wavesOf(chainProposal({ tickets: 10_000 }))).toHaveLength(10_001);
  expect(wavesOf(starProposal({ dependents: 9_999 })).map(({ length }) => length)).toEqual([1, 9_999, 1]);
});
