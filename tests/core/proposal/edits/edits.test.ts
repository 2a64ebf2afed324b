import {
  currentRevision,
  describeProposal,
  dropTicket,
  parseProposal,
  planProposal,
  type ProposalHistory,
  reassignTicket,
  setBudget,
  swapRole,
  tightenBudget,
  waves,
} from 'planwright';
import { describe, expect, it } from 'vitest';

import { accepted, at, baseProposal, places, refused, smallProposal, ticket } from '../support/base-proposal.js';
import { edit, edited, historyOf } from '../support/history.js';

const proposalOf = (history: ProposalHistory) => currentRevision(history).proposal;
const chain = () => smallProposal([ticket('a', []), ticket('b', ['a']), ticket('c', ['b'])]);

describe('swapRole', () => {
  it('CC-13 gives a role to a trusted agent as revision + 1, and refuses an unknown role', () => {
    const history = edited(swapRole(historyOf(), { ...edit, role: 'analyst', to: { agentId: 'trusted' } }));
    expect(currentRevision(history).revision).toBe(2);
    expect(proposalOf(history).roles[0]).toEqual({ ...at(baseProposal(), '/roles/0'), agentId: 'trusted' });
    const [issue] = refused(swapRole(historyOf(), { ...edit, role: 'analist', to: { agentId: 'x' } }));
    expect(issue).toEqual({
      code: 'unknown-role',
      pointer: '/roles',
      message: 'There is no role "analist"; did you mean "analyst"?',
    });
  });

  it('CR-04 turns a hire into an existing agent in one revision', () => {
    const history = edited(swapRole(historyOf(), { ...edit, role: 'writer', to: { agentId: 'agent-2' } }));
    expect(history.revisions).toHaveLength(2);
    expect(proposalOf(history).roles[1]).toEqual({ key: 'writer', kind: 'existing', agentId: 'agent-2' });
  });

  it('turns an existing agent into a hire', () => {
    const history = edited(swapRole(historyOf(), { ...edit, role: 'analyst', to: { hire: { name: 'Fresh' } } }));
    expect(proposalOf(history).roles[0]).toMatchObject({
      key: 'analyst',
      kind: 'hire',
      hire: { name: 'Fresh' },
      tools: ['search'],
    });
    expect(proposalOf(history).roles[0]).not.toHaveProperty('agentId');
  });

  it('checks the result by the rules of parsing', () => {
    expect(places(refused(swapRole(historyOf(), { ...edit, role: 'writer', to: { agentId: ' ' } })))).toEqual([
      'blank /roles/1/agentId',
    ]);
  });
});

describe('dropTicket', () => {
  it('CC-14 CR-05 bridges the dependants of the dropped ticket to its own dependencies', () => {
    const history = edited(dropTicket(historyOf(), { ...edit, ticket: 'c' }));
    const { tickets } = proposalOf(history);
    expect(tickets.map(({ key, dependsOn }) => [key, dependsOn])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['d', ['b', 'a']],
    ]);
  });

  it('CC-14 never leaves a dangling dependency, whatever is dropped', () => {
    const diamond = smallProposal([ticket('a', []), ticket('b', ['a']), ticket('c', ['a', 'b']), ticket('d', ['c', 'b'])]);
    for (const key of ['a', 'b', 'c', 'd']) {
      const proposal = proposalOf(edited(dropTicket(historyOf(diamond), { ...edit, ticket: key })));
      expect(proposal.tickets.map((left) => left.key)).not.toContain(key);
      expect(proposal.tickets.flatMap(({ dependsOn = [] }) => dependsOn)).not.toContain(key);
      accepted(parseProposal(proposal));
    }
  });

  it('CC-14 refuses by name in mode refuse', () => {
    const issues = refused(dropTicket(historyOf(chain()), { ...edit, ticket: 'b', mode: 'refuse' }));
    expect(places(issues)).toEqual(['has-dependents /tickets/2/dependsOn/0']);
    expect(issues[0]?.message).toBe('Ticket "b" cannot be dropped: ticket "c" depends on it. Remove that first, or bridge.');
    expect(dropTicket(historyOf(chain()), { ...edit, ticket: 'c', mode: 'refuse' }).ok).toBe(true);
  });

  it('CC-14 refuses to drop what is read by name, and says by whom', () => {
    const readers = (key: string) => places(refused(dropTicket(historyOf(), { ...edit, ticket: key })));
    expect(readers('a')).toEqual(['still-read /tickets/1/instructions', 'still-read /tickets/3/input/from/0']);
    expect(readers('d')).toEqual(['still-read /synthesis/instructions']);
  });

  it('CC-14 refuses where the topology still names the ticket', () => {
    const proposal = { ...chain(), topology: { kind: 'pipeline', stages: ['a', 'b', 'c'] } };
    expect(places(refused(dropTicket(historyOf(proposal), { ...edit, ticket: 'b' })))).toEqual([
      'unknown-ticket /topology/stages/1',
    ]);
  });

  it('refuses to drop the last ticket and one that is not there', () => {
    expect(places(refused(dropTicket(historyOf(smallProposal([ticket('a', [])])), { ...edit, ticket: 'a' })))).toEqual([
      'no-tickets /tickets',
    ]);
    expect(refused(dropTicket(historyOf(), { ...edit, ticket: 'nope' }))[0]?.code).toBe('unknown-ticket');
  });
});

describe('budget', () => {
  it('CC-15 CR-06 accepts lower ceilings and new ones', () => {
    const history = edited(tightenBudget(historyOf(), { ...edit, budget: { maxCostUsd: 2.5, maxAgents: 2, maxSteps: 100 } }));
    expect(proposalOf(history).budget).toEqual({
      maxCostUsd: 2.5,
      maxTokens: 200_000,
      maxSteps: 100,
      maxAgents: 2,
      onExceeded: 'fail',
    });
    const first = edited(tightenBudget(historyOf(chain()), { ...edit, budget: { maxTokens: 10 } }));
    expect(proposalOf(first).budget).toEqual({ maxTokens: 10 });
  });

  it('FX-01 lowers how many attempts may work at once, and raises it only by another budget', () => {
    const narrow = edited(tightenBudget(historyOf(), { ...edit, budget: { maxConcurrency: 2 } }));
    expect(proposalOf(narrow).budget?.maxConcurrency).toBe(2);
    const raise = tightenBudget(narrow, { ...edit, baseRevision: 2, budget: { maxConcurrency: 3 } });
    expect(places(refused(raise))).toEqual(['not-tighter /budget/maxConcurrency']);
  });

  it('CC-15 refuses a raise as a tightening, and takes it as a revision of its own', () => {
    const issues = refused(tightenBudget(historyOf(), { ...edit, budget: { maxCostUsd: 6, maxTokens: 1 } }));
    expect(places(issues)).toEqual(['not-tighter /budget/maxCostUsd']);
    expect(issues[0]?.message).toContain('6 is above the present maxCostUsd of 5');
    const raised = edited(setBudget(historyOf(), { ...edit, budget: { maxCostUsd: 6 } }));
    expect(currentRevision(raised)).toMatchObject({ revision: 2, proposal: { budget: { maxCostUsd: 6 } } });
    expect(proposalOf(edited(setBudget(historyOf(), { ...edit, budget: null }))).budget).toBeUndefined();
  });

  it('refuses what lowers nothing and what is no figure', () => {
    expect(places(refused(tightenBudget(historyOf(), { ...edit, budget: {} })))).toEqual(['not-tighter /budget']);
    expect(places(refused(tightenBudget(historyOf(), { ...edit, budget: { maxCostUsd: 5 } })))).toEqual(['not-tighter /budget']);
    expect(places(refused(tightenBudget(historyOf(), { ...edit, budget: { maxCostUsd: -1 } })))).toEqual([
      'out-of-range /budget/maxCostUsd',
    ]);
    expect(places(refused(tightenBudget(historyOf(), { ...edit, budget: { maxTokens: NaN } })))).toEqual([
      'not-json-value /budget/maxTokens',
    ]);
  });
});

describe('reassignTicket', () => {
  it('FO-11 changes the agent of one ticket; the waves stay', () => {
    const before = historyOf();
    const after = edited(reassignTicket(before, { ...edit, ticket: 'b', role: 'writer' }));
    const roles = (history: ProposalHistory) => proposalOf(history).tickets.map(({ key, role }) => [key, role]);
    expect(roles(after)).toEqual(roles(before).map(([key, role]) => [key, key === 'b' ? 'writer' : role]));
    expect(describeProposal(proposalOf(after)).waves).toEqual(describeProposal(proposalOf(before)).waves);
    const planWaves = (history: ProposalHistory) => {
      const plan = planProposal(proposalOf(history));
      return plan.ok ? waves(plan.value) : plan.error;
    };
    expect(planWaves(after)).toEqual(planWaves(before));
  });

  it('refuses an unknown role', () => {
    expect(places(refused(reassignTicket(historyOf(), { ...edit, ticket: 'b', role: 'boss' })))).toEqual([
      'unknown-role /tickets/1/role',
    ]);
  });
});
