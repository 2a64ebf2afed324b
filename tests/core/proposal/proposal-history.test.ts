import fc from 'fast-check';
import { appendRevision, currentRevision, parseProposal, type ProposalHistory, rewindTo, swapRole } from 'planwright';
import { describe, expect, it } from 'vitest';

import { accepted, baseProposal, refused } from './support/base-proposal.js';
import { edit, edited, historyOf } from './support/history.js';

const proposalWith = (goal: string) => accepted(parseProposal({ ...baseProposal(), goal }));
const statuses = ['approved', 'executing', 'synthesizing', 'completed', 'failed', 'cancelled'] as const;

describe('revisions', () => {
  it('starts at revision 1, proposed, with its author', () => {
    const history = historyOf();
    expect(history.status).toBe('proposed');
    expect(currentRevision(history)).toEqual({
      revision: 1,
      proposal: baseProposal(),
      author: { kind: 'user', id: 'ada' },
      at: 500,
    });
  });

  it('CC-41 CX-11 is at revision 1 + n after n edits, keeps all, and loses none to a refused one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 8 }), { maxLength: 12 }), (bases) => {
        let history = historyOf();
        let taken = 0;
        bases.forEach((baseRevision, index) => {
          const before = history;
          const result = appendRevision(history, { proposal: proposalWith(`Goal ${index}`), baseRevision, at: index });
          if (result.ok) history = result.value;
          expect(result.ok).toBe(baseRevision === 1 + taken);
          if (result.ok) taken += 1;
          // Append-only: what was there is still there.
          expect(history.revisions.slice(0, before.revisions.length)).toEqual(before.revisions);
        });
        expect(currentRevision(history).revision).toBe(1 + taken);
        expect(history.revisions.map(({ revision }) => revision)).toEqual(
          Array.from({ length: 1 + taken }, (_, index) => index + 1),
        );
      }),
    );
  });

  it('CX-11 refuses an edit of an older revision in the agreed words', () => {
    const second = edited(appendRevision(historyOf(), { proposal: proposalWith('Second'), baseRevision: 1, at: 1 }));
    expect(refused(appendRevision(second, { proposal: proposalWith('Other'), baseRevision: 1, at: 2 }))).toEqual([
      {
        code: 'stale-revision',
        pointer: '',
        message: 'The plan moved on: your edit was based on revision 1 but the plan is at revision 2. Reload and re-apply.',
      },
    ]);
  });

  it.each(statuses)('CC-13 CX-11 refuses edits once the run is %s', (status) => {
    const history: ProposalHistory = { ...historyOf(), status };
    const attempts = [
      appendRevision(history, { proposal: proposalWith('Late'), baseRevision: 1, at: 1 }),
      rewindTo(history, { revision: 1, baseRevision: 1, at: 1 }),
      swapRole(history, { ...edit, role: 'analyst', to: { agentId: 'other' } }),
    ];
    for (const attempt of attempts) {
      const [issue] = refused(attempt);
      expect(issue?.code).toBe('not-editable');
      expect(issue?.message).toContain(status);
    }
  });

  it('CX-11 rewinds by appending an old proposal as a new revision', () => {
    const author = { kind: 'agent', id: 'planner' } as const;
    const second = edited(
      appendRevision(historyOf(), { proposal: proposalWith('Second'), baseRevision: 1, at: 1, author, note: 'Better' }),
    );
    const third = edited(rewindTo(second, { revision: 1, baseRevision: 2, at: 2 }));
    expect(third.revisions).toHaveLength(3);
    expect(currentRevision(second)).toMatchObject({ revision: 2, author, note: 'Better' });
    expect(currentRevision(third)).toEqual({ revision: 3, proposal: baseProposal(), author: null, at: 2 });
    expect(refused(rewindTo(third, { revision: 9, baseRevision: 3, at: 3 }))[0]?.code).toBe('unknown-revision');
    expect(refused(rewindTo(third, { revision: 1, baseRevision: 2, at: 3 }))[0]?.code).toBe('stale-revision');
  });

  it('is frozen, and shares nothing that its caller could change', () => {
    const proposal = structuredClone(proposalWith('Mine')) as { goal: string };
    const history = edited(appendRevision(historyOf(), { proposal: proposal as never, baseRevision: 1, at: 1 }));
    proposal.goal = 'Changed';
    expect(currentRevision(history).proposal.goal).toBe('Mine');
    expect([history, history.revisions, currentRevision(history), currentRevision(history).proposal].every(Object.isFrozen)).toBe(
      true,
    );
  });
});
