import fc from 'fast-check';
import { describeProposal, parseProposal } from 'planwright';
import { proposalArbitrary } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { accepted, baseProposal, smallProposal, ticket } from './support/base-proposal.js';

const described = (proposal: unknown) => describeProposal(accepted(parseProposal(proposal)));

describe('describeProposal', () => {
  it('CR-03 says of each role whether it is there or to be hired, and counts hires', () => {
    const { roles, counts } = described(baseProposal());
    expect(roles.map(({ key, kind, agent }) => [key, kind, agent])).toEqual([
      ['analyst', 'existing', 'agent-1'],
      ['writer', 'hire', 'Copywriter'],
    ]);
    expect(roles.map(({ tickets }) => tickets)).toEqual([['a', 'b', 'c'], ['d']]);
    expect(counts).toEqual({ roles: 2, existing: 1, hires: 1, tickets: 4, dependencies: 4, gates: 1 });
  });

  it('CR-02 shows each section, present or explicitly defaulted', () => {
    const full = described(baseProposal());
    expect(full).toMatchObject({
      goal: 'Write a positioning document',
      parentTicket: 'T-1',
      channel: 'c-1',
      repositories: ['site'],
      scope: { quarter: 3 },
      topology: { kind: 'graph', options: {}, isDefault: true },
      research: { role: 'analyst', hasOutputSchema: true },
      discussion: { rounds: 2, positions: 4 },
      synthesis: { role: 'writer', hasOutputSchema: true },
      budget: { maxCostUsd: 5, onExceeded: 'fail' },
      resources: { search: { concurrency: 4 } },
      defaulted: ['topology', 'policies'],
    });
    const bare = described({ ...smallProposal([ticket('a', [])]), topology: { kind: 'single' } });
    expect(bare).toMatchObject({
      parentTicket: null,
      channel: null,
      repositories: [],
      scope: {},
      topology: { kind: 'single', isDefault: false },
      research: null,
      discussion: null,
      budget: { onExceeded: 'fail' },
      resources: {},
      defaulted: ['context', 'research', 'discussion', 'budget', 'resources', 'policies', 'metadata'],
    });
  });

  it('CC-44 records that there is no parent ticket', () => {
    const { parentTicket, defaulted } = described(smallProposal([ticket('a', [])]));
    expect(parentTicket).toBeNull();
    expect(defaulted).toContain('context');
  });

  it('FO-12 previews tickets, waves, agents and estimates', () => {
    const preview = described(baseProposal());
    expect(preview.waves).toEqual([['a'], ['b', 'c'], ['d']]);
    expect(preview.tickets.map(({ key, wave, input }) => [key, wave, input])).toEqual([
      ['a', 1, ['research', 'discussion']],
      ['b', 2, ['a', 'research', 'discussion']],
      ['c', 2, ['a', 'research', 'discussion']],
      ['d', 3, ['a', 'b', 'research']],
    ]);
    expect(preview.tickets[2]).toMatchObject({ effect: 'once', onFailure: 'continue', priority: 'high', role: 'analyst' });
    expect(preview.estimate).toEqual({ costUsd: 0.4, tokens: 400, durationMs: 4000, isComplete: false });
  });

  it('is plain frozen data, every ticket in the wave behind its last dependency', () => {
    fc.assert(
      fc.property(proposalArbitrary(), (proposal) => {
        const description = describeProposal(proposal);
        expect(JSON.parse(JSON.stringify(description))).toEqual(description);
        expect(Object.isFrozen(description.tickets)).toBe(true);
        const waveOf = new Map(description.tickets.map(({ key, wave }) => [key, wave]));
        for (const { key, dependsOn } of description.tickets) {
          expect(waveOf.get(key)).toBe(1 + Math.max(0, ...dependsOn.map((dependency) => waveOf.get(dependency)!)));
        }
        expect(description.waves.flat().toSorted()).toEqual(proposal.tickets.map(({ key }) => key).toSorted());
      }),
    );
  });
});
