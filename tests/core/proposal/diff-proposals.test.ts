import fc from 'fast-check';
import { canonicalJson, diffProposals, type OrchestrationProposal, parseProposal, type ProposalDiff } from 'planwright';
import { proposalArbitrary } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { accepted, at, baseProposal, type Loose, ticket } from './support/base-proposal.js';

const parsed = (change: (proposal: Loose) => void = () => undefined): OrchestrationProposal => {
  const proposal = baseProposal();
  change(proposal);
  return accepted(parseProposal(proposal));
};
const diff = (change: (proposal: Loose) => void): ProposalDiff => diffProposals(parsed(), parsed(change));
const empty = diffProposals(parsed(), parsed());

describe('diffProposals', () => {
  it('CX-13 lists added, removed and changed tickets with their fields, and edges between survivors only', () => {
    const found = diff((p) => {
      p['tickets'] = [
        { ...ticket('a', []), title: 'New title', role: 'writer' },
        { ...(at(p, '/tickets/2') as object), dependsOn: ['a', 'e'] },
        { ...(at(p, '/tickets/3') as object), dependsOn: ['c', 'a'], input: { from: ['a'] } },
        ticket('e', []),
      ];
    });
    expect(found.tickets).toEqual({
      added: ['e'],
      removed: ['b'],
      changed: [
        { key: 'a', fields: ['role', 'title'] },
        { key: 'c', fields: ['dependsOn'] },
        { key: 'd', fields: ['dependsOn', 'input'] },
      ],
      reordered: false,
    });
    expect(found.edges).toEqual({ added: [{ from: 'd', to: 'a' }], removed: [] });
    expect(found.touchedKeys).toEqual(['e', 'b', 'a', 'c', 'd']);
    expect(found.isEmpty).toBe(false);
  });

  it('CX-13 shows goal, roles and budget', () => {
    const found = diff((p) => {
      p['goal'] = 'Something else';
      p['roles'] = [
        { key: 'writer', kind: 'existing', agentId: 'agent-2' },
        { ...(at(p, '/roles/0') as object), tools: [] },
        { key: 'editor', kind: 'hire', hire: { name: 'Ed' } },
      ];
      p['budget'] = { maxCostUsd: 4, maxSteps: 100, maxAgents: 3, onExceeded: 'pause' };
    });
    expect(found).toEqual({
      ...empty,
      isEmpty: false,
      goalChanged: true,
      roles: {
        added: ['editor'],
        removed: [],
        changed: [
          { key: 'writer', fields: ['agentId', 'hire', 'kind'] },
          { key: 'analyst', fields: ['tools'] },
        ],
        reassigned: [{ key: 'writer', from: 'hire Copywriter', to: 'existing agent-2' }],
        reordered: true,
      },
      budget: [
        { field: 'maxAgents', from: null, to: 3 },
        { field: 'maxCostUsd', from: 5, to: 4 },
        { field: 'maxTokens', from: 200_000, to: null },
        { field: 'onExceeded', from: 'fail', to: 'pause' },
      ],
    });
  });

  it.each<[keyof ProposalDiff, (proposal: Loose) => void]>([
    ['contextChanged', (p) => delete p['context']],
    ['topologyChanged', (p) => (p['topology'] = { kind: 'graph' })],
    ['researchChanged', (p) => (at(p, '/research')['instructions'] = 'More')],
    ['discussionChanged', (p) => (at(p, '/discussion')['rounds'] = 3)],
    ['synthesisChanged', (p) => (at(p, '/synthesis')['outputSchema'] = true)],
    ['resourcesChanged', (p) => (at(p, '/resources/search')['concurrency'] = 1)],
    ['metadataChanged', (p) => delete p['metadata']],
  ])('CX-13 shows %s and nothing else', (field, change) => {
    expect(diff(change)).toEqual({ ...empty, isEmpty: false, [field]: true });
  });

  it('sees another order of the tickets', () => {
    const found = diff((p) => (p['tickets'] as unknown[]).reverse());
    expect(found).toEqual({ ...empty, isEmpty: false, tickets: { ...empty.tickets, reordered: true } });
  });

  it('is empty for equal proposals only, whatever the order of their keys', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, shuffled(member)]),
      );
    };
    fc.assert(
      fc.property(proposalArbitrary(), proposalArbitrary(), (a, b) => {
        expect(diffProposals(a, shuffled(a) as OrchestrationProposal)).toEqual(empty);
        expect(diffProposals(a, b).isEmpty).toBe(canonicalJson({ budget: {}, ...a }) === canonicalJson({ budget: {}, ...b }));
      }),
    );
  });

  it('mirrors when the sides are swapped', () => {
    const sorted = (keys: readonly { readonly key: string }[]) => keys.map(({ key }) => key).sort();
    fc.assert(
      fc.property(proposalArbitrary({ hostileKeys: false }), proposalArbitrary({ hostileKeys: false }), (a, b) => {
        const there = diffProposals(a, b);
        const back = diffProposals(b, a);
        expect([back.tickets.added, back.tickets.removed]).toEqual([there.tickets.removed, there.tickets.added]);
        expect([back.edges.added, back.edges.removed]).toEqual([there.edges.removed, there.edges.added]);
        expect([back.roles.added, back.roles.removed]).toEqual([there.roles.removed, there.roles.added]);
        expect(sorted(back.tickets.changed)).toEqual(sorted(there.tickets.changed));
        expect(back.tickets.reordered).toBe(there.tickets.reordered);
        expect(back.budget).toEqual(there.budget.map(({ field, from, to }) => ({ field, from: to, to: from })));
        expect(there).toEqual(JSON.parse(JSON.stringify(there)));
      }),
    );
  });
});
