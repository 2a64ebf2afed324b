import { describe, expect, it } from 'vitest';

import { TopologyFaultError } from '../../src/core/plan/choose-topology.js';
import type { StepDraft, Topology } from '../../src/core/ports/topology.js';
import { err, ok } from '../../src/core/shared/result.js';
import { graph } from '../../src/topologies/graph.js';
import { allPhases, issuesOf, planOf, proposal, stepsById, ticket } from '../core/plan/support.js';

const own = (drafts: readonly StepDraft[]): Topology => ({
  kind: 'own',
  description: 'For tests.',
  options: graph.options,
  arrange: () => ok(drafts),
});
const chosen = proposal([ticket('a'), ticket('b')], { topology: { kind: 'own' } });
const tickets: readonly StepDraft[] = [
  { id: 'a', kind: 'ticket' },
  { id: 'b', kind: 'ticket' },
];
const codesOf = (drafts: readonly StepDraft[]) => issuesOf(chosen, own(drafts)).map(({ code }) => code);

describe('a topology of one’s own', () => {
  it('may name whatever differs from the ticket, and add steps that the synthesis then waits for', () => {
    const drafts: StepDraft[] = [
      { id: 'a', kind: 'ticket', role: 'writer', priority: 'high', dependsOn: [] },
      { id: 'b', kind: 'ticket', input: [] },
      { id: 'joined', kind: 'reduce', reducer: 'positions', dependsOn: ['b', 'a'] },
    ];
    const steps = stepsById(planOf({ ...chosen, ...allPhases }, own(drafts)));
    expect(steps.get('a')).toMatchObject({ role: 'writer', priority: 'high', title: 'Title of a', dependsOn: ['discussion'] });
    expect(steps.get('b')).toMatchObject({ role: 'worker', input: [] });
    expect(steps.get('joined')).toMatchObject({
      phase: 'work',
      join: 'all-settled',
      dependsOn: ['a', 'b'],
      input: ['a', 'b'],
      effect: 'none',
    });
    expect(steps.get('synthesis')?.dependsOn).toEqual(['a', 'b', 'joined']);
  });

  it('must give every ticket exactly once, under ids that nothing else has', () => {
    expect(codesOf(tickets.slice(1))).toEqual(['missing-ticket']);
    expect(codesOf([...tickets, { id: 'b', kind: 'ticket' }])).toEqual(['duplicate-step']);
    expect(codesOf([...tickets, { id: 'c', kind: 'ticket' }])).toEqual(['ticket-mismatch']);
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'reduce' }])).toEqual(['ticket-mismatch']);
    expect(codesOf([...tickets, { id: 'synthesis', kind: 'reduce' }])).toEqual(['reserved-key']);
    expect(codesOf([...tickets, { id: 'c', kind: 'synthesis', role: 'worker' }])).toEqual(['foreign-kind']);
    expect(codesOf([...tickets, { id: 'c', kind: 'gate', role: 'worker' }])).toEqual(['foreign-kind']);
  });

  it('must name roles and dependencies that are there, and no cycle', () => {
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'ticket', role: 'nobody' }])).toEqual(['unknown-role']);
    expect(codesOf([...tickets, { id: 'c', kind: 'route' }])).toEqual(['missing-role']);
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'ticket', compensation: { role: 'nobody', instructions: '' } }])).toEqual([
      'unknown-role',
    ]);
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'ticket', dependsOn: ['constructor'] }])).toEqual(['unknown-dependency']);
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'ticket', dependsOn: ['synthesis'] }])).toEqual(['unknown-dependency']);
    const ring: StepDraft[] = [
      { id: 'a', kind: 'ticket', dependsOn: ['b'] },
      { id: 'b', kind: 'ticket', dependsOn: ['a'] },
    ];
    const [issue] = issuesOf(chosen, own(ring));
    expect(issue).toMatchObject({ code: 'cycle', pointer: '/topology' });
    expect(issue?.message).toContain('"a" → "b" → "a"');
    expect(codesOf([tickets[0]!, { id: 'b', kind: 'ticket', input: ['a'] }])).toEqual(['input-not-upstream']);
  });

  it('gives its own issues, and is named when it throws', () => {
    const refusing: Topology = { ...own([]), arrange: () => err([{ code: 'too-dull', pointer: '/goal', message: 'Dull.' }]) };
    expect(issuesOf(chosen, refusing)).toEqual([{ code: 'too-dull', pointer: '/goal', message: 'Dull.' }]);
    const cause = new TypeError('no such thing');
    const throwing: Topology = {
      ...own([]),
      arrange: () => {
        throw cause;
      },
    };
    expect(() => planOf(chosen, throwing)).toThrow(TopologyFaultError);
    expect(() => planOf(chosen, throwing)).toThrow(expect.objectContaining({ code: 'TOPOLOGY_FAULT', topology: 'own', cause }));
  });
});
